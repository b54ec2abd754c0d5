//! One state of everything: the saga's row and journal, the effects, and the workers with what they have in hand.

use saga::plan::EventKind;

use crate::design::{ATTEMPTS, Design, Effects, Guards, Outcome, Place, STEPS};

/// As many workers as any design has.
pub(crate) const MOST_WORKERS: usize = 4;
const ALL_STEPS: u8 = (1 << STEPS) - 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) place: Place,
    pub(crate) epoch: u8,
    pub(crate) attempt: u8,
    pub(crate) leased: bool,
    pub(crate) stuck: bool,
}

/// The journal, as far as anything to come depends on it: what its events say of each step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Journal {
    /// The epoch of the latest event.
    pub(crate) epoch: u8,
    /// The steps done and not undone.
    pub(crate) standing: u8,
    /// The step that was given up, until it is undone.
    pub(crate) doubtful: u8,
    /// Whether the saga has turned back.
    pub(crate) back: bool,
}

/// A worker, with one claim in hand at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Worker {
    pub(crate) phase: Phase,
    /// The claim: its epoch, the place and the attempt's number.
    pub(crate) epoch: u8,
    pub(crate) place: Place,
    pub(crate) number: u8,
    /// The event after the claim's seq.
    pub(crate) next: Next,
    /// The statement that was sent last.
    pub(crate) sent: Option<Statement>,
    /// Whether a copy of it is still under way to the database.
    pub(crate) copy: bool,
    /// Whether a request that nobody waits for any more is still under way to the outside.
    pub(crate) request: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Free to claim.
    Idle,
    /// Has claimed.
    Fresh,
    /// The outside has done what was asked for, and said so.
    Acted,
    /// The outside has refused.
    Refused,
    /// Has sent its commit and does not know what became of it.
    InDoubt,
    /// Crashed or through with its claim, with something still under way.
    Gone,
}

/// The journal's entry after a claim's seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// None yet: the claim's seq is the row's.
    Open,
    /// Written under another claim.
    Theirs,
    /// Written under this claim.
    Ours,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Statement {
    Commit(Outcome),
    HandBack,
}

/// What must never be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Violation {
    FailedSagaLeftAnEffect,
    CompletedSagaMissesAnEffect,
    EffectsDifferFromTheJournal,
    RowDiffersFromTheJournal,
    IllegalWordInTheJournal,
    WrittenUnderAnOldClaim,
    EpochsInTheJournalDecrease,
    TwoEventsUnderOneClaim,
    TwoEventsOfOneSeq,
    EndedSagaChanged,
    AttemptReturnedByAnother,
    FalseReport,
    NoWayToAnEnd,
}

impl Violation {
    /// Whether somebody is left half signed up; the others are how it could come to that.
    pub(crate) fn is_harm(self) -> bool {
        matches!(self, Self::FailedSagaLeftAnEffect | Self::CompletedSagaMissesAnEffect)
    }
}

impl World {
    /// An accepted saga.
    pub(crate) const START: Self = Self {
        row: Row { place: Place::Running(0), epoch: 1, attempt: 0, leased: false, stuck: false },
        journal: Journal { epoch: 0, standing: 0, doubtful: 0, back: false },
        effects: 0,
        tombstones: 0,
        fences: [0; STEPS as usize],
        workers: [Worker::IDLE; MOST_WORKERS],
    };

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

    /// The state as a number, the same for states that do not differ.
    pub(crate) fn key(&self) -> u128 {
        let mut key = 0;
        let mut put = |value: u8, bits: u32| key = key << bits | u128::from(value);
        put(self.row.place.code(), 4);
        put(self.row.epoch, 3);
        put(self.row.attempt, 2);
        put(u8::from(self.row.leased) << 1 | u8::from(self.row.stuck), 2);
        put(self.journal.epoch, 3);
        put(self.journal.standing, 4);
        put(self.journal.doubtful, 4);
        put(u8::from(self.journal.back), 1);
        put(self.effects << STEPS | self.tombstones, 8);
        for fence in self.fences {
            put(fence, 3);
        }
        for worker in self.workers {
            key = key << 20 | u128::from(worker.key());
        }
        key
    }
}

impl Journal {
    /// Where the saga is by its journal.
    pub(crate) fn place(self) -> Place {
        let left = self.standing | self.doubtful;
        match (self.back, u8::try_from(left.trailing_ones()).unwrap_or(0)) {
            (false, STEPS) => Place::Completed,
            (false, done) => Place::Running(done),
            (true, 0) => Place::Failed,
            (true, left) => Place::Compensating(left - 1),
        }
    }

    /// Adds an event. False if it cannot follow: a legal journal does the steps in order, turns back once, and undoes
    /// in the reverse order what was done and what is in doubt.
    pub(crate) fn append(&mut self, event: EventKind, step: u8) -> bool {
        let (place, bit) = (self.place(), 1 << step);
        let (legal, turns) = match event {
            EventKind::Accepted => (false, false),
            EventKind::Done | EventKind::Failed => (place == Place::Running(step), false),
            EventKind::Refused | EventKind::GaveUp => (place == Place::Running(step), true),
            EventKind::Undone | EventKind::UndoFailed => (place == Place::Compensating(step), false),
        };
        self.back |= turns;
        match event {
            EventKind::Done => self.standing |= bit,
            EventKind::GaveUp => self.doubtful |= bit,
            EventKind::Undone => {
                self.standing &= !bit;
                self.doubtful &= !bit;
            }
            EventKind::Accepted | EventKind::Refused | EventKind::Failed | EventKind::UndoFailed => {}
        }
        legal
    }
}

impl Worker {
    pub(crate) const IDLE: Self = Self {
        phase: Phase::Idle,
        epoch: 0,
        place: Place::Running(0),
        number: 0,
        next: Next::Open,
        sent: None,
        copy: false,
        request: false,
    };

    fn key(&self) -> u32 {
        let sent = match self.sent {
            None => 0,
            Some(Statement::HandBack) => 1,
            Some(Statement::Commit(outcome)) => 2 + outcome as u32,
        };
        let mut key = self.phase as u32;
        key = key << 3 | u32::from(self.epoch);
        key = key << 3 | u32::from(self.place.code());
        key = key << 2 | u32::from(self.number);
        key = key << 2 | self.next as u32;
        key = key << 3 | sent;
        key << 2 | u32::from(self.copy) << 1 | u32::from(self.request)
    }

    /// Whether the guards keep out what it has sent or will send for ever: epochs and seqs only grow.
    fn is_fenced(&self, guards: Guards, row: &Row) -> bool {
        guards.epoch && self.epoch < row.epoch || guards.seq && self.next != Next::Open
    }

    /// Lets go of what nothing to come depends on.
    fn forget(&mut self, design: &Design, row: &Row) {
        let all = Guards { epoch: true, seq: true, place: true };
        let guards = if self.sent == Some(Statement::HandBack) { all } else { design.commit };
        let fenced = self.is_fenced(guards, row);
        self.copy &= !fenced;
        let over = self.phase == Phase::Gone;
        if over && !self.copy && !self.request {
            *self = Self::IDLE;
        }
        let may_write = !fenced && (!over || self.copy);
        if self.phase == Phase::Idle || may_write {
            return;
        }
        let kept = *self;
        let ours = kept.phase == Phase::InDoubt && kept.next == Next::Ours;
        let next = if ours { Next::Ours } else { Next::Theirs };
        *self = Self { phase: kept.phase, next, ..Self::IDLE };
        let Effects::Outside(resource) = design.effects else { return };
        // What a fenced worker does outside is what a request of it does that is still under way.
        let asks = kept.request || kept.phase == Phase::Fresh && !kept.is_past_attempts();
        if asks {
            let epoch = if resource.fence { kept.epoch } else { 0 };
            *self = Self { phase: Phase::Gone, epoch, place: kept.place, next: Next::Theirs, request: true, ..Self::IDLE };
        } else {
            self.phase = Phase::InDoubt;
        }
    }

    /// Whether the engine plans the end of the attempts without running the step again.
    pub(crate) fn is_past_attempts(&self) -> bool {
        self.place.forward() && self.number > ATTEMPTS
    }
}

impl World {
    /// The one state that stands for all those that differ only in what nothing to come depends on: which worker is
    /// which, what a fenced worker would have written, and how high the epochs are; their order is all that counts.
    pub(crate) fn settled(mut self, design: &Design) -> Self {
        if design.forgets {
        for worker in &mut self.workers {
            worker.forget(design, &self.row);
        }
        }
        let mut alive = 1_u16 << self.row.epoch;
        for worker in self.workers {
            alive |= 1 << worker.epoch;
        }
        alive &= !1;
        let up_to = |epoch: u8| u8::try_from((alive & ((2 << epoch) - 1)).count_ones()).unwrap_or(u8::MAX);
        for worker in &mut self.workers {
            worker.epoch = up_to(worker.epoch);
        }
        self.row.epoch = up_to(self.row.epoch);
        self.journal.epoch = up_to(self.journal.epoch);
        for (step, fence) in (0_u8..).zip(&mut self.fences) {
            let asked = |worker: &Worker| worker.epoch > 0 && worker.place.step() == Some(step);
            let asked = *fence > 0 && self.workers.iter().any(asked);
            *fence = if asked { up_to(*fence - 1) + 1 } else { 0 };
            let may_do = |worker: &Worker| {
                worker.place == Place::Running(step) && (worker.phase == Phase::Fresh || worker.request)
            };
            if self.row.place != Place::Running(step) && !self.workers.iter().any(may_do) {
                self.tombstones &= !(1 << step);
            }
        }
        self.workers.sort_unstable_by_key(|worker| std::cmp::Reverse(worker.key()));
        self
    }
}
