//! The beginning of a step, with a crash point at it.

use super::goes_on;
use crate::testing::{Fault, Sabotage};
use crate::{Attempt, Direction, Saga};

/// Faults for steps, which may halt before they begin: whoever claimed them has the claim.
#[derive(Debug, Clone, Copy)]
pub struct Begun<F>(pub F);

impl<S: Saga, F: Sabotage<S>> Sabotage<S> for Begun<F> {
    fn fault(&self, attempt: &Attempt<S>, direction: Direction) -> Option<Fault> {
        goes_on(attempt.saga);
        self.0.fault(attempt, direction)
    }
}
