//! People who sign up.

use anyhow::{Context, anyhow};
use saga::{OsRandom, Random, SagaId, SystemClock};
use signup::{Applicant, Duplicates, EmailAddress, FullName, OrganizationName, Password, Proposal, Sealer, Unsealer};

/// Makes proposals, each for an e-mail address of its own.
pub(crate) struct People {
    sealer: Sealer,
    password: Password,
}

impl People {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let password = Password::parse("correct horse battery staple".to_owned(), &[]);
        Ok(Self { sealer: unsealer()?.sealer(), password: password.map_err(|error| anyhow!("{error:?}"))? })
    }

    /// What the API makes of a request: ids, and the password sealed.
    pub(crate) fn proposal(&self) -> anyhow::Result<Proposal> {
        let saga = SagaId::new(&SystemClock, &OsRandom);
        // In no order, as addresses are.
        let email = EmailAddress::parse(&format!("{:032x}@example.com", OsRandom.bits()));
        let email = email.map_err(|error| anyhow!("{error:?}"))?;
        let full_name = FullName::parse("Ada Lovelace").ok().context("no name")?;
        let organization = OrganizationName::parse("Analytical Engines").ok().context("no name")?;
        let applicant = Applicant::new(email, Some(full_name), Some(organization), &SystemClock, &OsRandom);
        let sealed = self.sealer.seal(saga, &self.password);
        Ok(Proposal {
            saga,
            version: signup::VERSION,
            applicant,
            sealed,
            idempotency: None,
            duplicates: Duplicates::Refused,
            told: false,
        })
    }

    pub(crate) fn proposals(&self, count: usize) -> anyhow::Result<Vec<Proposal>> {
        (0..count).map(|_| self.proposal()).collect()
    }
}

/// What opens their passwords.
pub(crate) fn unsealer() -> anyhow::Result<Unsealer> {
    Unsealer::new(&[7; 32]).context("no key")
}
