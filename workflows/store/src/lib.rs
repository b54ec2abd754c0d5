//! The databases behind the engine's [`saga::Store`], for the sign-up saga.
//!
//! [`sqlite`] is a file and needs nothing installed. `memory`, for tests, is the reference: what it does in plain Rust
//! is what the others do in SQL. One conformance suite runs on all of them.

mod busy;
pub mod sqlite;

#[cfg(feature = "testing")]
pub mod facts;
#[cfg(feature = "testing")]
pub mod invariants;
#[cfg(feature = "testing")]
pub mod memory;

pub use sqlite::Sqlite;
