//! A client, and the process that it talks to.

use std::sync::Arc;

use saga::store::{Accepted, Error};
use saga::{Advanced, Listener, Policy, SagaId, Store};
use signup::Proposal;
use tokio::time::{sleep, timeout};

use crate::life::Life;
use crate::line::Line;
use crate::world::World;

/// How often a client asks again.
const TRIES: u32 = 4;

/// Somebody signs up, and asks again while there is no answer.
pub(crate) fn sign_up(world: &Arc<World>, proposal: Proposal) {
    let (world, life) = (Arc::clone(world), Arc::<Life>::default());
    let store = Line::new(Arc::clone(&world), "api", Arc::clone(&life));
    life.spawn(async move {
        for _ in 0..TRIES {
            match timeout(Policy::STANDARD.store_patience, store.accept(&proposal)).await {
                Ok(Ok(Accepted::New(view))) => {
                    let news = Advanced::to(view.saga, view.state);
                    return world.advanced(&news);
                }
                Ok(Ok(Accepted::Replay(_) | Accepted::Conflict(_))) => return,
                Ok(Err(Error::Unavailable(_) | Error::InDoubt(_))) | Err(_) => {
                    sleep(world.chance.millis(10, 1000)).await;
                }
                Ok(Err(error @ (Error::Rejected(_) | Error::Unreadable(_)))) => {
                    return world.break_down(format!("a sign-up is answered: {error}"));
                }
            }
        }
    });
}

/// Somebody asks how a sign-up is. That the answer is true is seen where it is given.
pub(crate) fn ask(world: &Arc<World>, saga: SagaId) {
    let life = Arc::<Life>::default();
    let store = Line::new(Arc::clone(world), "api", Arc::clone(&life));
    life.spawn(async move {
        let _ = timeout(Policy::STANDARD.claim, store.load(saga)).await;
    });
}
