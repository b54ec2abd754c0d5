//! Seams for tests.

mod clock;
pub mod crash;
mod pace;
mod sabotage;

pub use clock::{CLOCK_AHEAD, Skewed};
pub use pace::Pace;
pub(crate) use sabotage::Sabotaged;
pub use sabotage::{Fault, Sabotage};
