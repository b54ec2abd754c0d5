//! Where a saga is.

use std::borrow::Cow;
use std::fmt;

/// The state of a saga.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum State {
    /// There is work to do.
    Active(Active),
    /// Over; an ended saga never changes.
    Ended(End),
}

/// A state with work to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Active {
    /// Going forward: this step is to be executed.
    Running(StepName),
    /// Going back: this step is to be compensated, because of this code.
    Compensating(StepName, Code),
}

/// How a saga ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum End {
    /// Every step's effect stands.
    Completed,
    /// No step's effect stands.
    Failed(Code),
}

/// The direction in which a saga goes through its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Execute steps, first to last.
    Forward,
    /// Compensate steps, last to first.
    Backward,
}

impl Active {
    /// The step to execute or to compensate.
    pub fn step(&self) -> &StepName {
        match self {
            Self::Running(step) | Self::Compensating(step, _) => step,
        }
    }

    /// Whether the step is to be executed or compensated.
    pub fn direction(&self) -> Direction {
        match self {
            Self::Running(_) => Direction::Forward,
            Self::Compensating(..) => Direction::Backward,
        }
    }
}

impl State {
    /// The step at hand, if there is work to do.
    pub fn step(&self) -> Option<&StepName> {
        match self {
            Self::Active(active) => Some(active.step()),
            Self::Ended(_) => None,
        }
    }

    /// Why the saga fails or failed.
    pub fn code(&self) -> Option<&Code> {
        match self {
            Self::Active(Active::Running(_)) | Self::Ended(End::Completed) => None,
            Self::Active(Active::Compensating(_, code)) | Self::Ended(End::Failed(code)) => Some(code),
        }
    }

    /// The stored word for the state, the step and code aside.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Active(Active::Running(_)) => "running",
            Self::Active(Active::Compensating(..)) => "compensating",
            Self::Ended(End::Completed) => "completed",
            Self::Ended(End::Failed(_)) => "failed",
        }
    }

    /// The state behind its stored word, step and code; `None` where they do not fit together.
    pub fn parse(word: &str, step: Option<String>, code: Option<String>) -> Option<Self> {
        match (word, step, code) {
            ("running", Some(step), None) => Some(Self::Active(Active::Running(step.into()))),
            ("compensating", Some(step), Some(code)) => {
                Some(Self::Active(Active::Compensating(step.into(), code.into())))
            }
            ("completed", None, None) => Some(Self::Ended(End::Completed)),
            ("failed", None, Some(code)) => Some(Self::Ended(End::Failed(code.into()))),
            _ => None,
        }
    }
}

macro_rules! word {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            /// A word known when the program was written.
            pub const fn new(word: &'static str) -> Self {
                Self(Cow::Borrowed(word))
            }

            /// The word as it is stored and shown.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                Self(Cow::Owned(word))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

word! {
    /// The name of a step, as stored: `create_user`.
    StepName
}

word! {
    /// Why a saga fails, as stored and shown: `email_taken`.
    Code
}

impl Code {
    /// A step was out of attempts.
    pub const STEP_FAILED: Self = Self::new("step_failed");
    /// The saga did not get past its first step in time.
    pub const EXPIRED: Self = Self::new("expired");
    /// An operator rolled the saga back.
    pub const ROLLED_BACK: Self = Self::new("rolled_back");
    /// An operator declared the saga over.
    pub const RESOLVED: Self = Self::new("resolved");
}
