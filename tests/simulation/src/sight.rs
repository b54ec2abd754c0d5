//! What a run has seen: a storm that never does its worst proves nothing.

use std::fmt;

macro_rules! sights {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
        /// Something that a run must see now and then, for it to count.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Sight { $($(#[$doc])* $name),+ }

        impl Sight {
            /// Every sight, in the order in which they are reported.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// As it is reported.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

sights! {
    /// A job ended with a commit.
    Committed = "committed",
    /// A commit claimed what follows, and its worker went on.
    WentOn = "went on",
    /// A job came to nothing, its fence being gone.
    Fenced = "fenced",
    /// A job was handed back, for it had too little time left.
    HandedBack = "handed back",
    /// A job was abandoned without an answer of the store.
    Abandoned = "abandoned",
    /// A claim was taken from a lease that had run out.
    TakenOver = "taken over",
    /// A process died.
    Died = "died",
    /// A process stood still, and went on.
    StoodStill = "stood still",
    /// All processes died, and the next one ended all leases.
    Restarted = "all restarted",
    /// A commit came after another worker had claimed the saga, and wrote nothing.
    ZombieRefused = "zombie write refused",
    /// A hint was lost.
    HintLost = "hint lost",
    /// A hint came twice.
    HintDoubled = "hint doubled",
    /// What a lost hint was about was claimed all the same.
    FoundWithoutHint = "found without its hint",
    /// A job was run twice.
    JobDoubled = "job run twice",
    /// The reply to a commit was lost, and the journal said that it was written.
    FoundWritten = "ambiguous commit found written",
    /// The reply to a commit was lost, and sending it again wrote it.
    FoundAbsent = "ambiguous commit found absent",
    /// A commit arrived when its sender had long been told that it was lost.
    Straggled = "write arrived late",
    /// A step panicked.
    Panicked = "step panicked",
    /// A step hung.
    Hung = "step hung",
    /// A step did its work, and its result was lost.
    LostResult = "result lost",
    /// A step was refused.
    Refused = "refused",
    /// A step ran out of attempts, or of time.
    GaveUp = "gave up",
    /// A step in doubt was undone.
    UndoneInDoubt = "undone in doubt",
    /// The first step was undone.
    UndoneUser = "undone create_user",
    /// The second step was undone.
    UndoneOrganization = "undone create_organization",
    /// The third step was undone.
    UndoneProfile = "undone create_profile",
    /// The last step was undone.
    UndoneClaims = "undone update_claims",
    /// A saga was marked stuck.
    Stuck = "stuck",
    /// A saga that had been stuck went on.
    Healed = "stuck and healed",
    /// A saga failed because nobody had started it in time.
    Expired = "expired",
    /// A sealed password was wiped for its age.
    Wiped = "secret wiped for its age",
    /// An idempotency key was forgotten for its age.
    KeyForgotten = "key forgotten",
    /// The same request found the same saga.
    Replayed = "replayed",
    /// The same key with another body was refused.
    OtherBody = "other body",
    /// A sign-up was not accepted, another for the e-mail being under way.
    InProgress = "in progress",
    /// A sign-up was not accepted, the e-mail being taken.
    TakenAtOnce = "taken at once",
    /// A sign-up was accepted as a decoy, its e-mail being taken or another for it being under way.
    Decoyed = "accepted as a decoy",
    /// A decoy came to its end like any other.
    DecoyCompleted = "decoy completed",
    /// A decoy went back.
    DecoyFailed = "decoy failed",
    /// An accepted sign-up lost its e-mail to somebody else.
    TakenLater = "e-mail lost in a race",
    /// An operator had a step tried again.
    Retried = "operator retried",
    /// An operator had a sign-up rolled back.
    RolledBack = "operator rolled back",
    /// An operator declared a sign-up over.
    Resolved = "operator resolved",
    /// An action made no sense for what the operator saw.
    ActionImpossible = "action impossible",
    /// A sign-up had moved on since the operator saw it, and their click wrote nothing.
    StaleClick = "stale click refused",
    /// The same click came again, and wrote nothing.
    ClickDoubled = "click twice, written once",
    /// The reply to a click was lost, and the journal said that it was written.
    ClickFoundWritten = "ambiguous click found written",
    /// A sign-up was not declared over, for something of it was left.
    ResolveRefused = "resolve refused for what is left",
    /// A worker came back from a sign-up on which an operator had acted meanwhile, and wrote nothing.
    FencedByOperator = "worker fenced by an operator",
    /// An operator retried a stuck sign-up, and it went on to its end.
    RetriedToItsEnd = "stuck, retried, ended",
    /// The database's clock jumped.
    ClockJumped = "clock jumped",
    /// A sign-up completed.
    Completed = "completed",
    /// A sign-up failed.
    Failed = "failed",
    /// Somebody whose sign-up had failed signed up again.
    SignedUpAgain = "signed up again",
}

/// How often each sight was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sights(Vec<u64>);

impl Default for Sights {
    fn default() -> Self {
        Self(vec![0; Sight::ALL.len()])
    }
}

impl Sights {
    /// Sees it once more.
    pub(crate) fn see(&mut self, sight: Sight) {
        if let Some(count) = self.0.get_mut(sight as usize) {
            *count += 1;
        }
    }

    /// Adds what another run has seen.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(&other.0) {
            *count += more;
        }
    }

    /// How often it was seen.
    pub fn of(&self, sight: Sight) -> u64 {
        self.0.get(sight as usize).copied().unwrap_or_default()
    }

    /// What was never seen.
    pub fn missing(&self) -> Vec<Sight> {
        Sight::ALL.iter().copied().filter(|sight| self.of(*sight) == 0).collect()
    }
}

impl fmt::Display for Sights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Sight::ALL.iter().try_for_each(|sight| writeln!(f, "{:>12}  {}", self.of(*sight), sight.text()))
    }
}
