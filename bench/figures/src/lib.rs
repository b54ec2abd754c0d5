//! How a figure is taken down: on what machine, in what order, in what table.

mod machine;
mod memory;
mod stats;
mod table;

pub use machine::{Machine, cores};
pub use memory::Memory;
pub use stats::{float, median, quantile, rate};
pub use table::{Table, millis, percent, print, verdict};
