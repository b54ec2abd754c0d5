//! What is run.

use std::fmt;

use saga::testing::crash::{Act, Moment, Point};

/// The sign-up's steps, in order.
pub(super) const STEPS: [&str; 4] = ["create_user", "create_organization", "create_profile", "update_claims"];

/// How a sign-up ends that meets no fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It completes.
    Completes,
    /// The step with this number, from 1, is refused, and what stands is undone.
    RefusedAt(usize),
}

/// What a process meets at a crash point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blow {
    /// `kill -9`. Another process goes on.
    Kill,
    /// It is stopped until another has taken the saga over and ended it, and then goes on where it was.
    Stop,
    /// Its connections are reset, and an answer that it was about to read is lost with them.
    Cut,
    /// The server ends its connections, and what they were about to write.
    Terminate,
}

/// A point, a way, and a blow; for a crash during recovery, the point at which the next process is killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Where.
    pub point: Point,
    /// On which way.
    pub outcome: Outcome,
    /// What happens.
    pub blow: Blow,
    /// Where it happens again, to whoever goes on.
    pub again: Option<Point>,
}

impl Outcome {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::Completes, Self::RefusedAt(1), Self::RefusedAt(2), Self::RefusedAt(3), Self::RefusedAt(4)];

    /// The name of somebody whose sign-up goes this way.
    pub(super) fn full_name(self) -> String {
        match self {
            Self::Completes => "Ada Lovelace".to_owned(),
            Self::RefusedAt(step) => format!("sabotage {}:refuse", STEPS[step - 1]),
        }
    }

    /// The status and the code that it ends with.
    pub(super) fn end(self) -> (&'static str, &'static str) {
        match self {
            Self::Completes => ("completed", ""),
            Self::RefusedAt(_) => ("failed", "sabotaged"),
        }
    }

    /// What is committed on the way, in order. A refused step is undone too.
    pub(super) fn path(self) -> Vec<Act> {
        let (forward, back) = match self {
            Self::Completes => (STEPS.len(), 0),
            Self::RefusedAt(step) => (step, step),
        };
        let forward = STEPS[..forward].iter().map(|step| Act::Do((*step).to_owned()));
        forward.chain(STEPS[..back].iter().rev().map(|step| Act::Undo((*step).to_owned()))).collect()
    }
}

impl Blow {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Kill, Self::Stop, Self::Cut, Self::Terminate];

    /// Whether somebody else has to go on.
    pub(super) fn is_of_the_process(self) -> bool {
        match self {
            Self::Kill | Self::Stop => true,
            Self::Cut | Self::Terminate => false,
        }
    }
}

impl Schedule {
    /// Every point × outcome × blow. Where the sign-up does not come to the point no fault is met: once is enough.
    pub fn all() -> Vec<Self> {
        let points = Act::all(&STEPS).into_iter().flat_map(|act| Moment::ALL.map(|moment| (act.clone(), moment)));
        let each = points.flat_map(|(act, moment)| Outcome::ALL.map(|outcome| (act.clone(), moment, outcome)));
        let each = each.flat_map(|(act, moment, outcome)| {
            let point = Point { act, moment };
            Blow::ALL.map(|blow| Self { point: point.clone(), outcome, blow, again: None })
        });
        each.filter(|schedule| schedule.is_reachable() || schedule.blow == Blow::ALL[0]).collect()
    }

    /// Every pair of points on every way: a process is killed at the first, and whoever goes on at the second.
    pub fn pairs() -> Vec<Self> {
        let mut pairs = Vec::new();
        for outcome in Outcome::ALL {
            let path = outcome.path();
            let claims = Moment::ALL.map(|moment| Point { act: Act::Claim, moment });
            for (index, act) in path.iter().enumerate() {
                for moment in Moment::ALL {
                    let point = Point { act: act.clone(), moment };
                    // What is not written is done again; what is written is not.
                    let left = &path[if moment == Moment::Before { index } else { index + 1 }..];
                    let later =
                        left.iter().flat_map(|act| Moment::ALL.map(|moment| Point { act: act.clone(), moment }));
                    let claims = claims.iter().filter(|_| !left.is_empty()).cloned();
                    for again in claims.chain(later) {
                        pairs.push(Self { point: point.clone(), outcome, blow: Blow::Kill, again: Some(again) });
                    }
                }
            }
        }
        pairs
    }

    /// Whether a sign-up that goes this way comes to the point.
    pub fn is_reachable(&self) -> bool {
        match &self.point.act {
            act @ (Act::Do(_) | Act::Undo(_)) => self.outcome.path().contains(act),
            Act::Accept | Act::Claim | Act::Operate | Act::Hint | Act::Acknowledge => true,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Completes => f.write_str("completes"),
            Self::RefusedAt(step) => write!(f, "refused at step {step}"),
        }
    }
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "killed",
            Self::Stop => "stopped past its lease",
            Self::Cut => "connections cut, the answer lost",
            Self::Terminate => "connections ended by the server",
        })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.point, self.outcome, self.blow)?;
        self.again.as_ref().map_or(Ok(()), |again| write!(f, "; the next one killed at {again}"))
    }
}
