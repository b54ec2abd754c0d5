//! A build for tests, which their environment reaches into.

use std::sync::Arc;

use saga::testing::crash::{Begun, Crashing, Told};
use saga::testing::{Pace, Skewed};
use saga::{Clock, Definition, Listener, Outline, Policy, Store, SystemClock};
use signup::testing::{ByName, next};
use signup::{Hasher, SignUp, Unsealer};
use store::flawed::{self, Flaw};

use super::super::http::Bounds;

/// What sign-ups are accepted as.
pub(in super::super) fn outline() -> Outline {
    if next::is_asked_for() { next::outline() } else { signup::outline() }
}

/// What runs them, with the faults that they carry.
pub(in super::super) fn definition(unsealer: Unsealer, hasher: Arc<Hasher>) -> Definition<SignUp> {
    let story = if next::is_asked_for() { next::definition } else { signup::definition };
    story(unsealer, hasher).sabotaged(&(Arc::new(Begun(ByName)) as Arc<_>), Pace::of_environment())
}

/// The engine's limits, at the pace that is asked for.
pub(in super::super) fn policy() -> Policy {
    Pace::of_environment().hurry(Policy::STANDARD)
}

/// How long clients may take, at the pace that is asked for.
pub(in super::super) fn bounds() -> Bounds {
    let pace = Pace::of_clients();
    let Bounds { first_byte, head, idle, read } = Bounds::STANDARD;
    Bounds { first_byte: pace.of(first_byte), head: pace.of(head), idle: pace.of(idle), read: pace.of(read) }
}

/// The machine's clock, as far off as is asked for.
pub(in super::super) fn machine_clock() -> impl Clock {
    Skewed::by_environment(SystemClock)
}

/// The store that all is written to, with the flaw that is asked for, and its crash points.
pub(in super::super) fn store(store: Arc<dyn Store<SignUp>>) -> Arc<dyn Store<SignUp>> {
    let store = match Flaw::of_environment() {
        Some(flaw) => flawed::over(store, flaw, machine_clock()),
        None => store,
    };
    Arc::new(Crashing(store))
}

/// Those who are told of sagas that advance, with the crash point that comes after it.
pub(in super::super) fn listener(listeners: Vec<Arc<dyn Listener>>) -> Arc<dyn Listener> {
    Arc::new(Told(Arc::new(listeners)))
}
