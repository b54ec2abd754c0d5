//! `saga::plan` as a table, with steps by number.

use std::cell::Cell;
use std::time::Duration;

use saga::operate::Impossible;
use saga::plan::{Attempted, EventKind, Leg, Route, Verdict};
use saga::state::{Active, Code, End, State, StepName};
use saga::{Action, Retry, Transition};

/// Steps of the saga.
pub(crate) const STEPS: u8 = 4;
/// Attempts of a step, and of an undo until it is stuck.
pub(crate) const ATTEMPTS: u8 = 2;
/// Past the attempts one number is like another: `plan` and the engine only ask whether there are any left.
pub(crate) const PAST_ATTEMPTS: u8 = ATTEMPTS + 1;

/// `saga::plan`, or a wrong one.
pub(crate) type Planner = fn(&Route, &Attempted) -> Transition;

/// `saga::operate::act`, or a wrong one.
pub(crate) type Acting = fn(Action, &Active) -> Result<State, Impossible>;

/// The plan that is in use.
pub(crate) fn right(route: &Route, attempted: &Attempted) -> Transition {
    saga::plan(route, attempted, 0.5)
}

/// Where a saga is. The code is left out: nothing depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    Running(u8),
    Compensating(u8),
    Completed,
    Failed,
}

/// How an attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Outcome {
    Done,
    Refused,
    Unknown,
    Expired,
    Undone,
    NotUndone,
}

/// An attempt: of which step, which one, and how it went.
pub(crate) type Try = (u8, u8, Outcome);

/// All that the planner can say of this saga: it was asked about every attempt.
pub(crate) struct Plans {
    table: Vec<(Option<Place>, EventKind)>,
    asked: Cell<u128>,
}

const OUTCOMES: [Outcome; 6] =
    [Outcome::Done, Outcome::Refused, Outcome::Unknown, Outcome::Expired, Outcome::Undone, Outcome::NotUndone];

impl Plans {
    pub(crate) fn of(planner: Planner) -> Self {
        let route = route();
        let table = tries().map(|tried| read(&planner(&route, &attempted(tried)))).collect();
        Self { table, asked: Cell::new(0) }
    }

    /// Where to, or to stay; and what the journal says of it.
    pub(crate) fn after(&self, tried: Try) -> (Option<Place>, EventKind) {
        self.asked.set(self.asked.get() | 1 << index(tried));
        self.table[index(tried)]
    }

    /// What can happen, but was never asked about.
    pub(crate) fn unasked(&self) -> Vec<Try> {
        let happens = |(step, number, outcome)| match outcome {
            Outcome::Done | Outcome::Refused => number <= ATTEMPTS,
            Outcome::Expired => step == 0,
            Outcome::Unknown | Outcome::Undone | Outcome::NotUndone => true,
        };
        tries().filter(|tried| happens(*tried) && self.asked.get() & 1 << index(*tried) == 0).collect()
    }
}

fn tries() -> impl Iterator<Item = Try> {
    let numbers = |step| (1..=PAST_ATTEMPTS).map(move |number| (step, number));
    (0..STEPS).flat_map(numbers).flat_map(|(step, number)| OUTCOMES.map(|outcome| (step, number, outcome)))
}

fn index((step, number, outcome): Try) -> usize {
    usize::from(step * PAST_ATTEMPTS + number - 1) * OUTCOMES.len() + outcome as usize
}

const NAMES: [StepName; STEPS as usize] =
    [StepName::new("first"), StepName::new("second"), StepName::new("third"), StepName::new("fourth")];

/// Four steps of two attempts each.
pub(crate) fn route() -> Route {
    let retry = Retry { attempts: ATTEMPTS.into(), ..Retry::STANDARD };
    let legs = NAMES.map(|name| Leg { name, retry }).into();
    Route { legs, undo: retry, stuck_pause: Duration::from_mins(5) }
}

/// Why a step is refused.
pub(crate) const REFUSAL: Code = Code::new("refused");

fn attempted((step, number, outcome): Try) -> Attempted {
    let (step, number) = (NAMES[usize::from(step)].clone(), number.into());
    let verdict = match outcome {
        Outcome::Done => Verdict::Done,
        Outcome::Refused => Verdict::Refused(REFUSAL),
        Outcome::Unknown => Verdict::Unknown,
        Outcome::Expired => Verdict::Expired,
        Outcome::Undone => return Attempted::Compensated { step, code: REFUSAL, number, undone: true },
        Outcome::NotUndone => return Attempted::Compensated { step, code: REFUSAL, number, undone: false },
    };
    Attempted::Executed { step, number, verdict }
}

/// Where an operator's action leads from here, and what the journal says of it.
pub(crate) fn acted(acting: Acting, action: Action, from: Place) -> Option<(Place, EventKind)> {
    let name = |step: u8| NAMES[usize::from(step)].clone();
    let active = match from {
        Place::Running(step) => Active::Running(name(step)),
        Place::Compensating(step) => Active::Compensating(name(step), REFUSAL),
        Place::Completed | Place::Failed => return None,
    };
    let to = acting(action, &active).ok()?;
    let (to, event) = read(&Transition::Advance { to, event: action.event() });
    to.map(|to| (to, event))
}

fn read(transition: &Transition) -> (Option<Place>, EventKind) {
    let number = |step: &StepName| (0..STEPS).find(|index| NAMES[usize::from(*index)] == *step).unwrap_or(STEPS);
    let to = match transition {
        Transition::Again { .. } => None,
        Transition::Advance { to, .. } => Some(match to {
            State::Active(Active::Running(step)) => Place::Running(number(step)),
            State::Active(Active::Compensating(step, _)) => Place::Compensating(number(step)),
            State::Ended(End::Completed) => Place::Completed,
            State::Ended(End::Failed(_)) => Place::Failed,
        }),
    };
    (to, transition.event())
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
}
