//! Hashes, verified by this hasher and by the library that it is made of.

use argon2::password_hash::phc;
use argon2::{Argon2, Params, PasswordHasher, PasswordVerifier};
use proptest::prelude::*;

use super::memory::IDLE;
use super::*;

const RIGHT: &str = "correct horse battery staple";
/// As cheap as a hash can be.
const CHEAP: (u32, u32, u32) = (8, 1, 1);

fn password(text: &str) -> Password {
    Password::presented(text.into()).unwrap()
}

fn params((memory, passes, lanes): (u32, u32, u32)) -> Params {
    Params::new(memory, passes, lanes, None).unwrap()
}

fn hasher(cost: (u32, u32, u32)) -> Hasher {
    Hasher::new(Cost(params(cost)), 1)
}

/// What is said of a stored hash that cannot be verified.
async fn unreadable(hasher: &Hasher, hash: PasswordHash) -> String {
    match hasher.verify(&hash, password(RIGHT)).await {
        Err(Unverified::Unreadable(said)) => said,
        other => panic!("{other:?}"),
    }
}

/// The hash that the library makes of the right password.
fn made_elsewhere(cost: (u32, u32, u32)) -> PasswordHash {
    let hash = Argon2::from(params(cost)).hash_password_with_salt(RIGHT.as_bytes(), b"a salt of 16 b..");
    PasswordHash::from_stored(hash.unwrap().to_string())
}

#[tokio::test(start_paused = true)]
async fn a_hash_verifies_its_own_password_alone() {
    let hasher = Hasher::new(Cost::default(), 1);
    let hash = hasher.hash(password(RIGHT)).await.unwrap();
    assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
    let parsed = phc::PasswordHash::new(hash.as_str()).unwrap();
    let verify = |text: &[u8]| Argon2::default().verify_password(text, &parsed).is_ok();
    assert!(verify(RIGHT.as_bytes()));
    assert!(!verify(b"correct horse battery stable"));
    assert_eq!(hasher.verify(&hash, password(RIGHT)).await, Ok(Verified::Yes));
    for wrong in ["correct horse battery stable", "Correct horse battery staple", "correct horse battery staple ", "c"]
    {
        assert_eq!(hasher.verify(&hash, password(wrong)).await, Ok(Verified::No), "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn reused_memory_does_not_show_in_the_next_hash() {
    let hasher = Hasher::new(Cost::default(), 1);
    let first = hasher.hash(password(RIGHT)).await.unwrap();
    let second = hasher.hash(password(RIGHT)).await.unwrap();
    assert_ne!(first, second, "the salt is fresh");
    let parsed = phc::PasswordHash::new(second.as_str()).unwrap();
    assert!(Argon2::default().verify_password(RIGHT.as_bytes(), &parsed).is_ok());
}

#[tokio::test]
async fn hashes_of_any_cost_are_verified_whatever_memory_was_used_before() {
    let own = (64, 2, 1);
    let hasher = hasher(own);
    let costs = [own, (8, 2, 1), (19_456, 3, 1), own, (512, 1, 4), (65, 2, 1), (63, 2, 1), (64, 2, 2), own, own];
    for cost in costs.iter().chain(costs.iter().rev()) {
        let hash = made_elsewhere(*cost);
        let verified = hasher.verify(&hash, password(RIGHT)).await.unwrap();
        assert_ne!(verified, Verified::No, "{cost:?}");
        assert_eq!(hasher.verify(&hash, password("wrong")).await, Ok(Verified::No), "{cost:?}");
        let made = hasher.hash(password(RIGHT)).await.unwrap();
        assert_eq!(hasher.verify(&made, password(RIGHT)).await, Ok(Verified::Yes), "after {cost:?}");
        assert_eq!(hasher.pool.free(), 1, "memory of its own size alone is kept");
    }
}

#[tokio::test]
async fn a_hash_is_outdated_that_costs_less_or_has_other_lanes() {
    let hasher = hasher((64, 2, 1));
    for (cost, verified) in [
        ((64, 2, 1), Verified::Yes),
        ((65, 2, 1), Verified::Yes),
        ((64, 3, 1), Verified::Yes),
        ((128, 3, 1), Verified::Yes),
        ((63, 2, 1), Verified::YesOutdated),
        ((64, 1, 1), Verified::YesOutdated),
        ((128, 1, 1), Verified::YesOutdated),
        ((32, 9, 1), Verified::YesOutdated),
        ((64, 2, 2), Verified::YesOutdated),
    ] {
        assert_eq!(hasher.verify(&made_elsewhere(cost), password(RIGHT)).await, Ok(verified), "{cost:?}");
    }
}

#[tokio::test]
async fn a_hash_that_cannot_be_read_is_an_error_that_does_not_show_it() {
    let hasher = hasher(CHEAP);
    let good = made_elsewhere(CHEAP).as_str().to_owned();
    assert_eq!(hasher.verify(&PasswordHash::from_stored(good.clone()), password(RIGHT)).await, Ok(Verified::Yes));
    let (salt, output) = good.rsplit_once('$').unwrap();
    for text in [
        String::new(),
        "$argon2id$canary".to_owned(),
        "canary".to_owned(),
        good.replace("argon2id", "argon2i"),
        good.replace("argon2id", "scrypt"),
        good.replace("$v=19", "$v=16"),
        good.replace("$v=19", ""),
        good.replace("m=8", "m=7"),
        good.replace("t=1", "t=0"),
        good.replace("p=1", "p=2"),
        good.replace("p=1", "q=1"),
        salt.to_owned(),
        format!("{salt}${}", &output[..8]),
        format!("{good}$canary"),
        format!("{good}!"),
    ] {
        let said = unreadable(&hasher, PasswordHash::from_stored(text.clone())).await;
        assert!(said.starts_with("the stored hash cannot be read"), "{text}: {said}");
        assert!(!said.contains("canary") && !said.contains(output), "{said}");
    }
}

#[tokio::test]
async fn a_hash_that_would_take_all_there_is_is_refused_at_once() {
    let (hasher, good) = (hasher(CHEAP), made_elsewhere(CHEAP));
    for cost in ["m=1048577,t=1", "m=4294967295,t=1", "m=8,t=4294967295", "m=1048576,t=17"] {
        let hash = PasswordHash::from_stored(good.as_str().replace("m=8,t=1", cost));
        let said = unreadable(&hasher, hash).await;
        assert_eq!(said, format!("the stored hash cannot be verified: {cost} is beyond what a hash takes"));
    }
}

#[tokio::test]
async fn whoever_has_no_hash_costs_as_much_and_is_never_let_in() {
    let hasher = Hasher::new(Cost::default(), 1);
    let of_nobody = Stored::read(&PasswordHash::of_nobody(&hasher.cost)).unwrap();
    let own = Stored::read(&hasher.hash(password(RIGHT)).await.unwrap()).unwrap();
    assert_eq!(of_nobody.params, own.params, "the same memory, passes, lanes and output");
    for text in [RIGHT, Password::of_nobody().expose(), "\0"] {
        assert_eq!(hasher.verify_nobody(password(text)).await, Ok(Verified::No));
    }
    assert_eq!(hasher.pool.free(), 1, "its memory is the same too");
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_too_long_for_their_turn_is_not_hashed() {
    let hasher = Hasher::crowded(1).await;
    let late = hasher.hash(password(RIGHT)).await.unwrap_err();
    assert_eq!(late, "no turn within 2.5s");
    let late = Unverified::NotNow(late);
    assert_eq!(hasher.verify(&made_elsewhere(CHEAP), password(RIGHT)).await, Err(late.clone()));
    assert_eq!(hasher.verify_nobody(password(RIGHT)).await, Err(late));
}

#[tokio::test]
async fn memory_is_freed_when_idle() {
    let hasher = Hasher::new(Cost::default(), 1);
    hasher.hash(password(RIGHT)).await.unwrap();
    assert_eq!(hasher.pool.free(), 1);
    // Not before: the hash's thread does not make the clock wait.
    tokio::time::pause();
    tokio::time::sleep(IDLE * 2).await;
    assert_eq!(hasher.pool.free(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_password_verifies_against_its_own_hash_alone(one in "\\PC{1,256}", other in "\\PC{1,256}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let hasher = hasher(CHEAP);
            let hash = hasher.hash(password(&one)).await.unwrap();
            assert_eq!(hasher.verify(&hash, password(&one)).await, Ok(Verified::Yes));
            let expected = if one == other { Verified::Yes } else { Verified::No };
            assert_eq!(hasher.verify(&hash, password(&other)).await, Ok(expected));
        });
    }
}
