//! The crash matrix: every crash point, met by every fault, on every way that a sign-up can go.
//!
//! Each [`Schedule`] is run on processes of its own: one is halted at the point by [`saga::testing::crash`], meets its
//! fault, and others go on. Then the sign-up must have ended as it would have without the fault, once, and nothing may be
//! left of what it undid. A [`Track`] runs one schedule after the other on a database and a Redis of its own; several run
//! at a time.

mod act;
mod blow;
mod halts;
mod lock;
mod matrix;
mod report;
mod schedule;
mod stage;
mod track;

pub use matrix::{Findings, run};
pub use report::table;
pub use schedule::{Blow, Outcome, Schedule};
pub use track::{Met, Track};
