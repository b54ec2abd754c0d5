//! Signing keys that rotate while they are used.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use accounts::{Keyring, MasterKey, SigningKey, SigningKeys, StoredKey};
use jsonwebtoken::decode_header;
use saga::Clock;
use tokio::time::sleep;

use super::{Member, Tokens, tokens};
use crate::stage::{Stage, post_to};

/// Between two rounds, in seconds.
const ROUND: u64 = 5;
/// Rounds in an hour.
const ROUNDS: u64 = 3600 / ROUND;
/// Rounds in which an access token is used: shortly before it expires, its client refreshes.
const USED: usize = 115;

fn key_of(tokens: &Tokens) -> String {
    decode_header(&tokens.access).unwrap().kid.unwrap()
}

async fn refresh(stage: &Stage, token: &str) -> Tokens {
    let body = serde_json::json!({ "refresh_token": token }).to_string();
    tokens(&stage.send(post_to("/v1/sessions/refresh", &body, &[])).await)
}

#[tokio::test(start_paused = true)]
async fn while_keys_rotate_no_process_refuses_what_another_has_signed() {
    let member = Member::new().await;
    let master = || MasterKey::new([5; 32]);
    let other = Stage::beside(&member.stage, master());
    let stages = [&member.stage, &other];
    let first = member.signed_in().await;
    let (mut latest, mut in_use, mut keys) = (first.clone(), VecDeque::from([first.clone()]), BTreeSet::new());
    for round in 0..ROUNDS {
        // The two processes look at the keys at moments of their own.
        member.stage.hands.go_on(i64::try_from(ROUND).unwrap());
        sleep(Duration::from_secs(ROUND)).await;
        if round == ROUNDS / 12 {
            let (memory, now) = (&member.stage.store.memory, member.stage.hands.now());
            let due = Keyring::new(memory.keys().await.unwrap()).successor(now);
            let next = StoredKey::seal(due, &SigningKey::generate().unwrap(), &master(), now);
            assert!(memory.add(&next).await.unwrap());
        }
        latest = refresh(stages[usize::try_from(round % 2).unwrap()], &latest.refresh).await;
        keys.insert(key_of(&latest));
        in_use.push_back(latest.clone());
        if in_use.len() > USED {
            in_use.pop_front();
        }
        for stage in stages {
            for tokens in [in_use.front(), in_use.get(in_use.len() / 2), in_use.back()].into_iter().flatten() {
                let answer = stage.get("/v1/me", &[("authorization", &tokens.bearer())]).await;
                assert_eq!(answer.status, 200, "round {round}, signed by {}", key_of(tokens));
            }
        }
    }
    assert_eq!(keys.len(), 2, "both have signed");
    assert_ne!(key_of(&latest), key_of(&first));
    for stage in stages {
        let published = stage.get("/.well-known/jwks.json", &[]).await.json();
        assert_eq!(published["keys"].as_array().unwrap().len(), 1, "the former is published no more");
        assert_eq!(published["keys"][0]["kid"], key_of(&latest));
    }
}
