//! The last step: the claims. Its commit completes the sign-up.

use std::time::Duration;

use saga::{Attempt, Compensated, Executed, Retry, Step, StepName};

use crate::{Effect, SignUp};

/// Writes the claims that the user's tokens carry, and makes the user active.
#[derive(Debug)]
pub struct UpdateClaims;

impl Step<SignUp> for UpdateClaims {
    const NAME: StepName = StepName::new("update_claims");
    const TIMEOUT: Duration = super::TIMEOUT;
    const RETRY: Retry = Retry::STANDARD;

    async fn execute(&self, attempt: &Attempt<SignUp>) -> Executed<Effect> {
        Executed::Done(attempt.data.records(Effect::WriteClaims))
    }

    /// Nothing can be left of it, since its success ends the saga; it removes the claims all the same, so that no
    /// one needs to know that.
    async fn compensate(&self, attempt: &Attempt<SignUp>) -> Compensated<Effect> {
        Compensated::Done(attempt.data.records(Effect::DeleteClaims))
    }
}
