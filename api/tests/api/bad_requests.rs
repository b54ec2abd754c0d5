//! Requests that cannot be accepted.

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Request;
use futures_util::stream;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::stage::{Answer, PASSWORD, Stage, ada, post};

/// The wrong fields of a body, with their messages.
async fn wrong(body: &Value) -> Vec<(String, String)> {
    wrong_text(&body.to_string()).await
}

async fn wrong_text(body: &str) -> Vec<(String, String)> {
    let stage = Stage::new();
    let problem = stage.send(post(body, &[])).await.assert_problem(422, "invalid_fields");
    assert_eq!(stage.store.tries(), 0);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    problem["errors"].as_array().unwrap().iter().map(|e| (text(&e["field"]), text(&e["message"]))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(field, message)| ((*field).to_owned(), (*message).to_owned())).collect()
}

#[tokio::test]
async fn every_wrong_field_is_named_with_what_is_wrong() {
    let guessable = "is among the first that an attacker tries; choose one that is harder to guess";
    let no_address = "must be an e-mail address such as ada@example.com";
    let cases = [
        ("email", json!("ada"), "email", no_address),
        ("email", json!(""), "email", no_address),
        ("email", json!(format!("{}@example.com", "a".repeat(65))), "email", "is too long for an e-mail address"),
        ("email", json!(null), "email", "is required"),
        ("email", json!(["ada@example.com"]), "email", "must be a string"),
        ("password", json!("short"), "password", "must have at least 8 characters"),
        ("password", json!("x".repeat(257)), "password", "must have at most 256 characters"),
        ("password", json!("password"), "password", guessable),
        ("password", json!("ada lovelace"), "password", guessable),
        ("password", json!(12_345_678), "password", "must be a string"),
        ("full_name", json!(" "), "full_name", "must not be empty; leave the field out instead"),
        ("full_name", json!("a\nb"), "full_name", "must not have line breaks or control characters"),
        ("full_name", json!(true), "full_name", "must be a string"),
        ("organization_name", json!("x".repeat(201)), "organization_name", "must have at most 200 characters"),
        ("organization_name", json!({}), "organization_name", "must be a string"),
        ("role", json!("admin"), "role", "is not a field of this request"),
        ("<script>", json!(1), "", "has an unknown field"),
    ];
    for (field, value, named, message) in cases {
        let mut body = ada();
        body[field] = value;
        assert_eq!(wrong(&body).await, pairs(&[(named, message)]), "{field}");
    }
}

#[tokio::test]
async fn all_wrong_fields_are_told_at_once() {
    let body = json!({ "email": "x", "password": "x", "full_name": "", "organization_name": 1, "is_admin": true });
    let fields: Vec<String> = wrong(&body).await.into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["email", "full_name", "organization_name", "password", "is_admin"]);
    assert_eq!(wrong(&json!({})).await, pairs(&[("email", "is required"), ("password", "is required")]));
}

#[tokio::test]
async fn a_field_given_twice_is_refused_whichever_would_count() {
    let body = format!(r#"{{"email":"ada@example.com","password":"{PASSWORD}","email":"eve@example.com"}}"#);
    assert_eq!(wrong_text(&body).await, pairs(&[("email", "is given more than once")]));
}

#[tokio::test]
async fn only_an_object_has_fields() {
    for body in ["[]", "\"text\"", "1", "null", "true", r#"[{"email":"ada@example.com"}]"#] {
        assert_eq!(wrong_text(body).await, pairs(&[("", "the body must be a JSON object")]), "{body}");
    }
}

#[tokio::test]
async fn an_answer_lists_at_most_16_wrong_fields() {
    let body: serde_json::Map<_, _> = (0..500).map(|i| (format!("f{i}"), json!(1))).collect();
    assert_eq!(wrong(&body.into()).await.len(), 16);
}

#[tokio::test]
async fn what_is_not_json_is_told_by_its_place_alone() {
    let deep = "[".repeat(16_000);
    for (body, line, column) in [
        ("", 1, 0),
        ("{", 1, 1),
        ("{\n  \"email\": hunter2\n}", 2, 12),
        ("{\"email\": \"ada@example.com\",}", 1, 29),
        ("{\"email\": \"\\ud800\"}", 1, 18),
        ("{} {}", 1, 4),
        ("{\"email\": 1e999}", 1, 15),
        (&format!("{{\"email\": {deep}"), 1, 137),
        ("email=ada%40example.com", 1, 1),
    ] {
        let answer = Stage::new().send(post(body, &[])).await;
        let problem = answer.assert_problem(400, "malformed_json");
        assert_eq!((&problem["line"], &problem["column"]), (&json!(line), &json!(column)), "{body:.40}");
        let detail = problem["detail"].as_str().unwrap();
        let expected = match column {
            0 => "Send a JSON object; the body is empty.".to_owned(),
            column => format!("Send valid JSON; reading stopped at line {line}, column {column}."),
        };
        assert_eq!(detail, expected);
        assert!(!String::from_utf8(answer.body).unwrap().contains("hunter2"));
    }
    let mut request = post("", &[]);
    *request.body_mut() = Body::from(&b"{\"email\": \"\xff\"}"[..]);
    Stage::new().send(request).await.assert_problem(400, "malformed_json");
}

#[tokio::test]
async fn what_is_not_said_to_be_json_is_not_read() {
    for kind in ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/json", "json"] {
        let mut request = post(&ada().to_string(), &[]);
        request.headers_mut().insert("content-type", kind.parse().unwrap());
        Stage::new().send(request).await.assert_problem(415, "unsupported_media_type");
    }
    let request = Request::post("/v1/signups").body(Body::from(ada().to_string())).unwrap();
    Stage::new().send(request).await.assert_problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn what_is_encoded_is_not_read() {
    for encoding in ["gzip", "br", "deflate, gzip", "identity, gzip"] {
        let answer = Stage::new().send(post(&ada().to_string(), &[("content-encoding", encoding)])).await;
        let problem = answer.assert_problem(415, "unsupported_encoding");
        assert!(problem["detail"].as_str().unwrap().contains("Content-Encoding"), "{problem}");
        assert_eq!(answer.header("accept-encoding"), Some("identity"));
    }
    let plain = Stage::new().send(post(&ada().to_string(), &[("content-encoding", "Identity")])).await;
    assert_eq!(plain.status, 202);
}

#[tokio::test]
async fn a_body_is_16_kib_at_most_however_it_comes() {
    let padded = |size: usize| {
        let body = ada().to_string();
        " ".repeat(size - body.len()) + &body
    };
    assert_eq!(Stage::new().send(post(&padded(16 * 1024), &[])).await.status, 202);
    Stage::new().send(post(&padded(16 * 1024 + 1), &[])).await.assert_problem(413, "body_too_large");
    let endless = stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(&[b' '; 1000])));
    let mut request = post("", &[]);
    *request.body_mut() = Body::from_stream(endless);
    Stage::new().send(request).await.assert_problem(413, "body_too_large");
}

#[tokio::test]
async fn a_password_of_10_megabytes_costs_nothing() {
    let body = json!({ "email": "ada@example.com", "password": "x".repeat(10_000_000) }).to_string();
    let begun = Instant::now();
    Stage::new().send(post(&body, &[])).await.assert_problem(413, "body_too_large");
    assert!(begun.elapsed() < Duration::from_millis(500));
}

#[tokio::test(start_paused = true)]
async fn a_body_may_take_15_seconds() {
    let mut request = post("", &[]);
    *request.body_mut() = Body::from_stream(stream::pending::<io::Result<Bytes>>());
    let begun = Instant::now();
    Stage::new().send(request).await.assert_problem(408, "body_timeout");
    assert_eq!(begun.elapsed(), Duration::from_secs(15));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_incomplete() {
    let mut request = post("", &[]);
    let broken = [Ok(Bytes::from_static(b"{")), Err(io::Error::other("gone"))];
    *request.body_mut() = Body::from_stream(stream::iter(broken));
    Stage::new().send(request).await.assert_problem(400, "incomplete_body");
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-zé@. ]{0,40}".prop_map(Value::from),
        Just(json!("ada@example.com")),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let field = prop_oneof![
        Just("email".to_owned()),
        Just("password".to_owned()),
        Just("full_name".to_owned()),
        Just("organization_name".to_owned()),
        any::<String>(),
    ];
    let fields = prop::collection::vec((field, value()), 0..8).prop_map(|fields| {
        let members: Vec<String> = fields.iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
        format!("{{{}}}", members.join(",")).into_bytes()
    });
    let damaged = (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| {
        let mut body = ada().to_string().into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        body
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..1000), fields, damaged]
}

#[test]
fn no_bytes_at_all_are_answered_with_an_error_of_ours() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stage = runtime.block_on(async { Stage::new() });
    let send = |body: Vec<u8>, header: &[u8]| -> Answer {
        let mut request = post("", &[]);
        *request.body_mut() = Body::from(body);
        for name in ["idempotency-key", "x-request-id", "if-none-match"] {
            if let Ok(value) = axum::http::HeaderValue::from_bytes(header) {
                request.headers_mut().insert(name, value);
            }
        }
        runtime.block_on(stage.send(request))
    };
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(400) });
    let inputs = (body(), prop::collection::vec(any::<u8>(), 0..20));
    runner
        .run(&inputs, |(body, header)| {
            let answer = send(body, &header);
            prop_assert!(answer.status.as_u16() < 500, "{:?}", answer);
            prop_assert!(!answer.body.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes()));
            Ok(())
        })
        .unwrap();
}
