//! The databases behind the engine's [`saga::Store`], for the sign-up saga.
//!
//! [`sqlite`] is a file and needs nothing installed; [`postgres`] serves many processes. `memory`, for tests, is the
//! reference: what it does in plain Rust is what the others do in SQL. One conformance suite runs on all of them.

mod busy;
pub mod postgres;
mod ready;
pub mod sqlite;

#[cfg(feature = "testing")]
pub mod flawed;
#[cfg(feature = "testing")]
pub mod memory;

pub use postgres::Postgres;
pub use ready::Unready;
pub use sqlite::Sqlite;
