//! Crash points: the moments of a saga's life at which a test may halt a process, to kill it, to stop it, or to take its
//! connections away.
//!
//! A process halts at one of them, once, if its environment names it ([`POINT`]) and where to say so ([`SOCKET`]). What
//! then becomes of it is the test's affair: this only halts, says which point it has come to, and waits for a word.

mod armed;
mod listener;
mod sabotage;
mod store;

use std::fmt;
use std::str::FromStr;

pub use armed::{POINT, SOCKET, Word, came_back, goes_on, through};
pub use listener::Told;
pub use sabotage::Begun;
pub use store::Crashing;

/// Something that is written: to the database, or to Redis.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// A sign-up is accepted.
    Accept,
    /// A saga is claimed, by a claim that finds one.
    Claim,
    /// The outcome of executing this step is committed.
    Do(String),
    /// The outcome of compensating this step is committed.
    Undo(String),
    /// An operator acts.
    Operate,
    /// A hint is pushed.
    Hint,
    /// A hint is acknowledged.
    Acknowledge,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// Nothing has been sent.
    Before,
    /// It has been sent, and is not written yet.
    Sent,
    /// It is written, and whoever sent it does not know.
    Written,
    /// Whoever sent it knows, and has told all who are to hear of it.
    Answered,
}

/// A crash point.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point {
    /// What is written.
    pub act: Act,
    /// How far it has come.
    pub moment: Moment,
}

impl Act {
    /// Every one, for a saga of these steps.
    pub fn all(steps: &[&str]) -> Vec<Self> {
        let forward = steps.iter().map(|step| Self::Do((*step).to_owned()));
        let backward = steps.iter().rev().map(|step| Self::Undo((*step).to_owned()));
        let first = [Self::Accept, Self::Hint, Self::Claim, Self::Acknowledge];
        first.into_iter().chain(forward).chain(backward).chain([Self::Operate]).collect()
    }
}

impl Moment {
    /// Every one, in order.
    pub const ALL: [Self; 4] = [Self::Before, Self::Sent, Self::Written, Self::Answered];
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept => f.write_str("accept"),
            Self::Claim => f.write_str("claim"),
            Self::Do(step) => write!(f, "do {step}"),
            Self::Undo(step) => write!(f, "undo {step}"),
            Self::Operate => f.write_str("operate"),
            Self::Hint => f.write_str("hint"),
            Self::Acknowledge => f.write_str("acknowledge"),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "before",
            Self::Sent => "sent",
            Self::Written => "written",
            Self::Answered => "answered",
        })
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.act, self.moment)
    }
}

/// The text names no crash point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a crash point: expected something like `do create_user, sent`")]
pub struct UnknownPoint;

impl FromStr for Point {
    type Err = UnknownPoint;

    fn from_str(text: &str) -> Result<Self, UnknownPoint> {
        let (act, moment) = text.split_once(", ").ok_or(UnknownPoint)?;
        let act = match (act, act.split_once(' ')) {
            ("accept", None) => Act::Accept,
            ("claim", None) => Act::Claim,
            ("operate", None) => Act::Operate,
            ("hint", None) => Act::Hint,
            ("acknowledge", None) => Act::Acknowledge,
            (_, Some(("do", step))) => Act::Do(step.to_owned()),
            (_, Some(("undo", step))) => Act::Undo(step.to_owned()),
            _ => return Err(UnknownPoint),
        };
        let moment = Moment::ALL.into_iter().find(|known| known.to_string() == moment).ok_or(UnknownPoint)?;
        Ok(Self { act, moment })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_reads_back_from_its_text() {
        for act in Act::all(&["one", "other"]) {
            for moment in Moment::ALL {
                let point = Point { act: act.clone(), moment };
                assert_eq!(point.to_string().parse(), Ok(point));
            }
        }
        for text in ["", "do", "do one", "do, sent", "claim, later", "delete, sent"] {
            assert_eq!(text.parse::<Point>(), Err(UnknownPoint), "{text}");
        }
    }
}
