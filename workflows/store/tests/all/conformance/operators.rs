//! The operators that a store knows.

use std::time::Duration;

use futures_util::future::join_all;
use signup::{Operator, OperatorName, OperatorRole, TokenHash};

use crate::world::World;

fn name(text: &str) -> OperatorName {
    text.parse().unwrap()
}

fn operator(text: &str) -> Operator {
    Operator { name: name(text), role: OperatorRole::Operator }
}

fn token(number: u8) -> TokenHash {
    TokenHash([number; 32])
}

pub(super) async fn an_operator_is_found_by_their_token_alone(w: World) {
    let operators = w.operators();
    assert_eq!(operators.find(&token(1)).await.unwrap(), None);
    assert!(operators.add(&operator("ola"), &token(1)).await.unwrap());
    assert!(operators.add(&operator("uwe"), &token(2)).await.unwrap());
    assert_eq!(operators.find(&token(1)).await.unwrap(), Some(operator("ola")));
    assert_eq!(operators.find(&token(2)).await.unwrap(), Some(operator("uwe")));
    assert_eq!(operators.find(&token(3)).await.unwrap(), None);
}

pub(super) async fn a_name_is_taken_once(w: World) {
    let operators = w.operators();
    assert!(operators.add(&operator("ola"), &token(1)).await.unwrap());
    for again in [1, 2] {
        assert!(!operators.add(&operator("ola"), &token(again)).await.unwrap());
    }
    assert_eq!(operators.find(&token(1)).await.unwrap(), Some(operator("ola")));
    assert_eq!(operators.find(&token(2)).await.unwrap(), None);
}

pub(super) async fn of_many_who_take_a_name_at_once_one_has_it(w: World) {
    let (operators, ola) = (w.operators(), operator("ola"));
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
        operators.add(&operator(who), &token(number)).await.unwrap();
        w.advance(Duration::from_secs(1)).await;
    }
    let told = operators.operators().await.unwrap();
    assert_eq!(told.iter().map(|told| told.operator.name.as_str()).collect::<Vec<_>>(), ["asa", "ola", "uwe"]);
    assert_eq!(told[1].added_at.duration_since(told[0].added_at).as_secs(), 1);
}

pub(super) async fn an_operator_keeps_their_role(w: World) {
    let operators = w.operators();
    for (role, number) in OperatorRole::ALL.into_iter().zip(1..) {
        let added = Operator { name: name(role.as_str()), role };
        assert!(operators.add(&added, &token(number)).await.unwrap());
        assert_eq!(operators.find(&token(number)).await.unwrap(), Some(added));
    }
    let told: Vec<_> = operators.operators().await.unwrap().into_iter().map(|told| told.operator.role).collect();
    assert_eq!(told, [OperatorRole::Operator, OperatorRole::Viewer]);
}

pub(super) async fn a_revoked_operator_is_found_no_more_and_their_name_stays_taken(w: World) {
    let operators = w.operators();
    assert!(!operators.revoke(&name("ola")).await.unwrap());
    assert!(operators.add(&operator("ola"), &token(1)).await.unwrap());
    assert!(operators.add(&operator("uwe"), &token(2)).await.unwrap());
    for _ in 0..2 {
        w.advance(Duration::from_secs(1)).await;
        assert!(operators.revoke(&name("ola")).await.unwrap());
        assert_eq!(operators.find(&token(1)).await.unwrap(), None);
        assert_eq!(operators.find(&token(2)).await.unwrap(), Some(operator("uwe")));
    }
    assert!(!operators.add(&operator("ola"), &token(3)).await.unwrap());
    let told = operators.operators().await.unwrap();
    let revoked: Vec<_> = told.iter().map(|told| told.revoked_at.map(|at| at.duration_since(told.added_at))).collect();
    assert_eq!(revoked.iter().map(|after| after.map(|after| after.as_secs())).collect::<Vec<_>>(), [Some(1), None]);
}
