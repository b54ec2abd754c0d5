//! What one move does: to the row, the journal and the effects.

use saga::plan::EventKind;

use crate::design::{Effects, Outcome, Place, Refusals, Resend};
use crate::moves::{Machine, Move};
use crate::sights::Sight;
use crate::world::{Next, Phase, Statement, Violation, Worker};

/// A move in the making.
pub(crate) struct Turn<'m> {
    pub(crate) machine: &'m Machine,
    pub(crate) who: usize,
    pub(crate) made: Move,
}

impl Turn<'_> {
    pub(crate) fn me(&mut self) -> &mut Worker {
        &mut self.made.to.workers[self.who]
    }

    fn violates(&mut self, violation: Violation) {
        self.made.violation = self.made.violation.or(Some(violation));
    }

    /// Adds the move to the others.
    pub(crate) fn end(mut self, out: &mut Vec<Move>) {
        self.me().rest();
        self.made.to = self.made.to.settled(&self.machine.design);
        match self.made.to.row.place {
            Place::Completed => self.made.sights.add(Sight::Completed),
            Place::Failed => self.made.sights.add(Sight::Failed),
            Place::Running(_) | Place::Compensating(_) => {}
        }
        out.push(self.made);
    }

    /// Is done with the claim; what is under way stays under way.
    pub(crate) fn leave(&mut self) {
        let me = self.me();
        me.phase = Phase::Gone;
        me.rest();
    }

    /// The database gets a statement. Whether it writes anything.
    pub(crate) fn arrives(&mut self, statement: Statement) -> bool {
        match statement {
            Statement::Commit(outcome) => self.commits(outcome),
            Statement::HandBack => self.hands_back(),
        }
    }

    /// Effect, event and advance in one, if the guards hold.
    fn commits(&mut self, outcome: Outcome) -> bool {
        let (me, guards) = (*self.me(), self.machine.design.commit);
        let row = self.made.to.row;
        let holds = (!guards.epoch || me.epoch == row.epoch)
            && (!guards.seq || me.next == Next::Open)
            && (!guards.place || me.place == row.place);
        let (true, Some(step)) = (holds, me.place.step()) else {
            self.made.sights.add(Sight::FencedWriteDropped);
            return false;
        };
        let planned = self.machine.plans.after(step, me.number, outcome);
        self.notices(outcome, planned.event, step);
        self.judges(planned.event, step);
        let world = &mut self.made.to;
        if self.machine.design.effects == Effects::Inside {
            match outcome {
                Outcome::Done => world.effects |= 1 << step,
                Outcome::Undone => world.effects &= !(1 << step),
                Outcome::Refused | Outcome::Unknown | Outcome::Expired | Outcome::NotUndone => {}
            }
        }
        world.row.leased = false;
        world.row.stuck = planned.stuck;
        if let Some(to) = planned.to {
            world.row.place = to;
            world.row.attempt = 0;
        }
        world.journal.epoch = me.epoch;
        for other in &mut world.workers {
            if other.phase != Phase::Idle && other.next == Next::Open {
                other.next = Next::Theirs;
            }
        }
        self.me().next = Next::Ours;
        true
    }

    /// Checks the event that a commit is about to write.
    fn judges(&mut self, event: EventKind, step: u8) {
        let (me, world) = (*self.me(), self.made.to);
        if world.ended() {
            self.violates(Violation::EndedSagaChanged);
        }
        if me.epoch != world.row.epoch {
            self.violates(Violation::WrittenUnderAnOldClaim);
        }
        if me.next != Next::Open {
            self.violates(Violation::TwoEventsOfOneSeq);
        }
        if me.epoch <= world.journal.epoch {
            self.violates(Violation::EpochsInTheJournalDoNotGrow);
        }
        if !self.made.to.journal.append(event, step) {
            self.violates(Violation::IllegalWordInTheJournal);
        }
    }

    /// Notes what is worth seeing in the event that a commit is about to write.
    fn notices(&mut self, outcome: Outcome, event: EventKind, step: u8) {
        const REFUSED: [Sight; 4] =
            [Sight::RefusedFirst, Sight::RefusedSecond, Sight::RefusedThird, Sight::RefusedFourth];
        let doubtful = self.made.to.journal.doubtful & 1 << step != 0;
        let stuck = self.made.to.row.stuck;
        let sights = &mut self.made.sights;
        match (event, outcome) {
            (EventKind::Refused, _) => sights.add(REFUSED[usize::from(step)]),
            (EventKind::GaveUp, Outcome::Expired) => sights.add(Sight::Expired),
            (EventKind::GaveUp, _) => sights.add(Sight::OutOfAttempts),
            (EventKind::Undone, _) => {
                if doubtful {
                    sights.add(Sight::DoubtUndone);
                }
                if stuck {
                    sights.add(Sight::StuckThenUndone);
                }
            }
            (EventKind::Accepted | EventKind::Done | EventKind::Failed | EventKind::UndoFailed, _) => {}
        }
    }

    /// The lease ends and the attempt is returned, if the claim still holds.
    fn hands_back(&mut self) -> bool {
        let me = *self.me();
        let row = &mut self.made.to.row;
        let holds = me.epoch == row.epoch && me.next == Next::Open;
        if !holds || (self.machine.design.hand_back_needs_lease && !row.leased) {
            self.made.sights.add(Sight::HandBackDropped);
            return false;
        }
        let own = me.number == row.attempt;
        row.leased = false;
        row.attempt = row.attempt.saturating_sub(1);
        self.made.sights.add(Sight::HandedBack);
        if !own {
            self.violates(Violation::AttemptReturnedByAnother);
        }
        true
    }

    /// An answer has come: the commit is written, or it is fenced. What the worker then reports must be so.
    pub(crate) fn concludes(&mut self, written: bool) {
        let me = *self.me();
        let doubted = me.phase == Phase::InDoubt && !written;
        let ours = me.next == Next::Ours;
        if doubted && ours {
            self.made.sights.add(Sight::LostReplyFoundCommitted);
        } else if doubted {
            self.made.sights.add(Sight::LostReplyFoundAbsent);
        }
        let reported = match self.machine.design.resend {
            Resend::LooksInTheJournal if doubted => ours,
            Resend::TakesItForWritten if doubted => true,
            Resend::LooksInTheJournal | Resend::TakesItForWritten | Resend::TakesItForFenced => written,
        };
        if reported != ours {
            self.violates(Violation::FalseReport);
        }
        self.leave();
        if !reported && self.me().phase == Phase::Gone {
            self.me().phase = Phase::Dismissed;
        }
    }

    /// A copy has been written that was under way for longer than its sender waited for it.
    pub(crate) fn written_late(&mut self) {
        match self.me().phase {
            Phase::Dismissed => self.violates(Violation::FalseReport),
            Phase::Gone => self.made.sights.add(Sight::WrittenByTheDead),
            Phase::Idle | Phase::Fresh | Phase::Acted | Phase::Refused | Phase::InDoubt => {}
        }
    }

    /// The outside gets a request. Whether it lets it in.
    pub(crate) fn acts(&mut self) -> bool {
        let (me, world) = (*self.me(), &mut self.made.to);
        let (Effects::Outside(resource), Some(step)) = (self.machine.design.effects, me.place.step()) else {
            return false;
        };
        let (bit, fence) = (1 << step, &mut world.fences[usize::from(step)]);
        if resource.fence && me.epoch < *fence {
            return false;
        }
        if me.place.forward() {
            if resource.tombstone && world.tombstones & bit != 0 {
                return false;
            }
            world.effects |= bit;
        } else {
            if world.effects & world.journal.doubtful & bit != 0 {
                self.made.sights.add(Sight::StandingDoubtUndone);
            }
            world.effects &= !bit;
            if resource.tombstone {
                world.tombstones |= bit;
            }
        }
        if resource.fence {
            *fence = me.epoch;
        }
        true
    }

    /// The outside refuses a request, which it only does where the effect does not stand.
    pub(crate) fn is_refused(&mut self) -> bool {
        let (me, world) = (*self.me(), &mut self.made.to);
        let (Effects::Outside(resource), Some(step)) = (self.machine.design.effects, me.place.step()) else {
            return false;
        };
        let (bit, fence) = (1 << step, &mut world.fences[usize::from(step)]);
        let late = resource.fence && me.epoch < *fence;
        if !me.place.forward() || late || world.effects & bit != 0 {
            return false;
        }
        self.made.fault = world.tombstones & bit == 0;
        let lasts = resource.refusals != Refusals::AreMomentary;
        if lasts && resource.tombstone {
            world.tombstones |= bit;
        }
        if lasts && resource.fence {
            *fence = me.epoch;
        }
        true
    }
}
