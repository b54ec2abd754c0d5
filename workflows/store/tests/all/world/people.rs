//! People who sign up.

use std::sync::LazyLock;

use saga::SagaId;
use signup::{
    Applicant, Duplicates, EmailAddress, FullName, HashKey, Idempotency, OrganizationName, Password, Proposal, Purpose,
    Sealer, Unsealer,
};

use super::{ManualClock, Seeded};

/// Everybody's password: a text that must not be found anywhere.
pub(crate) const PASSWORD: &str = "canary correct horse battery staple";

static PARSED: LazyLock<Password> = LazyLock::new(|| Password::parse(PASSWORD.to_owned(), &[]).unwrap());

/// Makes sign-ups, each with ids of its own.
pub(crate) struct People {
    clock: ManualClock,
    random: Seeded,
    sealer: Sealer,
}

impl People {
    pub(crate) fn new() -> Self {
        Self { clock: ManualClock::new(), random: Seeded::new(0), sealer: Self::unsealer().sealer() }
    }

    /// What opens their passwords.
    pub(crate) fn unsealer() -> Unsealer {
        Unsealer::new(&[7; 32]).unwrap()
    }

    pub(crate) fn proposal(&self, name: &str) -> Proposal {
        let saga = SagaId::new(&self.clock, &self.random);
        // So that ids are in the order in which they were made.
        self.clock.advance(super::TICK);
        let email = EmailAddress::parse(&format!("{name}@example.com")).unwrap();
        let (full_name, organization) = (FullName::parse(name).unwrap(), OrganizationName::parse("Engines").unwrap());
        let applicant = Applicant::new(email, Some(full_name), Some(organization), &self.clock, &self.random);
        let sealed = self.sealer.seal(saga, &PARSED);
        Proposal {
            saga,
            version: signup::VERSION,
            applicant,
            sealed,
            idempotency: None,
            duplicates: Duplicates::Refused,
            told: false,
        }
    }

    pub(crate) fn decoyed(&self, name: &str) -> Proposal {
        Proposal { duplicates: Duplicates::Decoyed, ..self.proposal(name) }
    }

    pub(crate) fn marked(&self, name: &str, key: u8, body: u8) -> Proposal {
        let hash = HashKey::new([1; 32]);
        let key = hash.mac(Purpose::IdempotencyKey, &[&[key]]);
        let body = hash.mac(Purpose::RequestBody, &[&[body]]);
        Proposal { idempotency: Some(Idempotency { key, body }), ..self.proposal(name) }
    }
}
