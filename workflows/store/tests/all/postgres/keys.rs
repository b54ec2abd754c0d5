//! Processes that must have the same keys.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use crate::world::{World, open_postgres};

#[tokio::test]
async fn the_first_key_is_the_one_that_all_must_have() {
    let w = World::in_postgres().await;
    let (one, other) = (open_postgres(&w.database()).await, open_postgres(&w.database()).await);
    assert!(one.agrees_on("seal", [1; 32]).await.unwrap());
    assert!(other.agrees_on("seal", [1; 32]).await.unwrap());
    assert!(!other.agrees_on("seal", [2; 32]).await.unwrap());
    assert!(other.agrees_on("hash", [2; 32]).await.unwrap());
}

#[tokio::test]
async fn of_many_that_start_at_once_those_with_one_key_go_on() {
    let w = World::in_postgres().await;
    let store = open_postgres(&w.database()).await;
    let answers = join_all((0..20_u8).map(|key| store.agrees_on("seal", [key % 4; 32]))).await;
    let agreed = (0..20_u8).zip(answers).filter(|(_, answer)| *answer.as_ref().unwrap());
    let agreed: Vec<_> = agreed.map(|(key, _)| key % 4).collect();
    assert_eq!((agreed.len(), agreed.iter().collect::<BTreeSet<_>>().len()), (5, 1), "{agreed:?}");
}
