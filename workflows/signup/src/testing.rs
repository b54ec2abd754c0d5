//! What tests of a whole binary need of the sign-up.

mod by_name;
pub mod next;

pub use by_name::ByName;
