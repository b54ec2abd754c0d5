//! The sign-up: one call makes a user, their organization, their profile and their claims, or nothing at all.
//!
//! The whole story is [`definition`]. Each step is a file in [`steps`]; what it records is an [`Effect`]. The ids of
//! everything are chosen when the sign-up is accepted, so that a step can be repeated or undone by anyone, at any
//! time, without having learned what an earlier attempt did.

mod applicant;
mod effect;
mod email;
mod group;
mod hash;
mod keyed;
mod mail_provider;
mod name;
mod operator;
mod password;
mod proposal;
mod seal;
pub mod statistics;
pub mod steps;
#[cfg(feature = "testing")]
pub mod testing;

use std::sync::Arc;

use saga::{Code, Definition, Outline, Saga, Step, StepName};

pub use applicant::{Applicant, OrganizationId, ProfileId, UserId};
pub use effect::Effect;
pub use email::{EmailAddress, EmailError};
pub use hash::{Cost, CostError, Hasher, PasswordHash, Unverified, Verified};
pub use keyed::{HashKey, Mac, Purpose};
pub use mail_provider::MailProvider;
pub use name::{FullName, NameError, OrganizationName};
pub use operator::{
    EnlistedOperator, MalformedName, MalformedRole, MalformedToken, Operator, OperatorName, OperatorRole,
    OperatorToken, Operators, TokenHash,
};
pub use password::{Password, PasswordError};
pub use proposal::{Conflict, Data, Duplicates, Idempotency, Known, Proposal, Replays};
pub use seal::{OpenError, SealKeyError, SealedPassword, Sealer, Unsealer};
use steps::{CreateOrganization, CreateProfile, CreateUser, UpdateClaims};

/// The sign-up saga: its types.
#[derive(Debug, Clone, PartialEq)]
pub struct SignUp;

impl Saga for SignUp {
    const KIND: &'static str = "signup";
    type Data = Data;
    type Effect = Effect;
    type Proposal = Proposal;
    type Conflict = Conflict;

    fn class(data: &Data) -> &'static str {
        if data.decoy { "decoy" } else { data.applicant.email.provider().word() }
    }
}

/// The sign-up saga: its story.
///
/// | step | execute | compensate |
/// |---|---|---|
/// | `create_user` | opens and hashes the password; inserts the user, provisional, with their e-mail identity | deletes both |
/// | `create_organization` | inserts the organization | deletes it |
/// | `create_profile` | inserts the profile that makes the user its owner | deletes it |
/// | `update_claims` | writes the claims and makes the user active | removes the claims |
///
/// Until the last step's commit the user is provisional: they cannot sign in and are listed nowhere.
///
/// A decoy ([`Duplicates::Decoyed`]) goes through the same steps, opens and hashes its password like the others, and
/// makes nothing.
pub fn definition(unsealer: Unsealer, hasher: Arc<Hasher>) -> Definition<SignUp> {
    Definition::new(VERSION)
        .step(CreateUser::new(unsealer, hasher))
        .step(CreateOrganization)
        .step(CreateProfile)
        .step(UpdateClaims)
}

/// What sign-ups are accepted as: for whoever tells of the story without running it.
pub fn outline() -> Outline {
    Outline { version: VERSION, steps: STEPS.to_vec() }
}

/// The version of the list of steps.
pub const VERSION: u32 = 1;

/// The names of the steps, in order.
pub const STEPS: [StepName; 4] = [
    FIRST_STEP,
    <CreateOrganization as Step<SignUp>>::NAME,
    <CreateProfile as Step<SignUp>>::NAME,
    <UpdateClaims as Step<SignUp>>::NAME,
];

/// The e-mail already belongs to a user.
pub const EMAIL_TAKEN: Code = Code::new("email_taken");

/// The step that an accepted sign-up starts with.
pub const FIRST_STEP: StepName = <CreateUser as Step<SignUp>>::NAME;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outline_is_that_of_the_story() {
        let unsealer = Unsealer::new(&[7; 32]).unwrap();
        let hasher = Arc::new(Hasher::new(Cost::default(), 1));
        assert_eq!(definition(unsealer, hasher).outline(), outline());
    }
}
