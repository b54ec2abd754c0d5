//! The saga engine: steps, transitions, leases and retries.
//!
//! A [`Saga`] is a named, versioned list of [`Step`]s, each with a compensation. The engine knows no sign-up, no SQL
//! and no HTTP. Its parts, in the order in which they are worth reading:
//!
//! 1. [`state`] — where a saga is: running a step, compensating one, completed, failed.
//! 2. [`step`] — what a step is, and the three outcomes an attempt can have.
//! 3. [`plan`](mod@plan) — the pure function that decides what follows an attempt.
//! 4. [`store`] — the port to the database, where effect, event and advance are one fenced write.
//! 5. [`engine`] — the thin executor: claim, run, plan, commit.
//! 6. [`operate`] — what an operator may do to a saga.
//!
//! The saga's row is the truth; whatever wakes a worker is only a hint.

pub mod ambient;
mod backlog;
pub mod counted;
pub mod definition;
pub mod engine;
mod erased;
pub mod fleet;
pub mod id;
pub mod listener;
pub mod operate;
mod perform;
pub mod plan;
pub mod policy;
pub mod retry;
mod settle;
pub mod state;
pub mod step;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;

pub use ambient::{Clock, OsRandom, Random, SteadyClock, SystemClock};
pub use backlog::{Backlog, Census};
pub use definition::{Definition, Effect, Outline, Saga};
pub use engine::{Engine, Job, Next, Ran};
pub use fleet::Fleet;
pub use id::{SagaId, WorkerName};
pub use listener::{Advanced, Listener, Taker};
pub use operate::Action;
pub use plan::{Transition, plan};
pub use policy::Policy;
pub use retry::Retry;
pub use state::{Active, Code, Direction, End, State, StepName};
pub use step::{Attempt, Compensated, Executed, Step};
pub use store::Store;
