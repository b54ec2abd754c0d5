//! The workers: every step of a saga is an apalis job, and every step has apalis workers of its own.
//!
//! The queue is a hint, and the saga's row is the truth: a job is a claim on a row, and whatever happens to the job,
//! the row's lease runs out and it is claimed anew. So apalis neither retries nor schedules nor buries anything here.
//!
//! - [`Wakes`] tells workers at once that a step is due; without it they would find out at the next tick.
//! - `queue` takes due sagas from the database, `crew` hands a saga on to its next step: both are apalis backends.
//! - [`Redis`] takes hints from other processes, and gives them.
//! - `heartbeat` tells operators that this process lives; [`Attendance`] does so for one that has no workers.
//! - [`Workers`] runs them all, and stops them cleanly.

mod attendance;
mod backend;
mod crew;
mod heartbeat;
mod housekeeper;
mod job;
mod queue;
mod redis;
mod wakes;
mod workers;

pub use self::redis::{BadUrl, Counts, Redis, RedisHealth, Trouble};
pub use attendance::Attendance;
pub use wakes::Wakes;
pub use workers::{Slots, Workers};
