//! People who sign up. Their ids are numbers, so that a history can name them, and the same in every run.
//!
//! Sealing takes longer than everything else that a sign-up costs, so it is done once for every history.

#![expect(clippy::unwrap_used, reason = "nothing but constants is parsed here")]

use std::fmt;
use std::sync::{Arc, LazyLock};

use saga::SagaId;
use signup::{
    Applicant, Cost, Duplicates, EmailAddress, HashKey, Hasher, Idempotency, OrganizationId, Password, ProfileId,
    Proposal, Purpose, SealedPassword, Unsealer, UserId,
};
use uuid::Uuid;

/// No history has more sign-ups.
pub(crate) const MOST: usize = 40;

/// The e-mail addresses that they share.
pub(crate) const NAMES: [&str; 5] = ["ada", "bob", "cyd", "dot", "eve"];

static UNSEALER: LazyLock<Unsealer> = LazyLock::new(|| Unsealer::new(&[7; 32]).unwrap());

static EMAILS: LazyLock<Vec<EmailAddress>> =
    LazyLock::new(|| NAMES.iter().map(|name| EmailAddress::parse(&format!("{name}@example.com")).unwrap()).collect());

static SEALED: LazyLock<Vec<SealedPassword>> = LazyLock::new(|| {
    let password = Password::parse("correct horse battery staple".to_owned(), &[]).unwrap();
    let sealer = UNSEALER.sealer();
    (0..MOST).map(|number| sealer.seal(id(number), &password)).collect()
});

static MARKS: LazyLock<[Idempotency; 3]> = LazyLock::new(|| {
    let hash = HashKey::new([1; 32]);
    [(0, 0), (0, 1), (1, 0)].map(|(key, body)| Idempotency {
        key: hash.mac(Purpose::IdempotencyKey, &[&[key]]),
        body: hash.mac(Purpose::RequestBody, &[&[body]]),
    })
});

/// The marks of requests: the first two share a key, and differ in their bodies.
pub(crate) fn marks() -> &'static [Idempotency; 3] {
    &MARKS
}

fn id(number: usize) -> SagaId {
    SagaId::from_uuid(uuid(number, 0))
}

fn uuid(number: usize, kind: u128) -> Uuid {
    Uuid::from_u128(u128::try_from(number).unwrap() << 8 | kind)
}

/// A sign-up of this number, below [`MOST`], with the address of this name.
pub(crate) fn proposal(number: usize, name: usize, idempotency: Option<Idempotency>) -> Proposal {
    let applicant = Applicant {
        user: UserId(uuid(number, 1)),
        organization: OrganizationId(uuid(number, 2)),
        profile: ProfileId(uuid(number, 3)),
        email: EMAILS[name].clone(),
        full_name: None,
        organization_name: None,
    };
    let (saga, sealed) = (id(number), SEALED[number].clone());
    Proposal {
        saga,
        version: signup::VERSION,
        applicant,
        sealed,
        idempotency,
        duplicates: Duplicates::Refused,
        told: false,
    }
}

/// The definition of the service, which hashes as cheaply as it can, and at once.
pub(crate) fn definition() -> saga::Definition<signup::SignUp> {
    let cost: Cost = "m=8,t=1,p=1".parse().unwrap();
    signup::definition(UNSEALER.clone(), Arc::new(Hasher::inline(cost)))
}

/// A saga as a history names it: `#3`.
pub(crate) struct Named(pub(crate) SagaId);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0.uuid().as_u128() >> 8)
    }
}
