//! The sign-up as a later program may know it: version 2, with one step more. For tests of two versions side by side.

use std::sync::Arc;

use saga::{Attempt, Compensated, Definition, Executed, Outline, Retry, Step, StepName};

use crate::steps::{self, CreateOrganization, CreateProfile, CreateUser, UpdateClaims};
use crate::{Effect, Hasher, SignUp, Unsealer};

/// The version.
pub const VERSION: u32 = 2;

/// Its steps.
pub const STEPS: [&str; 5] = ["create_user", "create_organization", "create_profile", "greet", "update_claims"];

/// In whose environment this is set, to whatever, is such a program.
pub const VARIABLE: &str = "TESTING_NEXT_VERSION";

/// Whether this process is one.
pub fn is_asked_for() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// What it accepts sign-ups as.
pub fn outline() -> Outline {
    Outline { version: VERSION, steps: STEPS.map(StepName::new).to_vec() }
}

/// What it runs: its own sign-ups, and those of the version before.
pub fn definition(unsealer: Unsealer, hasher: Arc<Hasher>) -> Definition<SignUp> {
    Definition::new(VERSION)
        .step(CreateUser::new(unsealer.clone(), Arc::clone(&hasher)))
        .step(CreateOrganization)
        .step(CreateProfile)
        .step(Greet)
        .step(UpdateClaims)
        .after(crate::definition(unsealer, hasher))
}

/// The step that is new.
#[derive(Debug)]
struct Greet;

impl Step<SignUp> for Greet {
    const NAME: StepName = StepName::new("greet");
    const TIMEOUT: std::time::Duration = steps::TIMEOUT;
    const RETRY: Retry = Retry::STANDARD;

    async fn execute(&self, _: &Attempt<SignUp>) -> Executed<Effect> {
        Executed::Done(Effect::Nothing)
    }

    /// It leaves nothing behind.
    async fn compensate(&self, _: &Attempt<SignUp>) -> Compensated<Effect> {
        Compensated::Done(Effect::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use saga::Policy;
    use saga::policy::Misfit;

    use super::*;
    use crate::Cost;

    fn parts() -> (Unsealer, Arc<Hasher>) {
        (Unsealer::new(&[7; 32]).unwrap(), Arc::new(Hasher::new(Cost::default(), 1)))
    }

    #[test]
    fn it_knows_the_version_before_and_is_outlined_by_its_own() {
        let (unsealer, hasher) = parts();
        let definition = definition(unsealer, hasher);
        assert_eq!(definition.outline(), outline());
        assert_eq!(definition.all_names(), outline().steps);
        assert_eq!(definition.versions(), 1..=2);
        assert_eq!(Policy::STANDARD.check(&definition), Ok(()));
    }

    #[test]
    fn a_version_that_is_left_out_is_noticed() {
        let (unsealer, hasher) = parts();
        let definition = Definition::new(3).step(Greet).after(crate::definition(unsealer, hasher));
        assert_eq!(Policy::STANDARD.check(&definition), Err(Misfit::Version { newer: 3, older: 1 }));
        let names = ["greet", "create_user", "create_organization", "create_profile", "update_claims"];
        assert_eq!(definition.all_names(), names.map(StepName::new));
    }
}
