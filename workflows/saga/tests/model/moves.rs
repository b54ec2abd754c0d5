//! What can happen next: every move of every worker, of the network and of time.

use std::cell::Cell;

use crate::design::{Design, Effects};
use crate::plans::{Outcome, PAST_ATTEMPTS, Place, Plans};
use crate::turn::Turn;
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

#[derive(Debug, Clone, Copy)]
pub(crate) enum Name {
    LeaseRunsOut,
    Claims,
    Crashes,
    HandsBack,
    HandsBackTwice,
    HandBackIsUnderWay,
    /// As what the database takes it.
    Commits(Asked, Outcome, Delivery),
    CopyArrives(Statement),
    CopyIsLost,
    RequestArrives,
    RequestIsLost,
}

/// What became of the step's request to the outside.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked {
    Nothing,
    LetIn,
    KeptOut,
    Refused,
    UnderWay,
}

/// What becomes of a commit.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Delivery {
    Answered,
    AnswerLost,
    Lost,
    UnderWay,
}

/// Something that an exploration must come across, or it explored too little.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sight {
    TakenOver,
    FencedWriteDropped,
    LostReplyFoundCommitted,
    LostReplyFoundAbsent,
    /// A commit that arrived after its worker had crashed.
    WrittenByTheDead,
    HandedBack,
    HandBackDropped,
    /// A step in doubt that had happened.
    StandingDoubtUndone,
    /// A refusal that was written after the step had happened in another attempt, or in this one.
    RefusedThoughItStands,
    /// A request that arrived outside after its worker had stopped waiting for it, and had no effect.
    LateRequestKeptOut,
}

/// A design at work.
pub(crate) struct Machine {
    pub(crate) design: Design,
    pub(crate) plans: Plans,
    /// A bit for each [`Sight`].
    pub(crate) seen: Cell<u32>,
}

impl Machine {
    pub(crate) fn new(design: Design) -> Self {
        Self { design, plans: Plans::of(design.planner), seen: Cell::new(0) }
    }

    pub(crate) fn sees(&self, sight: Sight) {
        self.seen.set(self.seen.get() | 1 << sight as u32);
    }

    /// Every move from here.
    pub(crate) fn moves(&self, from: &World, out: &mut Vec<Move>) {
        if from.row.leased && self.design.leases_run_out {
            let mut turn = self.turn(from, 0);
            turn.made.to.row.leased = false;
            turn.end_well(Name::LeaseRunsOut, out);
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
            let mut lost = turn;
            lost.me().copy = None;
            for taken_as in self.taken_as(statement) {
                let mut turn = lost;
                if turn.arrives(taken_as) && worker.phase == Phase::Gone && statement != Statement::HandBack {
                    self.sees(Sight::WrittenByTheDead);
                }
                turn.made.well = taken_as == statement;
                turn.end(Name::CopyArrives(taken_as), out);
            }
            lost.end(Name::CopyIsLost, out);
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
            Phase::InDoubt(outcome) => self.commit(turn, Asked::Nothing, outcome, true, out),
        }
        let mut turn = turn;
        turn.me().phase = Phase::Gone;
        turn.end(Name::Crashes, out);
    }

    /// Claims the saga, if nobody holds it.
    fn claim(&self, mut turn: Turn<'_>, out: &mut Vec<Move>) {
        let World { row, workers, .. } = &mut turn.made.to;
        let Row { place, .. } = *row;
        if place.step().is_none() || row.leased {
            return;
        }
        if workers.iter().any(|other| other.phase != Phase::Idle && other.epoch == row.epoch) {
            self.sees(Sight::TakenOver);
        }
        row.epoch += 1;
        row.attempt = PAST_ATTEMPTS.min(row.attempt + 1);
        row.leased = true;
        let (epoch, number) = (row.epoch, row.attempt);
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
                turn.arrives(Statement::HandBack);
            }
            turn.end(name, out);
        }
    }

    /// Executes or compensates the step, if the engine lets it.
    fn attempt(&self, turn: Turn<'_>, out: &mut Vec<Move>) {
        let worker = turn.made.by;
        let [good, bad] = worker.place.outcomes();
        if worker.place == Place::Running(0) {
            self.commit(turn, Asked::Nothing, Outcome::Expired, false, out);
        }
        if worker.is_past_attempts() {
            return self.commit(turn, Asked::Nothing, Outcome::Unknown, true, out);
        }
        let Effects::Outside(resource) = self.design.effects else {
            self.commit(turn, Asked::Nothing, good, true, out);
            self.commit(turn, Asked::Nothing, bad, false, out);
            if worker.place.forward() {
                self.commit(turn, Asked::Nothing, Outcome::Refused, false, out);
            }
            return;
        };
        let (mut asked, mut late) = (turn, turn);
        if asked.acts() {
            late.me().request = true;
            self.commit(asked, Asked::LetIn, good, true, out);
            self.commit(asked, Asked::LetIn, bad, false, out);
            self.commit(late, Asked::UnderWay, bad, false, out);
            self.commit(turn, Asked::Nothing, bad, false, out);
        } else {
            self.commit(turn, Asked::KeptOut, bad, true, out);
        }
        // Where its effect stands, a request is not refused.
        let stands = worker.place.step().is_some_and(|step| turn.made.to.effects & 1 << step != 0);
        if resource.refuses && worker.place.forward() && !stands {
            self.commit(turn, Asked::Refused, Outcome::Refused, false, out);
        }
    }

    /// Sends a commit, for the first time or again.
    fn commit(&self, turn: Turn<'_>, asked: Asked, outcome: Outcome, well: bool, out: &mut Vec<Move>) {
        let statement = Statement::Commit(outcome);
        for taken_as in self.taken_as(statement) {
            let mut turn = turn;
            let written = turn.arrives(taken_as);
            ...
        }
    }
}
