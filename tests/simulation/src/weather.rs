//! What goes wrong, and how often: for each seed its own. A history in which one thing goes wrong all the time is as
//! telling as one in which everything does now and then (Groce and others, *Swarm Testing*, 2012).

use saga::testing::Fault;
use saga::{Code, Random};

use crate::chance::Chance;

/// What becomes of a call of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is carried out and answered, within milliseconds.
    Answered,
    /// There is no connection.
    Away,
    /// The connection breaks before it arrives.
    NeverArrived,
    /// It is carried out, and the connection breaks before the answer, which looks the same.
    ReplyLost,
    /// The connection breaks while it is on its way, and it arrives all the same.
    Straggles,
    /// It is carried out, and never answered.
    Unanswered,
    /// It arrives late.
    Late,
    /// It is carried out, and answered late.
    AnsweredLate,
    /// It arrives twice.
    Twice,
    /// The process stands still before it is sent.
    StillBefore,
    /// The process stands still after it was carried out.
    StillAfter,
    /// The process dies before it is sent.
    DiesBefore,
    /// The process dies after it was carried out.
    DiesAfter,
}

/// Every fate but the good one, and how rare it is where it is to be had: once in so many calls.
const FATES: [(Fate, usize); 12] = [
    (Fate::Away, 12),
    (Fate::NeverArrived, 16),
    (Fate::ReplyLost, 12),
    (Fate::Straggles, 16),
    (Fate::Unanswered, 24),
    (Fate::Late, 16),
    (Fate::AnsweredLate, 20),
    (Fate::Twice, 12),
    (Fate::StillBefore, 20),
    (Fate::StillAfter, 24),
    (Fate::DiesBefore, 32),
    (Fate::DiesAfter, 24),
];

/// The code of every refusal that is made.
const CODE: Code = Code::new("sabotaged");

const FAULTS: [(Fault, usize); 5] =
    [(Fault::Refuse(CODE), 24), (Fault::Fail, 8), (Fault::Lose, 8), (Fault::Panic, 12), (Fault::Hang, 20)];

/// What goes wrong in one history.
#[derive(Debug)]
pub(crate) struct Weather {
    fates: Vec<(Fate, usize)>,
    faults: Vec<(Fault, usize)>,
    /// One in so many steps of a saga goes wrong each time.
    pub(crate) curses: usize,
    /// One in so many hints is lost.
    pub(crate) lost_hints: usize,
    /// One in so many hints comes twice.
    pub(crate) doubled_hints: usize,
    /// Operators take one in so many of their turns.
    pub(crate) operators: usize,
    /// One in so many waits is longer than a sign-up may wait for its start.
    pub(crate) long_waits: usize,
    /// How much of the time passes in long pieces: from none of it, at 0.8, to most of it, at 1.
    pub(crate) pace: f64,
    /// Whether the storm is over.
    pub(crate) calm: bool,
}

impl Weather {
    /// Nothing goes wrong.
    pub(crate) fn calm() -> Self {
        Self {
            fates: Vec::new(),
            faults: Vec::new(),
            curses: 0,
            lost_hints: 0,
            doubled_hints: 0,
            operators: 0,
            long_waits: 0,
            pace: 1.0,
            calm: true,
        }
    }

    pub(crate) fn of(chance: &Chance) -> Self {
        let rare = |often: usize| if chance.one_in(2) { 0 } else { often + chance.below(often * 4) };
        Self {
            fates: FATES.into_iter().map(|(fate, often)| (fate, rare(often))).collect(),
            faults: FAULTS.into_iter().map(|(fault, often)| (fault, rare(often))).collect(),
            curses: rare(6),
            lost_hints: rare(3),
            doubled_hints: rare(4),
            operators: rare(1),
            long_waits: rare(150),
            pace: 0.8 + 0.2 * chance.fraction(),
            calm: false,
        }
    }

    /// The fate of the next call.
    pub(crate) fn fate(&self, chance: &Chance) -> Fate {
        drawn(&self.fates, chance).unwrap_or(Fate::Answered)
    }

    /// What goes wrong with the next attempt.
    pub(crate) fn fault(&self, chance: &Chance) -> Option<Fault> {
        drawn(&self.faults, chance)
    }

    /// What goes wrong with every attempt of a step, if it is cursed.
    pub(crate) fn curse(&self, chance: &Chance) -> Option<Fault> {
        let cursed = chance.one_in(self.curses);
        let any = FAULTS.into_iter().nth(chance.below(FAULTS.len())).filter(|_| cursed);
        any.map(|(fault, _)| fault)
    }
}

/// One of these, each as often as it says.
fn drawn<T: Clone>(these: &[(T, usize)], chance: &Chance) -> Option<T> {
    let mut lot = chance.fraction();
    these.iter().filter(|(_, rare)| *rare > 0).find_map(|(one, rare)| {
        let rare = u32::try_from(*rare).unwrap_or(u32::MAX);
        lot -= 1.0 / f64::from(rare);
        (lot < 0.0).then(|| one.clone())
    })
}
