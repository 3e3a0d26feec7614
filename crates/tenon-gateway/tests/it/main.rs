//! Integration tests of `tenon-gateway`.
