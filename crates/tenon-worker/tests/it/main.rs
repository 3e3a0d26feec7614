//! Integration tests of `tenon-worker`.
