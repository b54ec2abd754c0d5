//! The keys that sign access tokens.

use accounts::{Due, MasterKey, SigningKey, StoredKey};
use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use crate::world::World;

fn master() -> MasterKey {
    MasterKey::new([7; 32])
}

fn key(generation: u32) -> StoredKey {
    let now = Timestamp::from_millisecond(1_700_000_000_123).unwrap();
    let due = Due { generation, signs_from: now + SignedDuration::from_mins(i64::from(generation % 1000)) };
    StoredKey::seal(due, &SigningKey::generate().unwrap(), &master(), now)
}

pub(super) async fn keys_are_told_as_they_were_added_in_their_order(w: World) {
    let (keys, added) = (w.signing_keys(), [1, 2, 3, u32::MAX].map(key));
    assert_eq!(keys.keys().await.unwrap(), []);
    for at in [2, 0, 3, 1] {
        assert!(keys.add(&added[at]).await.unwrap());
    }
    let told = keys.keys().await.unwrap();
    assert_eq!(told, added);
    assert!(told.iter().all(|key| key.open(&master()).is_ok()));
}

pub(super) async fn a_generation_has_one_key_and_a_key_one_generation(w: World) {
    let (keys, first) = (w.signing_keys(), key(1));
    assert!(keys.add(&first).await.unwrap());
    assert!(!keys.add(&first).await.unwrap());
    assert!(!keys.add(&key(1)).await.unwrap());
    assert!(!keys.add(&StoredKey { generation: 2, ..first.clone() }).await.unwrap());
    assert_eq!(keys.keys().await.unwrap(), [first]);
}

pub(super) async fn of_many_keys_of_one_generation_at_once_one_is_added(w: World) {
    let (keys, made) = (w.signing_keys(), (0..24).map(|_| key(1)).collect::<Vec<_>>());
    let added = join_all(made.iter().map(|key| keys.add(key))).await;
    let added: Vec<_> = added.into_iter().map(Result::unwrap).zip(made).filter(|(added, _)| *added).collect();
    assert_eq!(added.len(), 1);
    assert_eq!(keys.keys().await.unwrap(), [added[0].1.clone()]);
}
