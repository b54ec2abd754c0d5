//! What a store holds, as plain rows: what the invariants are checked on.

mod read;

use jiff::Timestamp;
use saga::operate::Signature;
use saga::plan::EventKind;
use saga::{SagaId, State, StepName};
use signup::{OrganizationId, UserId};

/// What is in a store, in one consistent view: everything, or everything of some sagas.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// When the view was taken, by the store's clock.
    pub taken_at: Option<Timestamp>,
    /// Every saga.
    pub sagas: Vec<SagaFact>,
    /// Every event, in order of saga and seq.
    pub events: Vec<EventFact>,
    /// Every sealed password: its saga and when it was sealed.
    pub sealed: Vec<(SagaId, Timestamp)>,
    /// Every user.
    pub users: Vec<UserFact>,
    /// Every identity: its saga, its user and its provider.
    pub identities: Vec<(SagaId, UserId, String)>,
    /// Every organization: its saga and its id.
    pub organizations: Vec<(SagaId, OrganizationId)>,
    /// Every profile: its saga, its user and its organization.
    pub profiles: Vec<(SagaId, UserId, OrganizationId)>,
    /// Every user's claims: their saga, their user and their organization.
    pub claims: Vec<(SagaId, UserId, OrganizationId)>,
}

/// A saga's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SagaFact {
    /// Its id.
    pub id: SagaId,
    /// The version of its list of steps.
    pub version: u32,
    /// Its state.
    pub state: State,
    /// How often it has been claimed.
    pub epoch: u64,
    /// The number of its latest event.
    pub seq: u64,
    /// Claims of the step at hand.
    pub attempt: u32,
    /// Whether it is claimed, be the lease run out or not.
    pub leased: bool,
    /// When it is due.
    pub due_at: Timestamp,
    /// Since when it is stuck.
    pub stuck_since: Option<Timestamp>,
    /// The canonical e-mail, unless erased.
    pub email_key: Option<String>,
    /// The user it makes.
    pub user: UserId,
    /// The organization it makes.
    pub organization: OrganizationId,
    /// Whether it is a decoy, which makes neither.
    pub decoy: bool,
}

/// An event's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFact {
    /// Its saga.
    pub saga: SagaId,
    /// Its number.
    pub seq: u64,
    /// The epoch under which it was written.
    pub epoch: u64,
    /// What happened.
    pub kind: EventKind,
    /// To which step.
    pub step: Option<StepName>,
    /// By which operator and why, if by one.
    pub signature: Option<Signature>,
}

/// A user's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFact {
    /// Their saga.
    pub saga: SagaId,
    /// Their id.
    pub id: UserId,
    /// Their canonical e-mail.
    pub email_key: String,
    /// The PHC string; of one that was read, what it begins with.
    pub password_hash: String,
    /// Whether they are active; else provisional.
    pub active: bool,
}

/// A store whose whole content can be taken, for tests.
#[cfg(feature = "testing")]
#[async_trait::async_trait]
pub trait Snapshot {
    /// Everything in the store, in one consistent view.
    ///
    /// # Errors
    /// Those of a store.
    async fn facts(&self) -> Result<Facts, saga::store::Error>;
}
