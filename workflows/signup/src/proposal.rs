//! What the store is asked to accept, and what may stand against it.

use async_trait::async_trait;
use saga::SagaId;
use saga::store::Error;

use crate::{Applicant, Effect, Mac, SealedPassword};

/// A sign-up to be accepted.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The saga's id, chosen by whoever proposes, so that a proposal can be sent twice.
    pub saga: SagaId,
    /// The version of the list of steps that it is to go through.
    pub version: u32,
    /// Who signs up.
    pub applicant: Applicant,
    /// Their password, sealed to the workers.
    pub sealed: SealedPassword,
    /// Marks the request, so that its repetition finds the same saga.
    pub idempotency: Option<Idempotency>,
    /// What becomes of it if its e-mail belongs to a user, or to a sign-up under way.
    pub duplicates: Duplicates,
    /// Whether workers are going to be told of it: see [`saga::store::Commit::told`].
    pub told: bool,
}

/// What becomes of a sign-up whose e-mail belongs to a user, or to a sign-up under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// It is refused, and told why: [`Conflict::EmailTaken`], [`Conflict::InProgress`].
    #[default]
    Refused,
    /// It is accepted as a decoy: a saga that goes through its steps like any other, and makes nothing. Whoever asks for
    /// sign-ups does not learn from the answer whose e-mail is known.
    Decoyed,
}

/// Marks a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Keyed MAC of the client's key.
    pub key: Mac,
    /// Keyed MAC of the request's body.
    pub body: Mac,
}

/// Knows requests again, without a write.
#[async_trait]
pub trait Replays: Send + Sync + 'static {
    /// Whether a sign-up was accepted before for this key and e-mail.
    ///
    /// # Errors
    /// [`Error`], where it cannot be read.
    async fn known(&self, proposal: &Proposal) -> Result<Known, Error>;
}

/// Whether a sign-up was accepted before for an idempotency key and an e-mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// No, or there is no key.
    Nothing,
    /// For this very request, by its body too.
    Request,
    /// For a request with another body.
    OtherBody,
}

impl Known {
    /// What this request is, where one with the same key and e-mail had this body.
    pub fn by(proposal: &Proposal, body: Mac) -> Self {
        let same = proposal.idempotency.as_ref().is_some_and(|mark| mark.body == body);
        if same { Self::Request } else { Self::OtherBody }
    }
}

/// What a step of the sign-up works on.
#[derive(Debug, Clone)]
pub struct Data {
    /// Who signs up.
    pub applicant: Applicant,
    /// Their password, until it is hashed or the saga has ended.
    pub sealed: Option<SealedPassword>,
    /// Whether it is a decoy: see [`Duplicates::Decoyed`].
    pub decoy: bool,
}

impl Data {
    /// What a step records that has found this out: of a decoy, only what is wiped.
    pub(crate) fn records(&self, effect: Effect) -> Effect {
        if self.decoy { effect.of_a_decoy() } else { effect }
    }
}

/// Why a sign-up is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// The idempotency key was used with another body.
    OtherBody,
    /// The e-mail belongs to a user, who signs in with one of these providers.
    EmailTaken {
        /// The names of the providers, in order.
        providers: Vec<String>,
    },
    /// A sign-up with this e-mail is under way.
    InProgress,
}
