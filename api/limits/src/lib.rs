//! How often something may be done: exact over all processes, and never open.
//!
//! A [`Quota`] allows so many in any span of its window: not in each minute of the clock, but in each 60 seconds. What is
//! counted is a [`Bucket`]. Who takes from several buckets takes from all of them or from none.
//!
//! - `own` is this process' own count.
//! - `shared` is the count of all processes, in Redis, which is reached through a [`Server`].
//! - A [`Limiter`] asks the one and then the other, and goes by the first alone while Redis is away.

mod limiter;
mod own;
mod quota;
mod server;
mod shared;

pub use limiter::{Limiter, Taken};
pub use quota::{Bucket, Decision, Quota, Standing};
pub use server::{Away, Server};
