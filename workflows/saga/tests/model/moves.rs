//! What can happen next: every move of every worker, of the network and of time.

use crate::design::{Design, Effects, Outcome, PAST_ATTEMPTS, Place, Plans, Refusals};
use crate::sights::{Sight, Sights};
use crate::turn::Turn;
use crate::world::{Phase, Statement, Violation, Worker, World};

/// One move, and where it leads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Move {
    pub(crate) name: Name,
    /// The worker that makes it, as it was before; any, if it is time's.
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
    HandsBackHalfWay,
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

/// A design at work.
pub(crate) struct Machine {
    pub(crate) design: Design,
    pub(crate) plans: Plans,
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
                if written {
                    turn.written_late();
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
            Phase::Gone | Phase::Dismissed => return,
            Phase::Fresh => {
                self.hand_back(from, who, out);
                self.attempt(from, who, out);
            }
            Phase::Acted => {
                let [good, bad] = worker.place.outcomes();
                self.send(from, who, good, out);
                self.send_failure(from, who, bad, false, out);
            }
            Phase::Refused => self.send(from, who, Outcome::Refused, out),
            Phase::InDoubt => {
                let outcome = match worker.sent {
                    Some(Statement::Commit(outcome)) => outcome,
                    // It is fenced, so what it says is forgotten, see `sameness.rs`.
                    Some(Statement::HandBack) | None => Outcome::Unknown,
                };
                self.send(from, who, outcome, out);
            }
        }
        let asks = worker.asks() && self.design.effects != Effects::Inside;
        if asks || worker.phase != Phase::Fresh {
            self.hand_back_half_way(from, who, asks, out);
        }
        let mut turn = self.turn(from, who, Name::Crashes);
        turn.leave();
        turn.made.fault = true;
        turn.end(out);
    }

    /// Claims the saga, if nobody holds it.
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

    /// Gives the claim back unused.
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

    /// Stops in the middle of the step or of its commit; what it has sent is still under way.
    fn hand_back_half_way(&self, from: &World, who: usize, request: bool, out: &mut Vec<Move>) {
        let mut turn = self.turn(from, who, Name::HandsBackHalfWay);
        turn.me().request |= request;
        turn.arrives(Statement::HandBack);
        turn.leave();
        turn.made.fault = true;
        turn.end(out);
    }

    /// Executes or compensates the step, if the engine lets it.
    fn attempt(&self, from: &World, who: usize, out: &mut Vec<Move>) {
        let worker = from.workers[who];
        if worker.place == Place::Running(0) {
            self.send_failure(from, who, Outcome::Expired, false, out);
        }
        if worker.is_past_attempts() {
            return self.send(from, who, Outcome::Unknown, out);
        }
        let [good, bad] = worker.place.outcomes();
        if self.design.effects == Effects::Inside {
            self.send(from, who, good, out);
            self.send_failure(from, who, bad, false, out);
            if worker.place.forward() {
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

    /// Whether the database's constraints may turn this statement into a refusal.
    fn can_refuse(&self, statement: Statement) -> bool {
        let possible = match self.design.effects {
            Effects::Inside => true,
            Effects::Outside(resource) => resource.refusals == Refusals::ComeAfterTheEffectToo,
        };
        possible && statement == Statement::Commit(Outcome::Done)
    }

    /// Sends the commit of an attempt that went well, or the only one there is.
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

    /// Sends a commit, which the database may take for another outcome.
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

    /// Begins a move.
    fn turn(&self, from: &World, who: usize, name: Name) -> Turn<'_> {
        let sights = Sights::default();
        let made = Move { name, by: from.workers[who], fault: false, to: *from, sights, violation: None };
        Turn { machine: self, who, made }
    }
}
