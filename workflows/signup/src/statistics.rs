//! What has been counted lately, over all processes: how many signed up, how it went, and how long it took.

mod summary;
mod took;

use std::time::Duration;

use async_trait::async_trait;
use saga::store::Error;

pub use self::summary::{Failure, OfClass, Stage, Summary};
pub use self::took::{Bucket, Percentiles};

/// For how long it is kept what was counted.
pub const KEPT: Duration = Duration::from_hours(8 * 24);

/// Keeps what processes have counted, minute by minute.
#[async_trait]
pub trait Statistics: Send + Sync + 'static {
    /// Adds what was counted since it was added last, to this minute of the database's clock; and forgets what is older
    /// than [`KEPT`].
    ///
    /// # Errors
    /// [`Error`], for this and every method below. In doubt it may have been added.
    async fn add(&self, counted: &[Counted]) -> Result<(), Error>;

    /// The sums of what was counted within this time up to now.
    async fn sums(&self, within: Duration) -> Result<Vec<Counted>, Error>;
}

/// So many of a kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    /// Of what.
    pub kind: Kind,
    /// What of that: an answer, an outcome, a step, a [`Bucket`].
    pub word: String,
    /// Of whom: who runs their mail. Empty where that is not told apart.
    pub class: String,
    /// How many.
    pub count: u64,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Sign-ups that were asked for, by their answer and class.
    Asked,
    /// How long it took to accept one, by [`Bucket`].
    Accepting,
    /// Steps done, by step.
    Done,
    /// Sagas that turned back, by step and code: `create_user email_taken`.
    TurnedBack,
    /// Sagas that ended, by outcome and class.
    Ended,
    /// How long completed ones took, by [`Bucket`].
    Completing,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Asked, Self::Accepting, Self::Done, Self::TurnedBack, Self::Ended, Self::Completing];

    /// The stored word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Accepting => "accepting",
            Self::Done => "done",
            Self::TurnedBack => "turned_back",
            Self::Ended => "ended",
            Self::Completing => "completing",
        }
    }

    /// The kind behind a stored word. A newer program may count what this one does not know.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}
