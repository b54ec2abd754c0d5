//! What is explored: the design of the engine and of what surrounds it, and `plan` as a table.

use std::time::Duration;

use saga::plan::{Attempted, EventKind, Leg, Route, Verdict};
use saga::state::{Active, Code, End, State, StepName};
use saga::{Retry, Transition};

/// Steps of the saga.
pub(crate) const STEPS: u8 = 4;
/// Attempts of a step, and of an undo until it is stuck.
pub(crate) const ATTEMPTS: u8 = 2;
/// Past the attempts one number is like another: `plan` and the engine only ask whether there are any left.
pub(crate) const PAST_ATTEMPTS: u8 = ATTEMPTS + 1;

/// `saga::plan`, or a wrong one.
pub(crate) type Planner = fn(&Route, &Attempted) -> Transition;

/// One design. [`Design::INSIDE`] and [`Design::OUTSIDE`] are the right ones; a wrong one differs in one field.
#[derive(Clone, Copy)]
pub(crate) struct Design {
    pub(crate) workers: usize,
    pub(crate) effects: Effects,
    pub(crate) planner: Planner,
    /// What a commit is guarded by.
    pub(crate) commit: Guards,
    /// How a lost reply is settled.
    pub(crate) resend: Resend,
    /// Whether a hand-back asks for the lease to be still held.
    pub(crate) hand_back_needs_lease: bool,
    /// Whether a lease ends by itself.
    pub(crate) leases_run_out: bool,
    /// Whether states that differ only in what nothing to come depends on are taken for one.
    pub(crate) forgets: bool,
}

/// Where the steps' effects are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effects {
    /// In our own database: written by the commit.
    Inside,
    /// Somewhere else: done and undone by requests of their own, before the commit.
    Outside(Resource),
}

/// How something outside keeps out requests that come too late.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resource {
    /// It refuses requests of an epoch lower than the highest it has seen.
    pub(crate) fence: bool,
    /// It never does again what it was asked to undo, even where there was nothing to undo.
    pub(crate) tombstone: bool,
    pub(crate) refusals: Refusals,
}

/// What a refusal is worth.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusals {
    /// *It did not happen and will not*: a refusal shuts out other attempts, by fence and tombstone.
    Last,
    /// It is true of that one request alone.
    AreMomentary,
    /// It lasts; but then the database may refuse to record what has happened outside.
    ComeAfterTheEffectToo,
}

/// What of a claim must still be so for a statement to write anything.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Guards {
    /// Nobody has claimed since.
    pub(crate) epoch: bool,
    /// No event has been written since.
    pub(crate) seq: bool,
    /// The saga is where it was claimed, so it has not ended either.
    pub(crate) place: bool,
}

/// What a worker believes whose commit, sent again, finds the fence gone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resend {
    LooksInTheJournal,
    TakesItForFenced,
    TakesItForWritten,
}

impl Guards {
    pub(crate) const ALL: Self = Self { epoch: true, seq: true, place: true };
    pub(crate) const NONE: Self = Self { epoch: false, seq: false, place: false };
}

impl Design {
    /// Effects in our own database.
    pub(crate) const INSIDE: Self = Self {
        workers: 2,
        effects: Effects::Inside,
        planner: right,
        commit: Guards::ALL,
        resend: Resend::LooksInTheJournal,
        hand_back_needs_lease: true,
        leases_run_out: true,
        forgets: true,
    };
    /// Effects outside, behind a fence and tombstones.
    pub(crate) const OUTSIDE: Self = Self::INSIDE.behind(Resource::GUARDED);

    pub(crate) const fn behind(self, resource: Resource) -> Self {
        Self { effects: Effects::Outside(resource), ..self }
    }
}

impl Resource {
    /// Guarded twice, though one would do.
    pub(crate) const GUARDED: Self = Self { fence: true, tombstone: true, refusals: Refusals::Last };
    pub(crate) const FENCED: Self = Self { tombstone: false, ..Self::GUARDED };
    pub(crate) const TOMBSTONED: Self = Self { fence: false, ..Self::GUARDED };
    pub(crate) const OPEN: Self = Self { fence: false, ..Self::FENCED };
}

/// The plan that is in use.
pub(crate) fn right(route: &Route, attempted: &Attempted) -> Transition {
    saga::plan(route, attempted, 0.5)
}

/// Where a saga is, by the number of its step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Running(u8),
    Compensating(u8),
    Completed,
    Failed,
}

/// How an attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Refused,
    Unknown,
    Expired,
    Undone,
    NotUndone,
}

/// What `plan` says follows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planned {
    /// Where to, or to stay.
    pub(crate) to: Option<Place>,
    pub(crate) stuck: bool,
    pub(crate) event: EventKind,
}

/// All that the planner can say of this saga: it was asked about every step, attempt and outcome.
pub(crate) struct Plans([[[Planned; OUTCOMES.len()]; PAST_ATTEMPTS as usize]; STEPS as usize]);

const NAMES: [StepName; STEPS as usize] =
    [StepName::new("first"), StepName::new("second"), StepName::new("third"), StepName::new("fourth")];
const OUTCOMES: [Outcome; 6] =
    [Outcome::Done, Outcome::Refused, Outcome::Unknown, Outcome::Expired, Outcome::Undone, Outcome::NotUndone];

impl Plans {
    pub(crate) fn of(planner: Planner) -> Self {
        let route = route();
        Self(NAMES.map(|step| {
            std::array::from_fn(|index| {
                let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
                OUTCOMES.map(|outcome| read(&planner(&route, &attempted(&step, number, outcome))))
            })
        }))
    }

    pub(crate) fn after(&self, step: u8, number: u8, outcome: Outcome) -> Planned {
        self.0[usize::from(step)][usize::from(number) - 1][outcome as usize]
    }
}

/// Four steps of two attempts each.
pub(crate) fn route() -> Route {
    let retry = Retry { attempts: ATTEMPTS.into(), ..Retry::STANDARD };
    let legs = NAMES.map(|name| Leg { name, retry }).into();
    Route { legs, undo: retry, stuck_pause: Duration::from_mins(5) }
}

/// Why a step is refused.
pub(crate) const REFUSAL: Code = Code::new("refused");

fn attempted(step: &StepName, number: u32, outcome: Outcome) -> Attempted {
    let step = step.clone();
    let executed = |verdict| Attempted::Executed { step: step.clone(), number, verdict };
    let compensated = |undone| Attempted::Compensated { step: step.clone(), code: REFUSAL, number, undone };
    match outcome {
        Outcome::Done => executed(Verdict::Done),
        Outcome::Refused => executed(Verdict::Refused(REFUSAL)),
        Outcome::Unknown => executed(Verdict::Unknown),
        Outcome::Expired => executed(Verdict::Expired),
        Outcome::Undone => compensated(true),
        Outcome::NotUndone => compensated(false),
    }
}

fn read(transition: &Transition) -> Planned {
    match transition {
        Transition::Advance { to, event } => Planned { to: Some(place(to)), stuck: false, event: *event },
        Transition::Again { stuck, event, .. } => Planned { to: None, stuck: *stuck, event: *event },
    }
}

/// The code is left out of a place: nothing depends on it.
fn place(state: &State) -> Place {
    match state {
        State::Active(Active::Running(step)) => Place::Running(index(step)),
        State::Active(Active::Compensating(step, _)) => Place::Compensating(index(step)),
        State::Ended(End::Completed) => Place::Completed,
        State::Ended(End::Failed(_)) => Place::Failed,
    }
}

fn index(step: &StepName) -> u8 {
    (0..STEPS).find(|index| NAMES[usize::from(*index)] == *step).unwrap_or(STEPS)
}

impl Place {
    /// The step at hand.
    pub(crate) fn step(self) -> Option<u8> {
        match self {
            Self::Running(step) | Self::Compensating(step) => Some(step),
            Self::Completed | Self::Failed => None,
        }
    }

    pub(crate) fn forward(self) -> bool {
        matches!(self, Self::Running(_))
    }

    /// How an attempt ends there that goes well, and one that goes wrong.
    pub(crate) fn outcomes(self) -> [Outcome; 2] {
        if self.forward() { [Outcome::Done, Outcome::Unknown] } else { [Outcome::Undone, Outcome::NotUndone] }
    }

    /// A number of four bits; of three for a place with a step.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Running(step) => step,
            Self::Compensating(step) => STEPS + step,
            Self::Completed => 2 * STEPS,
            Self::Failed => 2 * STEPS + 1,
        }
    }
}
