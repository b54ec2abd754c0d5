//! The third step: the profile.

use std::time::Duration;

use saga::{Attempt, Compensated, Executed, Retry, Step, StepName};

use crate::{Effect, SignUp};

/// Inserts the profile that makes the user the owner of their organization.
#[derive(Debug)]
pub struct CreateProfile;

impl Step<SignUp> for CreateProfile {
    const NAME: StepName = StepName::new("create_profile");
    const TIMEOUT: Duration = super::TIMEOUT;
    const RETRY: Retry = Retry::STANDARD;

    async fn execute(&self, attempt: &Attempt<SignUp>) -> Executed<Effect> {
        Executed::Done(attempt.data.records(Effect::CreateProfile))
    }

    async fn compensate(&self, attempt: &Attempt<SignUp>) -> Compensated<Effect> {
        Compensated::Done(attempt.data.records(Effect::DeleteProfile))
    }
}
