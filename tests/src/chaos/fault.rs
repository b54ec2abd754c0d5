//! What goes wrong.

use std::fmt;

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub kind: Kind,
    /// To whom.
    pub target: Target,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `kill -9`, and another start after a while.
    KillWorker,
    /// The same.
    KillApi,
    /// SIGSTOP past its lease, then SIGCONT.
    StopWorker,
    /// SIGTERM, and another start when it has ended.
    RestartWorker,
    /// The same.
    RestartApi,
    /// An API, which makes ids by its clock, is killed, and started with one that is an hour ahead.
    FastClock,
    /// The same, an hour behind.
    SlowClock,
    /// The database's postmaster is killed, and started after a while.
    KillDatabase,
    /// All its processes stand still for a while.
    PauseDatabase,
    /// All its connections are terminated.
    TerminateBackends,
    /// All connections to the database are reset.
    ResetDatabase,
    /// What is said to the database, and what it says, comes late.
    DelayDatabase,
    /// It is lost, and nobody hears of that.
    LoseDatabase,
    /// The database seems to have said its last word.
    HalfCloseDatabase,
    /// The replies to commits are lost, now and then.
    SwallowReplies,
    /// Connections are cut before a commit arrives, now and then.
    CutCommits,
    /// Redis is killed, and comes back empty.
    KillRedis,
    /// Redis forgets everything.
    FlushRedis,
    /// Redis answers nobody for a while.
    PauseRedis,
    /// All connections to Redis are reset.
    ResetRedis,
    /// What is said to Redis is lost, and nobody hears of that.
    LoseRedis,
    /// Hints ten times over, for whatever step, and some that make no sense.
    FloodHints,
    /// An operator retries what is under way, or rolls it back.
    Operate,
}

/// To whom it happens. Nothing else happens to it meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The worker of this number.
    Worker(usize),
    /// The API of this number.
    Api(usize),
    /// The database's server.
    Database,
    /// The way to it.
    ToDatabase,
    /// The Redis server.
    Redis,
    /// The way to it.
    ToRedis,
    /// What lies in it.
    Hints,
    /// Sign-ups under way.
    SignUps,
}

/// Workers in a run.
pub(super) const WORKERS: usize = 3;
/// APIs in a run.
pub(super) const APIS: usize = 2;

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 23] = [
        Self::KillWorker,
        Self::KillApi,
        Self::StopWorker,
        Self::RestartWorker,
        Self::RestartApi,
        Self::FastClock,
        Self::SlowClock,
        Self::KillDatabase,
        Self::PauseDatabase,
        Self::TerminateBackends,
        Self::ResetDatabase,
        Self::DelayDatabase,
        Self::LoseDatabase,
        Self::HalfCloseDatabase,
        Self::SwallowReplies,
        Self::CutCommits,
        Self::KillRedis,
        Self::FlushRedis,
        Self::PauseRedis,
        Self::ResetRedis,
        Self::LoseRedis,
        Self::FloodHints,
        Self::Operate,
    ];

    /// In a word or two.
    pub fn text(self) -> &'static str {
        match self {
            Self::KillWorker => "kill a worker",
            Self::KillApi => "kill an API",
            Self::StopWorker => "stop a worker past its lease",
            Self::RestartWorker => "restart a worker",
            Self::RestartApi => "restart an API",
            Self::FastClock => "an API's clock is an hour ahead",
            Self::SlowClock => "an API's clock is an hour behind",
            Self::KillDatabase => "kill the database",
            Self::PauseDatabase => "pause the database",
            Self::TerminateBackends => "terminate all backends",
            Self::ResetDatabase => "reset connections to the database",
            Self::DelayDatabase => "a slow way to the database",
            Self::LoseDatabase => "a black hole before the database",
            Self::HalfCloseDatabase => "half-close connections to the database",
            Self::SwallowReplies => "swallow commits' replies",
            Self::CutCommits => "cut before commits",
            Self::KillRedis => "kill Redis",
            Self::FlushRedis => "flush Redis",
            Self::PauseRedis => "pause Redis",
            Self::ResetRedis => "reset connections to Redis",
            Self::LoseRedis => "a black hole before Redis",
            Self::FloodHints => "flood Redis with hints",
            Self::Operate => "an operator acts",
        }
    }

    /// To whom it may happen.
    pub(super) fn targets(self) -> Vec<Target> {
        match self {
            Self::KillWorker | Self::StopWorker | Self::RestartWorker => (0..WORKERS).map(Target::Worker).collect(),
            Self::KillApi | Self::RestartApi | Self::FastClock | Self::SlowClock => {
                (0..APIS).map(Target::Api).collect()
            }
            Self::KillDatabase | Self::PauseDatabase | Self::TerminateBackends => vec![Target::Database],
            Self::ResetDatabase
            | Self::DelayDatabase
            | Self::LoseDatabase
            | Self::HalfCloseDatabase
            | Self::SwallowReplies
            | Self::CutCommits => vec![Target::ToDatabase],
            Self::KillRedis | Self::FlushRedis | Self::PauseRedis => vec![Target::Redis],
            Self::ResetRedis | Self::LoseRedis => vec![Target::ToRedis],
            Self::FloodHints => vec![Target::Hints],
            Self::Operate => vec![Target::SignUps],
        }
    }

    /// How long it lasts, in milliseconds: at least, and at most.
    pub(super) fn lasts(self) -> (u64, u64) {
        match self {
            Self::KillWorker | Self::KillApi | Self::KillRedis => (500, 5_000),
            // A lease lasts 4 s at the run's pace.
            Self::StopWorker => (5_000, 8_000),
            Self::KillDatabase => (500, 4_000),
            Self::PauseDatabase | Self::PauseRedis => (300, 4_000),
            Self::DelayDatabase | Self::LoseRedis => (1_000, 6_000),
            Self::LoseDatabase => (1_000, 5_000),
            Self::SwallowReplies | Self::CutCommits => (2_000, 6_000),
            Self::RestartWorker
            | Self::RestartApi
            | Self::FastClock
            | Self::SlowClock
            | Self::TerminateBackends
            | Self::ResetDatabase
            | Self::HalfCloseDatabase
            | Self::FlushRedis
            | Self::ResetRedis
            | Self::FloodHints
            | Self::Operate => (0, 500),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.target {
            Target::Worker(number) => write!(f, "{} (worker {number})", self.kind.text()),
            Target::Api(number) => write!(f, "{} (API {number})", self.kind.text()),
            Target::Database
            | Target::ToDatabase
            | Target::Redis
            | Target::ToRedis
            | Target::Hints
            | Target::SignUps => f.write_str(self.kind.text()),
        }
    }
}
