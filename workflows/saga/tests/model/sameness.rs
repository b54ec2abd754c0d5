//! When two states are taken for one. This keeps their number finite, and small, without a bound on claims or events.

use std::cmp::Reverse;

use crate::design::{Design, Effects, Guards, Place, STEPS};
use crate::world::{Next, Phase, Row, Statement, Worker, World};

impl World {
    /// The one state that stands for all those that differ only in what nothing to come depends on: which worker is
    /// which, how high the epochs are (their order is all that is ever asked for), what a fenced worker would have
    /// written, and tombstones and fences that nobody can run into.
    pub(crate) fn settled(mut self, design: &Design) -> Self {
        if design.forgets {
            let row = self.row;
            self.workers.iter_mut().for_each(|worker| worker.forget(design, row));
            self.forget_guards_outside();
        }
        self.renumber_epochs();
        self.workers.sort_unstable_by_key(|worker| Reverse(worker.key()));
        self
    }

    fn forget_guards_outside(&mut self) {
        for step in 0..STEPS {
            let asks = |place| self.workers.iter().any(|worker| worker.asks() && worker.place == place);
            let does = asks(Place::Running(step));
            if !does && self.row.place != Place::Running(step) {
                self.tombstones &= !(1 << step);
            }
            if !does && !asks(Place::Compensating(step)) {
                self.fences[usize::from(step)] = 0;
            }
        }
    }

    /// Numbers the epochs from 1, as far as any claim in hand has them.
    fn renumber_epochs(&mut self) {
        let held = self.workers.iter().fold(1_u16 << self.row.epoch, |held, worker| held | 1 << worker.epoch) & !1;
        let up_to = |epoch: u8| u8::try_from((held & ((2 << epoch) - 1)).count_ones()).unwrap_or(u8::MAX);
        self.row.epoch = up_to(self.row.epoch);
        for worker in &mut self.workers {
            worker.epoch = up_to(worker.epoch);
        }
        // Between two epochs that are held, the journal's is asked whether it is at least the lower one, and a fence
        // whether it is at most the higher one.
        self.journal.epoch = up_to(self.journal.epoch);
        for fence in self.fences.iter_mut().filter(|fence| **fence > 0) {
            *fence = up_to(*fence - 1) + 1;
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

impl Worker {
    /// Whether a request of it may still reach the outside, before it claims again.
    pub(crate) fn asks(&self) -> bool {
        self.request || self.phase == Phase::Fresh && !self.is_past_attempts()
    }

    /// Whether the guards keep out what it has sent or will send for ever: epochs and seqs only grow.
    fn is_fenced(&self, guards: Guards, row: Row) -> bool {
        guards.epoch && self.epoch < row.epoch || guards.seq && self.next != Next::Open
    }

    /// Lets go of what nothing to come depends on.
    fn forget(&mut self, design: &Design, row: Row) {
        let guards = if self.sent == Some(Statement::HandBack) { Guards::ALL } else { design.commit };
        let fenced = self.is_fenced(guards, row);
        self.copy &= !fenced;
        self.rest();
        let may_write = !fenced && (!self.is_over() || self.copy);
        if self.phase == Phase::Idle || may_write {
            return;
        }
        let kept = *self;
        let ours = kept.phase == Phase::InDoubt && kept.next == Next::Ours;
        let next = if ours { Next::Ours } else { Next::Theirs };
        *self = Self { phase: kept.phase, next, ..Self::IDLE };
        let Effects::Outside(resource) = design.effects else { return };
        // What a fenced worker does outside is what a request of it does that is still under way.
        if kept.asks() {
            let epoch = if resource.fence { kept.epoch } else { 0 };
            *self =
                Self { phase: Phase::Gone, epoch, place: kept.place, next: Next::Theirs, request: true, ..Self::IDLE };
        } else {
            // What it wants to commit is lost, whatever it is.
            self.phase = Phase::InDoubt;
        }
    }

    /// The worker as a number of 18 bits.
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
}
