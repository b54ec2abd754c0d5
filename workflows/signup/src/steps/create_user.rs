//! The first step: the user.

use std::sync::Arc;
use std::time::Duration;

use saga::{Attempt, Compensated, Executed, Retry, Step, StepName};

use crate::group::Group;
use crate::{Effect, Hasher, SignUp, Unsealer};

/// Inserts the user as provisional, with their e-mail identity.
#[derive(Debug)]
pub struct CreateUser {
    unsealer: Unsealer,
    hasher: Arc<Hasher>,
    hashed: Group,
}

impl CreateUser {
    /// A step that opens passwords with `unsealer` and hashes them with `hasher`.
    pub fn new(unsealer: Unsealer, hasher: Arc<Hasher>) -> Self {
        Self { unsealer, hasher, hashed: Group::default() }
    }
}

impl Step<SignUp> for CreateUser {
    const NAME: StepName = StepName::new("create_user");
    const TIMEOUT: Duration = super::TIMEOUT;
    const RETRY: Retry = Retry::STANDARD;

    /// Opens the sealed password and hashes it. Whether the e-mail is free is decided by the commit itself.
    async fn execute(&self, attempt: &Attempt<SignUp>) -> Executed<Effect> {
        let Some(sealed) = &attempt.data.sealed else {
            return Executed::Unknown("the sealed password is gone".into());
        };
        let password = match self.unsealer.open(attempt.saga, sealed) {
            Ok(password) => password,
            Err(error) => return Executed::Unknown(format!("sealed password: {error}")),
        };
        let hashed = self.hasher.hash(password).await;
        self.hashed.gather(&self.hasher).await;
        match hashed {
            Ok(hash) => Executed::Done(attempt.data.records(Effect::CreateUser { hash })),
            Err(error) => Executed::Unknown(error),
        }
    }

    async fn compensate(&self, attempt: &Attempt<SignUp>) -> Compensated<Effect> {
        Compensated::Done(attempt.data.records(Effect::DeleteUser))
    }
}
