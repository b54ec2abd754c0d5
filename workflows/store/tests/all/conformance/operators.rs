//! The operators that a store knows.

use std::time::Duration;

use futures_util::future::join_all;
use signup::{OperatorName, TokenHash};

use crate::world::World;

fn name(text: &str) -> OperatorName {
    text.parse().unwrap()
}

fn token(number: u8) -> TokenHash {
    TokenHash([number; 32])
}

pub(super) async fn an_operator_is_found_by_their_token_alone(w: World) {
    let operators = w.operators();
    assert_eq!(operators.find(&token(1)).await.unwrap(), None);
    assert!(operators.add(&name("ola"), &token(1)).await.unwrap());
    assert!(operators.add(&name("uwe"), &token(2)).await.unwrap());
    assert_eq!(operators.find(&token(1)).await.unwrap(), Some(name("ola")));
    assert_eq!(operators.find(&token(2)).await.unwrap(), Some(name("uwe")));
    assert_eq!(operators.find(&token(3)).await.unwrap(), None);
}

pub(super) async fn a_name_is_taken_once(w: World) {
    let operators = w.operators();
    assert!(operators.add(&name("ola"), &token(1)).await.unwrap());
    for again in [1, 2] {
        assert!(!operators.add(&name("ola"), &token(again)).await.unwrap());
    }
    assert_eq!(operators.find(&token(1)).await.unwrap(), Some(name("ola")));
    assert_eq!(operators.find(&token(2)).await.unwrap(), None);
}

pub(super) async fn of_many_who_take_a_name_at_once_one_has_it(w: World) {
    let (operators, ola) = (w.operators(), name("ola"));
    let tokens: Vec<_> = (0..24).map(token).collect();
    let added = join_all(tokens.iter().map(|token| operators.add(&ola, token))).await;
    assert_eq!(added.iter().filter(|added| **added == Ok(true)).count(), 1);
    let found = join_all(tokens.iter().map(|token| operators.find(token))).await;
    let found: Vec<_> = found.into_iter().map(|found| found.unwrap().is_some()).collect();
    let added: Vec<_> = added.into_iter().map(Result::unwrap).collect();
    assert_eq!(found, added);
}

pub(super) async fn operators_are_told_by_name(w: World) {
    let operators = w.operators();
    assert_eq!(operators.operators().await.unwrap(), []);
    for (who, number) in [("uwe", 1), ("asa", 2), ("ola", 3)] {
        operators.add(&name(who), &token(number)).await.unwrap();
        w.advance(Duration::from_secs(1)).await;
    }
    let told = operators.operators().await.unwrap();
    assert_eq!(told.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["asa", "ola", "uwe"]);
    assert_eq!(told[1].1.duration_since(told[0].1).as_secs(), 1);
}
