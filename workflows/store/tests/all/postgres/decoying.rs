//! Decoys, as the server sees them made.

use futures_util::future::join_all;
use saga::Store;

use super::returning::SYNC;
use super::way::Way;
use crate::world::{World, is_new, open_postgres};

/// So often is each asked before it counts: until then connections prepare their statements.
const WARM_UP: usize = 4;

#[tokio::test]
async fn a_known_email_is_accepted_in_one_round_trip_like_an_unknown_one() {
    let (mut w, way) = (World::in_postgres().await, Way::open().await);
    w.complete("ada").await;
    let store = way.store(&w, 3).await;
    for number in 0..2 * WARM_UP {
        for proposal in [w.decoyed("ada"), w.decoyed(&format!("eve{number}"))] {
            way.said(SYNC);
            assert!(is_new(&store.accept(&proposal).await.unwrap()));
            let asked = way.said(SYNC);
            assert!(number < WARM_UP || asked == 1, "{asked} round trips for {proposal:?}");
        }
    }
    assert_eq!(w.check().await.sagas.len(), 1 + 4 * WARM_UP);
}

#[tokio::test]
async fn of_many_at_two_processes_with_one_unknown_email_all_but_one_are_decoys() {
    let mut w = World::in_postgres().await;
    let stores = [open_postgres(&w.database()).await, open_postgres(&w.database()).await];
    for round in 0..10 {
        let proposals: Vec<_> = (0..16).map(|_| w.decoyed(&format!("ada{round}"))).collect();
        let sent = proposals.iter().zip(stores.iter().cycle());
        for answer in join_all(sent.map(|(proposal, store)| store.accept(proposal))).await {
            assert!(is_new(answer.as_ref().unwrap()), "{answer:?}");
        }
        let facts = w.check().await;
        let real = facts.sagas.iter().filter(|saga| !saga.decoy).count();
        assert_eq!((facts.sagas.len(), real), ((round + 1) * 16, round + 1));
    }
}
