//! Where tests reach into a process: what it runs, by which limits, by which clock, on which store.
//!
//! Builds without `testing` have none of it: there each of these is what it is, and nothing in the environment changes
//! it.

#[cfg(feature = "testing")]
mod open;
#[cfg(not(feature = "testing"))]
mod shut;

#[cfg(feature = "testing")]
pub(super) use open::{bounds, definition, listener, machine_clock, outline, policy, store};
#[cfg(not(feature = "testing"))]
pub(super) use shut::{bounds, definition, listener, machine_clock, outline, policy, store};
