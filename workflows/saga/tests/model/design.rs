//! What is explored: the design of the engine and of what surrounds it.

use saga::operate::act;

use crate::plans::{Acting, Planner, right};

/// One design. [`Design::INSIDE`], [`Design::FENCED`] and [`Design::TOMBSTONED`] are the right ones; a wrong one differs in one field.
#[derive(Clone, Copy)]
pub(crate) struct Design {
    pub(crate) workers: usize,
    pub(crate) effects: Effects,
    pub(crate) planner: Planner,
    /// Where an operator's action leads, if there are operators.
    pub(crate) acting: Option<Acting>,
    /// What a commit is guarded by.
    pub(crate) commit: Guards,
    pub(crate) hold: Hold,
    /// How a lost reply is settled.
    pub(crate) resend: Resend,
    /// Whether a hand-back asks for the lease to be still held.
    pub(crate) hand_back_needs_lease: bool,
    /// Whether a lease ends by itself.
    pub(crate) leases_run_out: bool,
    /// Whether states that differ only in what nothing to come depends on are taken for one.
    pub(crate) forgets: bool,
}

/// Where the steps' effects are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effects {
    /// In our own database: written by the commit.
    Inside,
    /// Somewhere else: done and undone by requests of their own, before the commit.
    Outside(Resource),
}

/// How something outside keeps out requests that come too late, and what is refused.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resource {
    /// It lets in no request of an epoch lower than the highest it has seen.
    pub(crate) fence: bool,
    /// It never does again what it was asked to undo, even where there was nothing to undo.
    pub(crate) tombstone: bool,
    pub(crate) refuses: Refusals,
    /// The database refuses to record what has happened there.
    pub(crate) record_refused: bool,
}

/// Where requests to the outside are refused. A refusal is true of the one request alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusals {
    Nowhere,
    WhereNothingStands,
    /// Also where the effect stands, from another attempt.
    Anywhere,
}

/// What of a claim must still be so for a commit to write anything.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Guards {
    /// Nobody has claimed since.
    pub(crate) epoch: bool,
    /// No event has been written since.
    pub(crate) seq: bool,
}

/// Which epoch a commit that claims what follows takes for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// The next, as every claim does.
    TakesAnEpoch,
    KeepsItsOwn,
}

/// What a worker believes whose commit, sent again, finds the fence gone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resend {
    LooksInTheJournal,
    TakesItForFenced,
    TakesItForWritten,
}

impl Guards {
    pub(crate) const ALL: Self = Self { epoch: true, seq: true };
    pub(crate) const NONE: Self = Self { epoch: false, seq: false };
}

impl Design {
    /// Effects in our own database.
    pub(crate) const INSIDE: Self = Self {
        workers: 2,
        effects: Effects::Inside,
        planner: right,
        acting: Some(act),
        commit: Guards::ALL,
        hold: Hold::TakesAnEpoch,
        resend: Resend::LooksInTheJournal,
        hand_back_needs_lease: true,
        leases_run_out: true,
        forgets: true,
    };
    /// Effects outside, behind a fence.
    pub(crate) const FENCED: Self = Self::INSIDE.behind(Resource::FENCED);
    /// Effects outside, behind tombstones.
    pub(crate) const TOMBSTONED: Self = Self::INSIDE.behind(Resource::TOMBSTONED);

    pub(crate) const fn behind(self, resource: Resource) -> Self {
        Self { effects: Effects::Outside(resource), ..self }
    }
}

impl Resource {
    pub(crate) const OPEN: Self =
        Self { fence: false, tombstone: false, refuses: Refusals::Anywhere, record_refused: true };
    pub(crate) const FENCED: Self = Self { fence: true, ..Self::OPEN };
    pub(crate) const TOMBSTONED: Self = Self { tombstone: true, ..Self::OPEN };
}
