//! A build for people.

use std::sync::Arc;

use saga::{Clock, Listener, Policy, Store, SystemClock};
use signup::SignUp;

use super::super::http::Bounds;

pub(in super::super) use signup::{definition, outline};

/// The engine's limits.
pub(in super::super) fn policy() -> Policy {
    Policy::STANDARD
}

/// How long clients may take.
pub(in super::super) fn bounds() -> Bounds {
    Bounds::STANDARD
}

/// The machine's clock.
pub(in super::super) fn machine_clock() -> impl Clock {
    SystemClock
}

/// Those who are told of sagas that advance.
pub(in super::super) fn listener(listeners: Vec<Arc<dyn Listener>>) -> Arc<dyn Listener> {
    Arc::new(listeners)
}

/// The store that all is written to.
pub(in super::super) fn store(store: Arc<dyn Store<SignUp>>) -> Arc<dyn Store<SignUp>> {
    store
}
