//! The port's conformance suite over this adapter.

tenon_store::conformance_tests!(crate::harness::Sqlite::new());
