//! When two states are taken for one. This keeps their number finite, and small, without a bound on claims or events.

use std::cmp::Reverse;

use crate::design::{Design, Effects, Guards};
use crate::plans::{Outcome, Place};
use crate::world::{Next, Phase, Row, Statement, Worker, World};

impl World {
    /// The one state that stands for all those that differ only in what nothing to come depends on: which worker is
    /// which, how high the epochs are (their order is all that is ever asked for), what a fenced worker would have
    /// written, and tombstones and fences that nobody can run into.
    pub(crate) fn settled(mut self, design: &Design) -> Self {
        for worker in &mut self.workers {
            if design.forgets {
                worker.forget(design, self.row);
            }
            if worker.phase == Phase::Gone && worker.copy.is_none() && !worker.request {
                *worker = Worker::IDLE;
            }
        }
        if design.forgets && design.effects != Effects::Inside {
            self.forget_guards_outside();
        }
        self.renumber_epochs();
        self.workers.sort_unstable_by_key(|worker| Reverse(*worker));
        self
    }

    fn forget_guards_outside(&mut self) {
        let (mut does, mut undoes) = (0, 0);
        for worker in self.workers.iter().filter(|worker| worker.asks()) {
            match worker.place {
                Place::Running(step) => does |= 1 << step,
                Place::Compensating(step) => undoes |= 1 << step,
                Place::Completed | Place::Failed => {}
            }
        }
        for (step, fence) in self.fences.iter_mut().enumerate() {
            if (does | undoes) & 1 << step == 0 {
                *fence = 0;
            }
        }
        if let Place::Running(step) = self.row.place {
            does |= 1 << step;
        }
        self.tombstones &= does;
    }

    /// Numbers the epochs from 1, as far as any claim in hand has them.
    fn renumber_epochs(&mut self) {
        let held = self.workers.iter().fold(1_u16 << self.row.epoch, |held, worker| held | 1 << worker.epoch) & !1;
        let up_to = |epoch: u8| u8::try_from((held & ((2 << epoch) - 1)).count_ones()).unwrap_or(u8::MAX);
        self.row.epoch = up_to(self.row.epoch);
        for worker in &mut self.workers {
            worker.epoch = up_to(worker.epoch);
        }
        // Between two epochs that are held, a fence is asked whether it is at most the higher one.
        for fence in self.fences.iter_mut().filter(|fence| **fence > 0) {
            *fence = up_to(*fence - 1) + 1;
        }
    }
}

impl Worker {
    /// Lets go of what nothing to come depends on.
    fn forget(&mut self, design: &Design, row: Row) {
        // Epochs and seqs only grow: what is fenced once is fenced for ever.
        let guards = if self.copy == Some(Statement::HandBack) { Guards::ALL } else { design.commit };
        let fenced = guards.epoch && self.epoch < row.epoch || guards.seq && self.next != Next::Open;
        if fenced {
            self.copy = None;
        }
        if !fenced && (self.phase != Phase::Gone || self.copy.is_some()) {
            return;
        }
        let next = if self.next == Next::Ours { Next::Ours } else { Next::Theirs };
        *self = match (design.effects, self.phase) {
            // What it does outside is what a request of it does that is still under way.
            (Effects::Outside(resource), _) if self.asks() => {
                let epoch = if resource.fence { self.epoch } else { 0 };
                Self { phase: Phase::Gone, epoch, place: self.place, next: Next::Theirs, request: true, ..Self::IDLE }
            }
            // What it sends again is lost, whatever it is; but it learns whether it was written.
            (_, Phase::InDoubt(_)) => Self { phase: Phase::InDoubt(Outcome::Unknown), next, ..Self::IDLE },
            (_, Phase::Idle | Phase::Claimed | Phase::Gone) => Self::IDLE,
        };
    }
}
