//! Workers with a Redis server of their own, on a store in memory.
//!
//! The store can be told to let nobody look for due sagas: then a saga goes on by hints alone, or not at all.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on fails; one that measures says what"
)]

mod cleaning;
mod hints;
mod log;
mod nonsense;
mod outages;
mod process;
mod stopping;
mod wait;
mod watched;
mod world;
