//! One state of everything: the saga's row and journal, the effects, and the workers with what they have in hand.

use saga::plan::EventKind;

use crate::design::Effects;
use crate::plans::{ATTEMPTS, Outcome, Place, STEPS};

/// As many workers as any design has.
pub(crate) const MOST_WORKERS: usize = 4;
const ALL_STEPS: u8 = (1 << STEPS) - 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) row: Row,
    pub(crate) journal: Journal,
    /// The steps whose effects stand.
    pub(crate) effects: u8,
    /// Outside: the steps that will never be done again.
    pub(crate) tombstones: u8,
    /// Outside: the highest epoch seen, by step.
    pub(crate) fences: [u8; STEPS as usize],
    pub(crate) workers: [Worker; MOST_WORKERS],
}

/// The saga's row. Its seq is left out: a claim's seq is the row's as long as no event followed, see [`Next`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) place: Place,
    pub(crate) epoch: u8,
    pub(crate) attempt: u8,
    pub(crate) leased: bool,
}

/// The journal, as far as anything to come depends on it: what its events say of each step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Journal {
    /// The steps done and not undone.
    pub(crate) standing: u8,
    /// The step that was refused or given up, until it is undone.
    pub(crate) doubtful: u8,
    /// Whether the saga has turned back.
    pub(crate) back: bool,
}

/// A worker, with one claim in hand at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Worker {
    pub(crate) phase: Phase,
    /// The claim: its epoch, the place and the attempt's number.
    pub(crate) epoch: u8,
    pub(crate) place: Place,
    pub(crate) number: u8,
    /// The event after the claim's seq.
    pub(crate) next: Next,
    /// What is still under way to the database.
    pub(crate) copy: Option<Statement>,
    /// Whether a request that nobody waits for any more is still under way to the outside.
    pub(crate) request: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Phase {
    /// Free to claim.
    Idle,
    /// Has claimed; the step has not begun.
    Claimed,
    /// Has sent its commit and does not know what became of it.
    InDoubt(Outcome),
    /// Crashed or through with its claim, with something still under way.
    Gone,
}

/// The journal's entry after a claim's seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Next {
    /// None yet: the claim's seq is the row's.
    Open,
    /// Written under another claim.
    Theirs,
    /// Written under this claim.
    Ours,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Statement {
    Commit(Outcome),
    HandBack,
}

/// What must never be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Violation {
    FailedSagaLeftAnEffect,
    CompletedSagaMissesAnEffect,
    EndedSagaChanged,
    EffectsDifferFromTheJournal,
    RowDiffersFromTheJournal,
    IllegalWordInTheJournal,
    WrittenUnderAnOldClaim,
    TwoEventsOfOneSeq,
    AttemptReturnedByAnother,
    FalseReport,
    NoWayToAnEnd,
}

impl Violation {
    /// Whether somebody is left half signed up, or with another end than they were told; the others are how it could
    /// come to that.
    pub(crate) fn is_harm(self) -> bool {
        matches!(self, Self::FailedSagaLeftAnEffect | Self::CompletedSagaMissesAnEffect | Self::EndedSagaChanged)
    }
}

impl World {
    /// An accepted saga.
    pub(crate) const START: Self = Self {
        row: Row { place: Place::Running(0), epoch: 1, attempt: 0, leased: false },
        journal: Journal { standing: 0, doubtful: 0, back: false },
        effects: 0,
        tombstones: 0,
        fences: [0; STEPS as usize],
        workers: [Worker::IDLE; MOST_WORKERS],
    };

    /// Without the workers, and what is there for them alone.
    pub(crate) fn outline(&self) -> Self {
        Self { row: Row { epoch: 0, ..self.row }, journal: self.journal, effects: self.effects, ..Self::START }
    }

    pub(crate) fn ended(&self) -> bool {
        self.row.place.step().is_none()
    }

    /// What must hold in every state.
    pub(crate) fn violation(&self, effects: Effects) -> Option<Violation> {
        let in_hand = match (effects, self.row.place.step()) {
            (Effects::Inside, _) | (Effects::Outside(_), None) => 0,
            (Effects::Outside(_), Some(step)) => 1 << step,
        };
        if self.row.place == Place::Failed && self.effects != 0 {
            Some(Violation::FailedSagaLeftAnEffect)
        } else if self.row.place == Place::Completed && self.effects != ALL_STEPS {
            Some(Violation::CompletedSagaMissesAnEffect)
        } else if self.row.place != self.journal.place() {
            Some(Violation::RowDiffersFromTheJournal)
        } else if (self.effects ^ self.journal.standing) & !in_hand != 0 {
            Some(Violation::EffectsDifferFromTheJournal)
        } else {
            None
        }
    }
}

impl Journal {
    /// Where the saga is by its journal.
    fn place(self) -> Place {
        let left = self.standing | self.doubtful;
        match (self.back, u8::try_from(left.trailing_ones()).unwrap_or(0)) {
            (false, STEPS) => Place::Completed,
            (false, done) => Place::Running(done),
            (true, 0) => Place::Failed,
            (true, left) => Place::Compensating(left - 1),
        }
    }

    /// Adds an event. False if it cannot follow: a legal journal does the steps in order, turns back once, and undoes
    /// in the reverse order what was done and the step at which it turned.
    pub(crate) fn append(&mut self, event: EventKind, step: u8) -> bool {
        let (place, bit) = (self.place(), 1 << step);
        match event {
            EventKind::Accepted | EventKind::Failed | EventKind::UndoFailed | EventKind::Retried => {}
            EventKind::Done => self.standing |= bit,
            EventKind::Refused | EventKind::GaveUp | EventKind::RolledBack => {
                self.doubtful |= bit;
                self.back = true;
            }
            EventKind::Undone => {
                self.standing &= !bit;
                self.doubtful &= !bit;
            }
            EventKind::Resolved => *self = Self { standing: 0, doubtful: 0, back: true },
        }
        match event {
            EventKind::Accepted => false,
            EventKind::Done | EventKind::Failed | EventKind::Refused | EventKind::GaveUp | EventKind::RolledBack => {
                place == Place::Running(step)
            }
            EventKind::Retried | EventKind::Resolved => place.step() == Some(step),
            EventKind::Undone | EventKind::UndoFailed => place == Place::Compensating(step),
        }
    }
}

impl Worker {
    pub(crate) const IDLE: Self = Self {
        phase: Phase::Idle,
        epoch: 0,
        place: Place::Running(0),
        number: 0,
        next: Next::Open,
        copy: None,
        request: false,
    };

    /// Whether the engine plans the end of the attempts without running the step again.
    pub(crate) fn is_past_attempts(self) -> bool {
        self.place.forward() && self.number > ATTEMPTS
    }

    /// Whether a request of it may still reach the outside, before it claims again.
    pub(crate) fn asks(self) -> bool {
        self.request || self.phase == Phase::Claimed && !self.is_past_attempts()
    }
}
