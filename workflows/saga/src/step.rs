//! What a step is, and what an attempt of it can lead to.

use std::future::Future;
use std::time::Duration;

use crate::{Code, Retry, Saga, SagaId, StepName};

/// One step of a saga, with its compensation.
///
/// A step writes nothing itself: it returns its effect as data, and the store commits the effect together with the
/// saga's advance. A step that talks to something outside the database does so in [`Step::execute`], under the
/// idempotency key [`Attempt::idempotency_key`], and returns what is to be recorded of it.
///
/// Both functions may run more than once, also at the same time as an earlier attempt that has lost its lease.
pub trait Step<S: Saga>: Send + Sync + 'static {
    /// The name under which the step is stored; it never changes once released.
    const NAME: StepName;
    /// How long one attempt may take, to execute or to compensate.
    const TIMEOUT: Duration;
    /// How often and after which delays an attempt with an unknown outcome is repeated.
    const RETRY: Retry;

    /// Does the step's work.
    ///
    /// # Cancel safety
    /// The future is dropped when it outlives [`Step::TIMEOUT`] or when the process stops; the attempt then counts
    /// as [`Executed::Unknown`].
    fn execute(&self, attempt: &Attempt<S>) -> impl Future<Output = Executed<S::Effect>> + Send;

    /// Undoes the step, also where it is in doubt whether it happened, or where it was refused: an earlier attempt may
    /// have happened. A step that reaches outside must leave something there, under its idempotency key, that keeps a
    /// late attempt from happening after its undo; and it undoes by what is the saga's own, never by a natural key such
    /// as an e-mail address: what stands there may be another saga's.
    ///
    /// # Cancel safety
    /// As for [`Step::execute`].
    fn compensate(&self, attempt: &Attempt<S>) -> impl Future<Output = Compensated<S::Effect>> + Send;
}

/// What executing a step led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Executed<E> {
    /// Failed, timed out or panicked: it may have happened. Tried again; out of attempts, it is compensated too.
    Unknown(String),
    /// It did not happen and will not: the saga goes back.
    Refused(Code),
    /// It happened; this is to be recorded.
    Done(E),
}

/// What compensating a step led to. A compensation cannot be refused: it is tried until it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compensated<E> {
    /// Failed, timed out or panicked.
    Unknown(String),
    /// Undone; this is to be recorded.
    Done(E),
}

/// What a step is given to work on.
#[derive(Debug, Clone)]
pub struct Attempt<S: Saga> {
    /// The saga.
    pub saga: SagaId,
    /// The step.
    pub step: StepName,
    /// Which attempt of this step in this direction, from 1.
    pub number: u32,
    /// What the saga was accepted with.
    pub data: S::Data,
}

impl<S: Saga> Attempt<S> {
    /// The key under which a step addresses something outside the database: the same for every attempt.
    pub fn idempotency_key(&self) -> String {
        format!("{}:{}", self.saga, self.step)
    }
}
