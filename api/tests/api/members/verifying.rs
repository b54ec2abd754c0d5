//! What others verify access tokens with.

use accounts::{Keyring, MasterKey, SigningKey, SigningKeys, StoredKey};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};

use super::Member;
use crate::stage::Stage;

async fn published(stage: &Stage) -> JwkSet {
    let answer = stage.get("/.well-known/jwks.json", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, Some("public, max-age=300")));
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn a_common_verifier_takes_a_token_with_what_is_published() {
    let member = Member::new().await;
    let tokens = member.signed_in().await;
    let header = decode_header(&tokens.access).unwrap();
    assert_eq!((header.alg, header.typ.as_deref()), (Algorithm::ES256, Some("at+jwt")));
    let keys = published(&member.stage).await;
    let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&["https://signup.test"]);
    validation.set_issuer(&["https://signup.test"]);
    // The stage's clock stands still.
    validation.validate_exp = false;
    let read = decode::<Value>(&tokens.access, &key, &validation).unwrap();
    assert_eq!(read.claims["sub"], member.user.to_string());
}

#[tokio::test]
async fn the_configuration_leads_to_the_keys_whatever_the_request_says() {
    let stage = Stage::new();
    let answer = stage.get("/.well-known/openid-configuration", &[("host", "evil.test")]).await;
    let document = answer.json();
    assert_eq!(document["issuer"], "https://signup.test");
    assert_eq!(document["jwks_uri"], "https://signup.test/.well-known/jwks.json");
    assert_eq!(document["id_token_signing_alg_values_supported"], json!(["ES256"]));
}

#[tokio::test]
async fn a_public_key_that_somebody_has_put_into_the_database_verifies_nothing() {
    let stage = Stage::new();
    published(&stage).await;
    let memory = &stage.store.memory;
    let now = saga::Clock::now(&*stage.hands);
    let planted = {
        let due = Keyring::new(memory.keys().await.unwrap()).successor(now);
        StoredKey::seal(due, &SigningKey::generate().unwrap(), &MasterKey::new([66; 32]), now)
    };
    assert!(memory.add(&planted).await.unwrap());
    let other = Stage::beside(&stage, MasterKey::new([5; 32]));
    let keys = published(&other).await;
    assert_eq!(keys.keys.len(), 1);
    assert!(keys.find(planted.id.as_str()).is_none());
}

#[tokio::test]
async fn without_a_key_that_opens_nobody_signs_in_and_no_key_is_made() {
    let stage = Stage::new();
    published(&stage).await;
    let other = Stage::beside(&stage, MasterKey::new([66; 32]));
    other.get("/.well-known/jwks.json", &[]).await.assert_problem(503, "unavailable");
    assert_eq!(stage.store.memory.keys().await.unwrap().len(), 1);
}
