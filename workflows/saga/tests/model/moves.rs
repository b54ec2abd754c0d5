//! What can happen next: every move of every worker, of the network and of time.

use std::cell::Cell;

use saga::Action;

use crate::design::{Design, Effects, Refusals};
use crate::plans::{Outcome, PAST_ATTEMPTS, Place, Plans};
use crate::turn::{Sight, Turn};
use crate::world::{Phase, Statement, Violation, Worker, World};

/// One move, and where it leads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Move {
    pub(crate) name: Name,
    /// The worker that makes it, as it was before; any, if it is time's.
    pub(crate) by: Worker,
    /// Whether nothing goes wrong in it. An end can be reached by such moves alone.
    pub(crate) well: bool,
    pub(crate) to: World,
    pub(crate) violation: Option<Violation>,
}

/// For the eyes of whoever reads a trace.
#[derive(Debug, Clone, Copy)]
#[expect(dead_code, reason = "they are only printed")]
pub(crate) enum Name {
    LeaseRunsOut,
    OperatorActs(Action),
    Claims,
    Crashes,
    HandsBack,
    HandsBackTwice,
    HandBackIsUnderWay,
    Commits(Outcome),
    CommitsUnanswered(Outcome),
    CommitsAndHolds(Outcome),
    CommitsAndHoldsUnanswered(Outcome),
    CommitIsLost(Outcome),
    CommitIsUnderWay(Outcome),
    CommitArrives(Outcome),
    CommitArrivesAndHolds(Outcome),
    HandBackArrives,
    CopyIsLost,
    RequestArrives,
    RequestIsLost,
}

/// A design at work.
pub(crate) struct Machine {
    pub(crate) design: Design,
    pub(crate) plans: Plans,
    /// A bit for each [`Sight`].
    seen: Cell<u32>,
}

impl Machine {
    pub(crate) fn new(design: Design) -> Self {
        Self { design, plans: Plans::of(design.planner), seen: Cell::new(0) }
    }

    pub(crate) fn sees(&self, sight: Sight) {
        self.seen.set(self.seen.get() | 1 << sight as u32);
    }

    pub(crate) fn has_seen(&self, sight: Sight) -> bool {
        self.seen.get() & 1 << sight as u32 != 0
    }

    /// Every move from here.
    pub(crate) fn moves(&self, from: &World, out: &mut Vec<Move>) {
        if from.row.leased && self.design.leases_run_out {
            let mut turn = self.turn(from, 0);
            turn.made.to.row.leased = false;
            turn.end_well(Name::LeaseRunsOut, out);
        }
        for action in Action::ALL {
            let mut turn = self.turn(from, 0);
            if turn.is_acted_on(action) {
                turn.end(Name::OperatorActs(action), out);
            }
        }
        for who in 0..self.design.workers {
            // Workers are sorted: equal ones are neighbours, and have the same moves.
            if who == 0 || from.workers[who] != from.workers[who - 1] {
                let turn = self.turn(from, who);
                self.in_flight(turn, out);
                self.work(turn, out);
            }
        }
    }

    fn turn(&self, from: &World, who: usize) -> Turn<'_> {
        let made = Move { name: Name::Crashes, by: from.workers[who], well: false, to: *from, violation: None };
        Turn { machine: self, who, made }
    }

    /// What is under way arrives, or is lost.
    fn in_flight(&self, turn: Turn<'_>, out: &mut Vec<Move>) {
        let worker = turn.made.by;
        if let Some(statement) = worker.copy {
            let mut turn = turn;
            turn.me().copy = None;
            turn.end(Name::CopyIsLost, out);
            match statement {
                Statement::HandBack => {
                    turn.hands_back();
                    turn.end_well(Name::HandBackArrives, out);
                }
                Statement::Commit(outcome) => {
                    for taken_as in self.taken_as(outcome) {
                        let mut turn = turn;
                        let written = turn.commits(taken_as);
                        if written && worker.phase == Phase::Gone {
                            self.sees(Sight::WrittenByTheDead);
                        }
                        turn.made.well = taken_as == outcome;
                        if written && taken_as == outcome {
                            turn.holds().into_iter().for_each(|turn| {
                                turn.end(Name::CommitArrivesAndHolds(taken_as), out);
                            });
                        }
                        turn.end(Name::CommitArrives(taken_as), out);
                    }
                }
            }
        }
        if worker.request {
            let mut turn = turn;
            turn.me().request = false;
            turn.end(Name::RequestIsLost, out);
            if !turn.acts() {
                self.sees(Sight::LateRequestKeptOut);
            }
            turn.end_well(Name::RequestArrives, out);
        }
    }

    /// What the worker itself does.
    fn work(&self, turn: Turn<'_>, out: &mut Vec<Move>) {
        match turn.made.by.phase {
            Phase::Idle => return self.claim(turn, out),
            Phase::Gone => return,
            Phase::Claimed => {
                Self::hand_back(turn, out);
                self.attempt(turn, out);
            }
            Phase::InDoubt(outcome) => self.commit(turn, outcome, true, out),
        }
        let mut turn = turn;
        turn.me().phase = Phase::Gone;
        turn.end(Name::Crashes, out);
    }

    /// Claims the saga, if nobody holds it.
    fn claim(&self, mut turn: Turn<'_>, out: &mut Vec<Move>) {
        if turn.made.to.ended() || turn.made.to.row.leased {
            return;
        }
        let World { row, workers, .. } = &mut turn.made.to;
        if workers.iter().any(|other| other.phase != Phase::Idle && other.epoch == row.epoch) {
            self.sees(Sight::TakenOver);
        }
        row.epoch += 1;
        row.attempt = PAST_ATTEMPTS.min(row.attempt + 1);
        row.leased = true;
        let (epoch, place, number) = (row.epoch, row.place, row.attempt);
        *turn.me() = Worker { phase: Phase::Claimed, epoch, place, number, ..Worker::IDLE };
        turn.end_well(Name::Claims, out);
    }

    /// Gives the claim back unused.
    fn hand_back(turn: Turn<'_>, out: &mut Vec<Move>) {
        for (name, arrives, copy) in [
            (Name::HandsBack, true, None),
            (Name::HandsBackTwice, true, Some(Statement::HandBack)),
            (Name::HandBackIsUnderWay, false, Some(Statement::HandBack)),
        ] {
            let mut turn = turn;
            turn.me().copy = copy;
            turn.me().phase = Phase::Gone;
            if arrives {
                turn.hands_back();
            }
            turn.end(name, out);
        }
    }

    /// Executes or compensates the step, if the engine lets it.
    fn attempt(&self, turn: Turn<'_>, out: &mut Vec<Move>) {
        let worker = turn.made.by;
        let [good, bad] = worker.place.outcomes();
        if worker.place == Place::Running(0) {
            self.commit(turn, Outcome::Expired, false, out);
        }
        if worker.is_past_attempts() {
            return self.commit(turn, Outcome::Unknown, true, out);
        }
        let Effects::Outside(resource) = self.design.effects else {
            self.commit(turn, good, true, out);
            self.commit(turn, bad, false, out);
            if worker.place.forward() {
                self.commit(turn, Outcome::Refused, false, out);
            }
            return;
        };
        let (mut asked, mut late) = (turn, turn);
        if asked.acts() {
            late.me().request = true;
            self.commit(asked, good, true, out);
            self.commit(asked, bad, false, out);
            self.commit(late, bad, false, out);
            self.commit(turn, bad, false, out);
        } else {
            self.commit(turn, bad, true, out);
        }
        let stands = worker.place.step().is_some_and(|step| turn.made.to.effects & 1 << step != 0);
        let refuses =
            resource.refuses == Refusals::Anywhere || resource.refuses == Refusals::WhereNothingStands && !stands;
        if refuses && worker.place.forward() {
            self.commit(turn, Outcome::Refused, false, out);
        }
    }

    /// Sends a commit, for the first time or again.
    fn commit(&self, turn: Turn<'_>, outcome: Outcome, well: bool, out: &mut Vec<Move>) {
        let mut doubting = turn;
        doubting.me().phase = Phase::InDoubt(outcome);
        for taken_as in self.taken_as(outcome) {
            let (mut answered, mut unanswered) = (turn, doubting);
            let written = answered.commits(taken_as);
            answered.concludes(written);
            answered.made.well = well && taken_as == outcome;
            // A refusal holds nothing.
            if written && taken_as == outcome {
                answered.holds().into_iter().for_each(|turn| turn.end(Name::CommitsAndHolds(taken_as), out));
            }
            answered.end(Name::Commits(taken_as), out);
            if unanswered.commits(taken_as) {
                if taken_as == outcome {
                    let held = unanswered.holds().into_iter();
                    held.for_each(|turn| turn.end(Name::CommitsAndHoldsUnanswered(taken_as), out));
                }
                unanswered.end(Name::CommitsUnanswered(taken_as), out);
            }
        }
        doubting.end(Name::CommitIsLost(outcome), out);
        doubting.me().copy = Some(Statement::Commit(outcome));
        doubting.end(Name::CommitIsUnderWay(outcome), out);
    }

    /// What the database may take an outcome for: its constraints may turn a record into a refusal.
    fn taken_as(&self, outcome: Outcome) -> impl Iterator<Item = Outcome> + use<> {
        let possible = match self.design.effects {
            Effects::Inside => true,
            Effects::Outside(resource) => resource.record_refused,
        };
        let refused = possible && outcome == Outcome::Done;
        [outcome, Outcome::Refused].into_iter().take(1 + usize::from(refused))
    }
}
