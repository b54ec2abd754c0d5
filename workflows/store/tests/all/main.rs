//! The tests of the stores: what a store promises, and what the real engine makes of a sign-up on it.
//!
//! - [`conformance`]: one check for each behaviour of a store, run on every store.
//! - [`sagas`]: the sign-up, driven by the engine through every fault there is, on every store.
//! - [`sqlite`]: what only a file has.
//! - [`postgres`]: what only a server has.
//! - [`migrations`]: that both databases have the same.
//! - [`invariants`]: that each invariant can turn red.
//!
//! A [`world::World`] is a fresh store with a clock that only the test moves. It checks every invariant whenever it is
//! asked for the facts, and that nothing of what it saw before has been rewritten.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

/// Makes each named check a test on every store: `module: check, check;`.
macro_rules! on_every_store {
    ($runtime:tt $($module:ident: $($check:ident),+;)+) => {
        mod memory {
            $($(
                #[tokio::test $runtime]
                async fn $check() {
                    super::$module::$check(crate::world::World::in_memory()).await;
                }
            )+)+
        }

        mod postgres {
            $($(
                #[tokio::test $runtime]
                async fn $check() {
                    super::$module::$check(crate::world::World::in_postgres().await).await;
                }
            )+)+
        }

        mod sqlite {
            $($(
                #[tokio::test $runtime]
                async fn $check() {
                    super::$module::$check(crate::world::World::in_a_file().await).await;
                }
            )+)+
        }
    };
}

mod conformance;
mod invariants;
mod migrations;
mod postgres;
mod sagas;
mod sqlite;
mod world;
