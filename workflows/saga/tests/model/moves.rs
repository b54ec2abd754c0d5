//! What can happen next: every move of every worker, of the network and of time.

use saga::plan::EventKind;

use crate::design::{Design, Effects, Outcome, PAST_ATTEMPTS, Place, Plans, Resend};
use crate::world::{Next, Phase, Statement, Violation, Worker, World};

/// One move, and where it leads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Move {
    pub(crate) name: Name,
    /// The worker that makes it, as it was before.
    pub(crate) by: Worker,
    /// Whether something goes wrong in it. What must still happen once nothing does, happens without these.
    pub(crate) fault: bool,
    pub(crate) to: World,
    pub(crate) sights: Sights,
    pub(crate) violation: Option<Violation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    LeaseRunsOut,
    Claims,
    Crashes,
    HandsBack,
    HandsBackTwice,
    HandBackIsUnderWay,
    Acts,
    IsRefusedOutside,
    Sends(Outcome, Delivery),
    SendsAndIsRefused(Delivery),
    CopyArrives,
    CopyArrivesAndIsRefused,
    CopyIsLost,
    RequestArrives,
    RequestIsRefused,
    RequestIsLost,
}

/// What becomes of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Answered,
    AnswerLost,
    Lost,
    UnderWay,
}

/// Something that an exploration must come across, or it explored too little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    Completed,
    Failed,
    RefusedFirst,
    RefusedSecond,
    RefusedThird,
    RefusedFourth,
    DoubtUndone,
    StandingDoubtUndone,
    FencedWriteDropped,
    TakenOver,
    LostReplyFoundCommitted,
    LostReplyFoundAbsent,
    WrittenByTheDead,
    StuckThenUndone,
    HandedBack,
    HandBackDropped,
    Expired,
    OutOfAttempts,
    LateRequestKeptOut,
}

/// A set of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sights(u32);

impl Sights {
    pub(crate) fn add(&mut self, sight: Sight) {
        self.0 |= 1 << sight as u32;
    }

    pub(crate) fn join(&mut self, others: Self) {
        self.0 |= others.0;
    }

    pub(crate) fn has(self, sight: Sight) -> bool {
        self.0 & 1 << sight as u32 != 0
    }
}

/// A design at work.
pub(crate) struct Machine {
    pub(crate) design: Design,
    plans: Plans,
}

impl Machine {
    pub(crate) fn new(design: Design) -> Self {
        Self { design, plans: Plans::of(design.planner) }
    }

    /// Every move from here.
    pub(crate) fn moves(&self, from: &World, out: &mut Vec<Move>) {
        if from.row.leased && self.design.leases_run_out {
            let mut turn = self.turn(from, 0, Name::LeaseRunsOut);
            turn.made.to.row.leased = false;
            turn.end(out);
        }
        for who in 0..self.design.workers {
            // Workers are sorted: equal ones are neighbours, and have the same moves.
            if who == 0 || from.workers[who] != from.workers[who - 1] {
                self.in_flight(from, who, out);
                self.work(from, who, out);
            }
        }
    }

    /// What is under way arrives, or is lost.
    fn in_flight(&self, from: &World, who: usize, out: &mut Vec<Move>) {
        let worker = from.workers[who];
        if worker.copy {
            for name in [Name::CopyArrives, Name::CopyArrivesAndIsRefused, Name::CopyIsLost] {
                let mut turn = self.turn(from, who, name);
                turn.me().copy = false;
                let written = match (name, worker.sent) {
                    (Name::CopyArrives, Some(statement)) => turn.arrives(statement),
                    (Name::CopyArrivesAndIsRefused, Some(statement)) if self.can_refuse(statement) => {
                        turn.arrives(Statement::Commit(Outcome::Refused))
                    }
                    (Name::CopyArrivesAndIsRefused, _) => continue,
                    _ => false,
                };
                if written && worker.phase == Phase::Gone {
                    turn.made.sights.add(Sight::WrittenByTheDead);
                }
                turn.made.fault = name != Name::CopyArrives;
                turn.end(out);
            }
        }
        if worker.request {
            for name in [Name::RequestArrives, Name::RequestIsRefused, Name::RequestIsLost] {
                let mut turn = self.turn(from, who, name);
                turn.me().request = false;
                match name {
                    Name::RequestArrives if !turn.acts() => turn.made.sights.add(Sight::LateRequestKeptOut),
                    Name::RequestIsRefused if !turn.is_refused() => continue,
                    _ => {}
                }
                turn.made.fault = name != Name::RequestArrives;
                turn.end(out);
            }
        }
    }

    /// What the worker itself does.
    fn work(&self, from: &World, who: usize, out: &mut Vec<Move>) {
        let worker = from.workers[who];
        match worker.phase {
            Phase::Idle => return self.claim(from, who, out),
            Phase::Gone => return,
            Phase::Fresh => {
                self.hand_back(from, who, out);
                self.attempt(from, who, out);
            }
            Phase::Acted => {
                let [good, bad] = if worker.place.forward() {
                    [Outcome::Done, Outcome::Unknown]
                } else {
                    [Outcome::Undone, Outcome::NotUndone]
                };
                self.send(from, who, good, out);
                self.send_failure(from, who, bad, false, out);
            }
            Phase::Refused => self.send(from, who, Outcome::Refused, out),
            Phase::InDoubt => {
                if let Some(Statement::Commit(outcome)) = worker.sent {
                    self.send(from, who, outcome, out);
                } else {
                    // It is fenced, so what it says does not matter.
                    self.send(from, who, Outcome::Unknown, out);
                }
            }
        }
        let mut turn = self.turn(from, who, Name::Crashes);
        turn.leave();
        turn.made.fault = true;
        turn.end(out);
    }

    fn claim(&self, from: &World, who: usize, out: &mut Vec<Move>) {
        if from.ended() || from.row.leased {
            return;
        }
        let mut turn = self.turn(from, who, Name::Claims);
        if from.workers.iter().any(|other| other.phase != Phase::Idle && other.epoch == from.row.epoch) {
            turn.made.sights.add(Sight::TakenOver);
        }
        let row = &mut turn.made.to.row;
        row.epoch += 1;
        row.attempt = PAST_ATTEMPTS.min(row.attempt + 1);
        row.leased = true;
        let (epoch, place, number) = (row.epoch, row.place, row.attempt);
        *turn.me() = Worker { phase: Phase::Fresh, epoch, place, number, ..Worker::IDLE };
        turn.end(out);
    }

    fn hand_back(&self, from: &World, who: usize, out: &mut Vec<Move>) {
        for (name, arrives, copy) in [
            (Name::HandsBack, true, false),
            (Name::HandsBackTwice, true, true),
            (Name::HandBackIsUnderWay, false, true),
        ] {
            let mut turn = self.turn(from, who, name);
            turn.me().sent = Some(Statement::HandBack);
            turn.me().copy = copy;
            if arrives {
                turn.arrives(Statement::HandBack);
            }
            turn.leave();
            turn.made.fault = true;
            turn.end(out);
        }
    }

    /// Executes or compensates the step, if the engine lets it.
    fn attempt(&self, from: &World, who: usize, out: &mut Vec<Move>) {
        let worker = from.workers[who];
        let forward = worker.place.forward();
        if worker.is_past_attempts() {
            return self.send(from, who, Outcome::Unknown, out);
        }
        if worker.place == Place::Running(0) {
            self.send_failure(from, who, Outcome::Expired, false, out);
        }
        let [good, bad] =
            if forward { [Outcome::Done, Outcome::Unknown] } else { [Outcome::Undone, Outcome::NotUndone] };
        if self.design.effects == Effects::Inside {
            self.send(from, who, good, out);
            self.send_failure(from, who, bad, false, out);
            if forward {
                self.send_failure(from, who, Outcome::Refused, false, out);
            }
            return;
        }
        let mut turn = self.turn(from, who, Name::Acts);
        if turn.acts() {
            turn.me().phase = Phase::Acted;
            turn.end(out);
            self.send_failure(from, who, bad, false, out);
            self.send_failure(from, who, bad, true, out);
        } else {
            self.send(from, who, bad, out);
        }
        let mut turn = self.turn(from, who, Name::IsRefusedOutside);
        if turn.is_refused() {
            turn.me().phase = Phase::Refused;
            turn.end(out);
        }
    }

    fn can_refuse(&self, statement: Statement) -> bool {
        self.design.effects == Effects::Inside && statement == Statement::Commit(Outcome::Done)
    }

    fn send(&self, from: &World, who: usize, outcome: Outcome, out: &mut Vec<Move>) {
        let first = out.len();
        self.send_failure(from, who, outcome, false, out);
        for made in &mut out[first..] {
            made.fault = !matches!(made.name, Name::Sends(_, Delivery::Answered));
        }
    }

    /// Sends the commit of an attempt that went wrong; a request of it may still be under way.
    fn send_failure(&self, from: &World, who: usize, outcome: Outcome, request: bool, out: &mut Vec<Move>) {
        for delivery in [Delivery::Answered, Delivery::AnswerLost, Delivery::Lost, Delivery::UnderWay] {
            self.deliver(from, who, request, (outcome, outcome), delivery, out);
            let arrives = matches!(delivery, Delivery::Answered | Delivery::AnswerLost);
            if arrives && self.can_refuse(Statement::Commit(outcome)) {
                self.deliver(from, who, request, (outcome, Outcome::Refused), delivery, out);
            }
        }
    }

    fn deliver(
        &self,
        from: &World,
        who: usize,
        request: bool,
        (sent, becomes): (Outcome, Outcome),
        delivery: Delivery,
        out: &mut Vec<Move>,
    ) {
        let refused = sent != becomes;
        let name = if refused { Name::SendsAndIsRefused(delivery) } else { Name::Sends(sent, delivery) };
        let mut turn = self.turn(from, who, name);
        turn.me().sent = Some(Statement::Commit(sent));
        turn.me().request |= request;
        turn.made.fault = true;
        match delivery {
            Delivery::Answered => {
                let written = turn.arrives(Statement::Commit(becomes));
                turn.concludes(written);
            }
            Delivery::AnswerLost => {
                if !turn.arrives(Statement::Commit(becomes)) {
                    return; // The same as lost.
                }
                turn.me().phase = Phase::InDoubt;
            }
            Delivery::Lost => turn.me().phase = Phase::InDoubt,
            Delivery::UnderWay => {
                turn.me().phase = Phase::InDoubt;
                turn.me().copy = true;
            }
        }
        turn.end(out);
    }

    fn turn(&self, from: &World, who: usize, name: Name) -> Turn<'_> {
        let sights = Sights::default();
        let made = Move { name, by: from.workers[who], fault: false, to: *from, sights, violation: None };
        Turn { machine: self, who, made }
    }
}

/// A move in the making.
struct Turn<'m> {
    machine: &'m Machine,
    who: usize,
    made: Move,
}

impl Turn<'_> {
    fn me(&mut self) -> &mut Worker {
        &mut self.made.to.workers[self.who]
    }

    fn violates(&mut self, violation: Violation) {
        self.made.violation = self.made.violation.or(Some(violation));
    }

    fn end(mut self, out: &mut Vec<Move>) {
        self.made.to = self.made.to.settled(&self.machine.design);
        let place = self.made.to.row.place;
        match place {
            Place::Completed => self.made.sights.add(Sight::Completed),
            Place::Failed => self.made.sights.add(Sight::Failed),
            Place::Running(_) | Place::Compensating(_) => {}
        }
        out.push(self.made);
    }

    /// Is done with the claim; what is under way stays under way.
    fn leave(&mut self) {
        let me = self.me();
        if me.copy || me.request {
            me.phase = Phase::Gone;
        } else {
            *me = Worker::IDLE;
        }
    }

    /// The database gets a statement. Whether it writes anything.
    fn arrives(&mut self, statement: Statement) -> bool {
        match statement {
            Statement::Commit(outcome) => self.commits(outcome),
            Statement::HandBack => self.hands_back(),
        }
    }

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
        for worker in world.workers.iter_mut().filter(|worker| worker.next == Next::Open) {
            worker.next = Next::Theirs;
        }
        self.me().next = Next::Ours;
        true
    }

    /// Checks the event that a commit is about to write.
    fn judges(&mut self, event: EventKind, step: u8) {
        let (me, world) = (*self.me(), self.made.to);
        if me.epoch != world.row.epoch {
            self.violates(Violation::WrittenUnderAnOldClaim);
        }
        if me.epoch < world.journal.epoch {
            self.violates(Violation::EpochsInTheJournalDecrease);
        }
        if me.next != Next::Open {
            self.violates(Violation::TwoEventsOfOneSeq);
        }
        if me.epoch == world.journal.epoch {
            self.violates(Violation::TwoEventsUnderOneClaim);
        }
        if world.ended() {
            self.violates(Violation::EndedSagaChanged);
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
    fn concludes(&mut self, written: bool) {
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
    }

    /// The outside gets a request. Whether it lets it in.
    fn acts(&mut self) -> bool {
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
    fn is_refused(&mut self) -> bool {
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
        if resource.refusal_lasts && resource.tombstone {
            world.tombstones |= bit;
        }
        if resource.refusal_lasts && resource.fence {
            *fence = me.epoch;
        }
        true
    }
}
