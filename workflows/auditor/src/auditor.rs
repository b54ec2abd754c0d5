//! Looks at everything, a little at a time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use metrics::gauge;
use saga::store::Error;
use saga::{Clock, Random, SagaId, WorkerName};
use tokio::time::{Instant, sleep};
use tracing::{debug, error, warn};

use crate::invariants;
use crate::{Evidence, Place};

/// Between two audits of the fleet. With the pause below and the time that one takes, what is wrong is told within a
/// minute.
const EVERY: Duration = Duration::from_secs(45);
/// Between two tries to take the turn, at most.
const PAUSE: Duration = Duration::from_secs(8);
/// How long one turn looks over sagas; the next goes on from there.
const LOOKING: Duration = Duration::from_secs(8);
/// How many sagas are looked over in one go.
const SLICE: u32 = 10_000;
/// What was accepted within this is looked over in each turn, however much there is besides.
const RECENT: SignedDuration = SignedDuration::from_mins(5);
/// How many journals are read in one turn, from where the last one got.
const JOURNALS: u32 = 2_000;
/// How many sagas are read in one go.
const BATCH: usize = 200;
/// How many open findings are looked at again in one turn.
const AGAIN: u32 = 1_000;

/// Audits in turn with the other processes of the fleet.
pub struct Auditor {
    evidence: Arc<dyn Evidence>,
    name: WorkerName,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// What was done in one turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    /// Sagas whose rows and journals were read.
    pub sagas: usize,
    /// What is wrong with them.
    pub wrong: usize,
    /// How much of that was not known before.
    pub new: u64,
    /// Whether all sagas were looked over, from where the turn began.
    pub whole: bool,
}

impl Auditor {
    /// One who has not begun.
    pub fn new(evidence: Arc<dyn Evidence>, name: WorkerName, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { evidence, name, clock, random }
    }

    /// Audits whenever it is its turn, for ever. Tells how many findings are open, whoever found them.
    pub async fn run(self) {
        let mut heard = true;
        loop {
            sleep(self.random.upper_half(PAUSE)).await;
            let begun = Instant::now();
            match self.turn().await {
                Ok(Some(checked)) => debug!(
                    sagas = checked.sagas, wrong = checked.wrong, new = checked.new, whole = checked.whole,
                    took = ?begun.elapsed(), "audited"
                ),
                Ok(None) => {}
                // What is away is told of by others, and each time would be too often.
                Err(error) if heard => warn!(%error, "the audit is put off"),
                Err(error) => debug!(%error, "the audit is put off"),
            }
            heard = self.tell().await.is_ok();
        }
    }

    /// Audits, if it is its turn.
    ///
    /// # Errors
    /// The store's. What was found until then is kept.
    pub async fn turn(&self) -> Result<Option<Checked>, Error> {
        let Some(place) = self.evidence.take_turn(&self.name, EVERY).await? else { return Ok(None) };
        let mut checked = Checked::default();
        // What was wrong before may be mended.
        self.check(&self.evidence.suspects(AGAIN).await?, &mut checked).await?;
        self.look_at_the_latest(&mut checked).await?;
        let looked = self.look(place.looked, &mut checked).await?;
        let journals = self.evidence.next(place.read, JOURNALS).await?;
        self.check(&journals, &mut checked).await?;
        let read = journals.last().copied().filter(|_| journals.len() == JOURNALS as usize);
        self.evidence.keep_place(&Place { looked, read }).await?;
        Ok(Some(checked))
    }

    async fn look_at_the_latest(&self, checked: &mut Checked) -> Result<(), Error> {
        let recent = SagaId::first_at(self.clock.now().saturating_sub(RECENT).unwrap_or(Timestamp::UNIX_EPOCH));
        let look = self.evidence.look(Some(recent), SLICE).await?;
        self.check(&look.suspects, checked).await
    }

    /// Looks over all sagas, from where the last turn got and around to there again, if there is time. Returns how far it
    /// got.
    async fn look(&self, from: Option<SagaId>, checked: &mut Checked) -> Result<Option<SagaId>, Error> {
        let (begun, mut at, mut around) = (Instant::now(), from, false);
        while begun.elapsed() < LOOKING {
            let look = self.evidence.look(at, SLICE).await?;
            self.check(&look.suspects, checked).await?;
            around |= look.upto.is_none();
            at = look.upto;
            if around && at >= from {
                checked.whole = true;
                break;
            }
        }
        Ok(at)
    }

    /// Checks every invariant on these sagas, and keeps what it finds.
    async fn check(&self, sagas: &[SagaId], checked: &mut Checked) -> Result<(), Error> {
        for some in sagas.chunks(BATCH) {
            let facts = self.evidence.facts_of(some).await?;
            let found = invariants::findings(&facts);
            let new = self.evidence.record(some, &found).await?;
            if new > 0 {
                for finding in &found {
                    error!(invariant = finding.invariant, saga.id = %finding.saga, what = finding.what, "found");
                }
            }
            checked.sagas += some.len();
            checked.wrong += found.len();
            checked.new += new;
        }
        Ok(())
    }

    /// Tells how many findings are open.
    async fn tell(&self) -> Result<(), Error> {
        let counts = self.evidence.counts().await?;
        // Those of a newer program are told too.
        let names: BTreeSet<_> = invariants::ALL.iter().map(|invariant| invariant.name.to_owned()).collect();
        for name in names.union(&counts.keys().cloned().collect()) {
            let open = counts.get(name).copied().unwrap_or_default();
            gauge!("signup_invariant_violations", "invariant" => name.clone())
                .set(u32::try_from(open).unwrap_or(u32::MAX));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Auditor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auditor").field("name", &self.name).finish_non_exhaustive()
    }
}
