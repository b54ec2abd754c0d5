//! What one move does: to the row, the journal and the effects.

use saga::Action;

use crate::design::{Effects, Hold, Resend};
use crate::moves::{Machine, Move, Name};
use crate::plans::{Outcome, acted};
use crate::world::{Next, Phase, Row, Violation, Worker, World};

/// Something that an exploration must come across, or it explored too little.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sight {
    TakenOver,
    FencedWriteDropped,
    /// A commit that claimed what follows.
    Held,
    LostReplyFoundCommitted,
    LostReplyFoundAbsent,
    /// A commit that arrived after its worker had crashed.
    WrittenByTheDead,
    HandedBack,
    HandBackDropped,
    /// An action on a saga that a worker has claimed.
    OperatedOnInFlight,
    /// A step in doubt that had happened.
    StandingDoubtUndone,
    /// A refusal that was written after the step had happened in another attempt, or in this one.
    RefusedThoughItStands,
    /// A request that arrived outside after its worker had stopped waiting for it, and had no effect.
    LateRequestKeptOut,
}

impl Sight {
    pub(crate) const ANYWHERE: [Self; 8] = [
        Self::TakenOver,
        Self::Held,
        Self::FencedWriteDropped,
        Self::LostReplyFoundCommitted,
        Self::LostReplyFoundAbsent,
        Self::WrittenByTheDead,
        Self::HandedBack,
        Self::HandBackDropped,
    ];
    /// Those that only effects outside offer.
    pub(crate) const OUTSIDE: [Self; 3] =
        [Self::StandingDoubtUndone, Self::RefusedThoughItStands, Self::LateRequestKeptOut];
}

/// A move in the making.
#[derive(Clone, Copy)]
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
    pub(crate) fn end(mut self, name: Name, out: &mut Vec<Move>) {
        self.made.name = name;
        self.made.to = self.made.to.settled(&self.machine.design);
        out.push(self.made);
    }

    /// The same, of a move in which nothing goes wrong.
    pub(crate) fn end_well(mut self, name: Name, out: &mut Vec<Move>) {
        self.made.well = true;
        self.end(name, out);
    }

    /// Effect, event and advance in one, if the guards hold. Whether anything is written.
    pub(crate) fn commits(&mut self, outcome: Outcome) -> bool {
        let (me, guards) = (*self.me(), self.machine.design.commit);
        let holds = (!guards.epoch || me.epoch == self.made.to.row.epoch) && (!guards.seq || me.next == Next::Open);
        let (true, Some(step)) = (holds, me.place.step()) else {
            self.machine.sees(Sight::FencedWriteDropped);
            return false;
        };
        let (to, event) = self.machine.plans.after((step, me.number, outcome));
        if self.made.to.ended() && to.is_some_and(|to| to != self.made.to.row.place) {
            self.violates(Violation::EndedSagaChanged);
        }
        if me.epoch != self.made.to.row.epoch {
            self.violates(Violation::WrittenUnderAnOldClaim);
        }
        if me.next != Next::Open {
            self.violates(Violation::TwoEventsOfOneSeq);
        }
        if !self.made.to.journal.append(event, step) {
            self.violates(Violation::IllegalWordInTheJournal);
        }
        let world = &mut self.made.to;
        match (self.machine.design.effects, outcome) {
            (Effects::Inside, Outcome::Done) => world.effects |= 1 << step,
            (Effects::Inside, Outcome::Undone) => world.effects &= !(1 << step),
            (Effects::Outside(_), Outcome::Refused) if world.effects & 1 << step != 0 => {
                self.machine.sees(Sight::RefusedThoughItStands);
            }
            _ => {}
        }
        world.row.leased = false;
        if let Some(to) = to {
            world.row.place = to;
            world.row.attempt = 0;
        }
        for other in &mut world.workers {
            if other.phase != Phase::Idle && other.next == Next::Open {
                other.next = Next::Theirs;
            }
        }
        self.me().next = Next::Ours;
        true
    }

    /// The commit that was just written claims what follows too, if anything follows at once: for a worker that is
    /// free. It has the claim before the answer has come; since it may let it lie, that is also how it is afterwards.
    pub(crate) fn holds(mut self) -> Option<Self> {
        let design = &self.machine.design;
        let World { row, workers, .. } = &mut self.made.to;
        // Whatever is repeated keeps its attempts.
        if row.place.step().is_none() || row.attempt > 0 {
            return None;
        }
        let free = |worker: &&mut Worker| match worker.phase {
            Phase::Idle => true,
            Phase::Gone => worker.copy.is_none() && !worker.request,
            Phase::Claimed | Phase::InDoubt(_) => false,
        };
        let worker = workers[..design.workers].iter_mut().find(free)?;
        row.epoch += u8::from(design.hold == Hold::TakesAnEpoch);
        row.attempt = 1;
        row.leased = true;
        *worker = Worker { phase: Phase::Claimed, epoch: row.epoch, place: row.place, number: 1, ..Worker::IDLE };
        self.machine.sees(Sight::Held);
        Some(self)
    }

    /// An operator acts, who saw the saga as it is: one who saw it before the latest event does nothing. Whether the
    /// action is possible.
    pub(crate) fn is_acted_on(&mut self, action: Action) -> bool {
        let design = &self.machine.design;
        let (place, world) = (self.made.to.row.place, &mut self.made.to);
        let to = design.acting.and_then(|acting| acted(acting, action, place));
        let (Some((to, event)), Some(step)) = (to, place.step()) else { return false };
        // Of what is outside, the store cannot tell whether anything is left.
        let blind = design.effects != Effects::Inside || world.effects != 0;
        if action == Action::Resolve && blind {
            return false;
        }
        let legal = world.journal.append(event, step);
        world.row = Row { place: to, epoch: world.row.epoch + 1, attempt: 0, leased: false };
        for worker in &mut world.workers {
            if worker.phase != Phase::Idle && worker.next == Next::Open {
                self.machine.sees(Sight::OperatedOnInFlight);
                worker.next = Next::Theirs;
            }
        }
        if !legal {
            self.violates(Violation::IllegalWordInTheJournal);
        }
        true
    }

    /// The lease ends and the attempt is returned, if the claim still holds.
    pub(crate) fn hands_back(&mut self) {
        let me = *self.me();
        let row = &mut self.made.to.row;
        let holds = me.epoch == row.epoch && me.next == Next::Open;
        if !holds || (self.machine.design.hand_back_needs_lease && !row.leased) {
            return self.machine.sees(Sight::HandBackDropped);
        }
        let own = me.number == row.attempt;
        row.leased = false;
        row.attempt = row.attempt.saturating_sub(1);
        self.machine.sees(Sight::HandedBack);
        if !own {
            self.violates(Violation::AttemptReturnedByAnother);
        }
    }

    /// An answer has come: the commit is written, or it is fenced. What the worker then reports must be so.
    pub(crate) fn concludes(&mut self, written: bool) {
        let (me, resend) = (*self.me(), self.machine.design.resend);
        let ours = me.next == Next::Ours;
        let mut reported = written;
        if !written && matches!(me.phase, Phase::InDoubt(_)) {
            self.machine.sees(if ours { Sight::LostReplyFoundCommitted } else { Sight::LostReplyFoundAbsent });
            reported = resend == Resend::LooksInTheJournal && ours || resend == Resend::TakesItForWritten;
        }
        if reported != ours {
            self.violates(Violation::FalseReport);
        }
        self.me().phase = Phase::Gone;
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
                self.machine.sees(Sight::StandingDoubtUndone);
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
}
