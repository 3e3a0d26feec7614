//! Integration tests of `tenon-store`.
