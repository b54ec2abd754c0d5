//! The sign-up's story, as this program knows it.

use std::sync::Arc;

use saga::{Definition, Outline};
use signup::{Hasher, SignUp, Unsealer};

/// What sign-ups are accepted as.
#[cfg(not(feature = "testing"))]
pub(super) fn outline() -> Outline {
    signup::outline()
}

/// What runs them.
#[cfg(not(feature = "testing"))]
pub(super) fn definition(unsealer: Unsealer, hasher: Arc<Hasher>) -> Definition<SignUp> {
    signup::definition(unsealer, hasher)
}

/// What sign-ups are accepted as.
#[cfg(feature = "testing")]
pub(super) fn outline() -> Outline {
    if signup::testing::next::is_asked_for() { signup::testing::next::outline() } else { signup::outline() }
}

/// What runs them, with the faults that they carry.
#[cfg(feature = "testing")]
pub(super) fn definition(unsealer: Unsealer, hasher: Arc<Hasher>) -> Definition<SignUp> {
    let story =
        if signup::testing::next::is_asked_for() { signup::testing::next::definition } else { signup::definition };
    story(unsealer, hasher).sabotaged(&(Arc::new(signup::testing::ByName) as Arc<_>))
}
