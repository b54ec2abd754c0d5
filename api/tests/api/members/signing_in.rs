//! Signing in with a password.

use std::time::Duration;

use accounts::Accounts;
use saga::store::Error;
use serde_json::json;
use signup::{Cost, EmailAddress, Hasher};
use tokio::time::Instant;

use super::{Member, hash, tokens};
use crate::stage::{PASSWORD, Stage, post_to};

#[tokio::test]
async fn the_right_password_signs_in_however_the_e_mail_is_written() {
    let member = Member::new().await;
    for email in ["ada@example.com", "ADA@Example.COM"] {
        let answer = member.sign_in(email, PASSWORD).await;
        assert_eq!(answer.status, 201);
        assert!(member.is_live(&tokens(&answer)).await);
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_e_mail_are_answered_alike() {
    let member = Member::new().await;
    let wrong = member.sign_in("ada@example.com", "correct horse battery stable").await;
    let unknown = member.sign_in("nobody@example.com", PASSWORD).await;
    assert_eq!(wrong.assert_problem(401, "invalid_credentials"), unknown.assert_problem(401, "invalid_credentials"));
    let names = |answer: &crate::stage::Answer| {
        let mut names: Vec<_> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&wrong), names(&unknown));
    assert_eq!(wrong.header("www-authenticate"), Some("Bearer"));
}

#[tokio::test]
async fn a_disabled_user_is_answered_as_if_there_were_none() {
    let member = Member::new().await;
    let before = member.signed_in().await;
    member.operated("disable", 0).await;
    member.sign_in("ada@example.com", PASSWORD).await.assert_problem(401, "invalid_credentials");
    member.refresh(&before.refresh).await.assert_problem(401, "session_over");
    member.redeem().await.assert_problem(409, "not_redeemable");
    member.stage.hands.go_on(20);
    assert!(!member.is_live(&before).await);
}

#[tokio::test]
async fn what_cannot_be_an_e_mail_or_a_password_is_told() {
    let member = Member::new().await;
    let long = "x".repeat(257);
    for (email, password, field) in
        [("ada", PASSWORD, "email"), ("ada@example.com", "", "password"), ("ada@example.com", &long, "password")]
    {
        let problem = member.sign_in(email, password).await.assert_problem(422, "invalid_fields");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "user_id": "usr_1" });
    member.post("/v1/sessions", &body).await.assert_problem(422, "invalid_fields");
}

#[tokio::test]
async fn a_password_whose_hash_is_cheaper_than_hashes_are_now_is_hashed_anew() {
    let member = Member::new().await;
    let email = EmailAddress::parse("ada@example.com").unwrap();
    let memory = &member.stage.store.memory;
    let known = memory.credentials(&email).await.unwrap().unwrap();
    let cheap = hash("m=8,t=1,p=1", PASSWORD).await;
    assert!(memory.rehash(&known, &cheap).await.unwrap());
    let stage = Stage::hashing(Hasher::inline("m=16,t=2,p=1".parse::<Cost>().unwrap()));
    let member = Member::on(stage).await;
    let before = member.signed_in().await;
    let memory = &member.stage.store.memory;
    for _ in 0..10_000 {
        let known = memory.credentials(&email).await.unwrap().unwrap();
        if known.hash.as_str().contains("m=16,t=2") {
            assert!(member.is_live(&before).await, "the sessions go on");
            tokens(&member.sign_in("ada@example.com", PASSWORD).await);
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it was never hashed anew");
}

#[tokio::test]
async fn a_hash_that_is_replaced_while_one_signs_in_is_read_again() {
    let member = Member::new().await;
    let ada = EmailAddress::parse("ada@example.com").unwrap();
    for (password, status) in [(PASSWORD, 201), ("an entirely different phrase", 401)] {
        let known = member.stage.store.memory.credentials(&ada).await.unwrap().unwrap();
        let next = hash("m=8,t=1,p=1", password).await;
        *member.stage.store.next_hash.lock().unwrap() = Some((known, next));
        assert_eq!(member.sign_in("ada@example.com", PASSWORD).await.status, status, "{password}");
    }
}

#[tokio::test]
async fn a_stored_hash_that_cannot_be_read_is_our_fault_and_not_the_users() {
    let member = Member::new().await;
    let ada = EmailAddress::parse("ada@example.com").unwrap();
    let memory = &member.stage.store.memory;
    let known = memory.credentials(&ada).await.unwrap().unwrap();
    let broken = signup::PasswordHash::from_stored("$argon2id$a secret".to_owned());
    assert!(memory.rehash(&known, &broken).await.unwrap());
    let answer = member.sign_in("ada@example.com", PASSWORD).await;
    answer.assert_problem(500, "internal");
    assert!(!String::from_utf8(answer.body).unwrap().contains("secret"));
}

#[tokio::test]
async fn too_many_attempts_of_an_address_are_refused_and_another_address_signs_in() {
    let member = Member::new().await;
    let attempt = async |address: &str, password: &str| {
        let body = json!({ "email": "ada@example.com", "password": password }).to_string();
        member.stage.send(post_to("/v1/sessions", &body, &[("x-forwarded-for", address)])).await
    };
    for _ in 0..20 {
        assert_eq!(attempt("198.51.100.1", PASSWORD).await.status, 201, "what is right does not count");
    }
    for _ in 0..10 {
        attempt("198.51.100.1", "wrong wrong").await.assert_problem(401, "invalid_credentials");
    }
    let refused = attempt("198.51.100.1", PASSWORD).await;
    refused.assert_problem(429, "rate_limited");
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(attempt("198.51.100.2", PASSWORD).await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn many_addresses_that_try_one_e_mail_slow_its_owner_down_and_lock_nobody_out() {
    let member = Member::new().await;
    let attempt = async |address: u8, password: &str| {
        let body = json!({ "email": "ada@example.com", "password": password }).to_string();
        let from = format!("198.51.100.{address}");
        member.stage.send(post_to("/v1/sessions", &body, &[("x-forwarded-for", &from)])).await
    };
    for address in 1..=30 {
        attempt(address, "wrong wrong").await.assert_problem(401, "invalid_credentials");
    }
    let begun = Instant::now();
    assert_eq!(attempt(99, PASSWORD).await.status, 201);
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
    let begun = Instant::now();
    let other = json!({ "email": "nobody@example.com", "password": PASSWORD });
    member.post("/v1/sessions", &other).await.assert_problem(401, "invalid_credentials");
    assert!(begun.elapsed() < Duration::from_secs(2), "others are not slowed down");
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_when_too_many_passwords_wait_is_sent_away_and_the_attempt_does_not_count() {
    let member = Member::on(Stage::hashing(Hasher::new("m=8,t=1,p=1".parse::<Cost>().unwrap(), 0))).await;
    for _ in 0..11 {
        let answer = member.sign_in("ada@example.com", PASSWORD).await;
        answer.assert_problem(503, "overloaded");
        assert!(answer.header("retry-after").is_some());
    }
}

#[tokio::test]
async fn sign_ups_that_are_refused_for_too_much_to_do_keep_nobody_from_signing_in() {
    let member = Member::new().await;
    *member.stage.store.longest_wait.lock().unwrap() = Duration::from_hours(1);
    member.signed_in().await;
}

#[tokio::test]
async fn a_store_in_trouble_is_unavailable() {
    let member = Member::new().await;
    let before = member.signed_in().await;
    *member.stage.store.load_error.lock().unwrap() = Some(Error::Unavailable("a secret".into()));
    for answer in [
        member.sign_in("ada@example.com", PASSWORD).await,
        member.refresh(&before.refresh).await,
        member.redeem().await,
        member.get("/v1/sessions", &before).await,
    ] {
        answer.assert_problem(503, "unavailable");
        assert!(!String::from_utf8(answer.body).unwrap().contains("secret"));
    }
    *member.stage.store.load_error.lock().unwrap() = None;
    tokens(&member.refresh(&before.refresh).await);
}
