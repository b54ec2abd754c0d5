//! The port to what is stored, and to what was found.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use saga::store::Error;
use saga::{SagaId, WorkerName};

use crate::{Facts, Finding};

/// What is stored, as an auditor reads it; and what auditors have found.
///
/// Nothing here changes what it reads: what is found is kept in a table of its own.
#[async_trait]
pub trait Evidence: Send + Sync + 'static {
    /// Takes the turn of whoever audits, unless somebody has taken it less than so long ago: where the last one got.
    ///
    /// # Errors
    /// [`Error`], for this and every method below.
    async fn take_turn(&self, auditor: &WorkerName, every: Duration) -> Result<Option<Place>, Error>;

    /// When the last turn was taken.
    async fn last_turn(&self) -> Result<Option<Timestamp>, Error>;

    /// Keeps where the next one goes on.
    async fn keep_place(&self, place: &Place) -> Result<(), Error>;

    /// Looks over what belongs to so many sagas after this one, in order of their ids, whether there are such sagas or
    /// not: at what can be seen without reading the journals.
    async fn look(&self, after: Option<SagaId>, limit: u32) -> Result<Look, Error>;

    /// The ids of so many sagas after this one, in order.
    async fn next(&self, after: Option<SagaId>, limit: u32) -> Result<Vec<SagaId>, Error>;

    /// Everything that belongs to these sagas, as it was at one moment.
    async fn facts_of(&self, sagas: &[SagaId]) -> Result<Facts, Error>;

    /// The sagas of findings that are open, so many at most.
    async fn suspects(&self, limit: u32) -> Result<Vec<SagaId>, Error>;

    /// Keeps what was found in these sagas. What was found in one of them before, and is not found any more, is over.
    /// Returns how many are new.
    async fn record(&self, checked: &[SagaId], found: &[Finding]) -> Result<u64, Error>;

    /// What was found, the latest first; what is over only if that is asked for.
    async fn findings(&self, also_over: bool, limit: u32) -> Result<Vec<Recorded>, Error>;

    /// How many findings are open, by invariant.
    async fn counts(&self) -> Result<BTreeMap<String, u64>, Error>;
}

/// Where an auditor goes on in the next turn: after which sagas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// In looking over all of them.
    pub looked: Option<SagaId>,
    /// In reading their journals.
    pub read: Option<SagaId>,
}

/// What a look over some sagas has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Those that should be read: not more than a few hundred.
    pub suspects: Vec<SagaId>,
    /// How far was looked, where there is more.
    pub upto: Option<SagaId>,
}

/// What was found, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its number.
    pub id: u64,
    /// The invariant's name.
    pub invariant: String,
    /// The saga that it is about; there need not be one of this id.
    pub saga: SagaId,
    /// What is wrong. Never personal data.
    pub what: String,
    /// When it was first seen.
    pub found_at: Timestamp,
    /// When it was last seen.
    pub seen_at: Timestamp,
    /// When it was seen to be over, if it is.
    pub over_at: Option<Timestamp>,
}
