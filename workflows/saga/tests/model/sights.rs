//! What an exploration must come across.

/// Something that an exploration must come across, or it explored too little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    Completed,
    Failed,
    RefusedFirst,
    RefusedSecond,
    RefusedThird,
    RefusedFourth,
    /// A step out of attempts, for which there was nothing to do but to undo it.
    OutOfAttempts,
    Expired,
    DoubtUndone,
    /// A step in doubt that had happened.
    StandingDoubtUndone,
    StuckThenUndone,
    TakenOver,
    FencedWriteDropped,
    LostReplyFoundCommitted,
    LostReplyFoundAbsent,
    /// A commit that arrived after its worker had crashed.
    WrittenByTheDead,
    HandedBack,
    HandBackDropped,
    /// A request that arrived outside after its worker had stopped waiting for it, and had no effect.
    LateRequestKeptOut,
}

/// A set of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sights(u32);

impl Sights {
    /// The sights that any design offers.
    pub(crate) const ANY: [Sight; 17] = [
        Sight::Completed,
        Sight::Failed,
        Sight::RefusedFirst,
        Sight::RefusedSecond,
        Sight::RefusedThird,
        Sight::RefusedFourth,
        Sight::OutOfAttempts,
        Sight::Expired,
        Sight::DoubtUndone,
        Sight::StuckThenUndone,
        Sight::TakenOver,
        Sight::FencedWriteDropped,
        Sight::LostReplyFoundCommitted,
        Sight::LostReplyFoundAbsent,
        Sight::WrittenByTheDead,
        Sight::HandedBack,
        Sight::HandBackDropped,
    ];
    /// Those that only effects outside offer.
    pub(crate) const OUTSIDE: [Sight; 2] = [Sight::StandingDoubtUndone, Sight::LateRequestKeptOut];

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
