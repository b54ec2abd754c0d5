//! What holds for every route.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::stage::{Answer, Stage, ada, any_saga, completed, post};

const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; \
                           style-src 'self' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; \
                           img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                           frame-ancestors 'none'";

async fn send(stage: &Stage, method: &str, path: &str) -> Answer {
    stage.send(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn every_answer_has_the_headers_that_keep_browsers_safe() {
    let stage = Stage::new();
    let saga = any_saga();
    stage.store.put(saga, completed());
    let status = format!("/v1/signups/{saga}");
    let mut answers = Vec::new();
    for (method, path, expected) in [
        ("GET", &*status, 200),
        ("HEAD", &status, 200),
        ("OPTIONS", &status, 204),
        ("DELETE", &status, 405),
        ("GET", "/v1/signups/x", 404),
        ("GET", "/v1/signups", 405),
        ("POST", "/v1/signups", 415),
        ("GET", "/v1/x", 404),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/docs", 308),
        ("GET", "/docs/", 200),
        ("GET", "/docs/swagger-ui-bundle.js", 200),
        ("GET", "/docs/x", 404),
        ("GET", "/", 303),
        ("GET", "//etc/passwd", 404),
        ("FROBNICATE", "/healthz", 405),
    ] {
        let answer = send(&stage, method, path).await;
        assert_eq!(answer.status.as_u16(), expected, "{method} {path}");
        answers.push((format!("{method} {path}"), answer));
    }
    answers.push(("a sign-up".into(), stage.sign_up(&[]).await));
    stage.store.load_panics.store(true, Ordering::Relaxed);
    let operator = stage.hire("ada").await;
    let panics = format!("/v1/admin/sagas/{saga}");
    answers.push(("a panic".into(), stage.get(&panics, &[("authorization", &operator)]).await));
    for (what, answer) in answers {
        let docs = what.starts_with("GET /docs/") && answer.status == 200;
        let (policy, cache) = if docs { (DOCS_POLICY, "max-age=3600") } else { (API_POLICY, "no-store") };
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("content-security-policy", policy),
            ("cache-control", cache),
        ] {
            let values: Vec<_> = answer.headers.get_all(name).into_iter().collect();
            assert_eq!(values, [value], "{what}: {name}");
        }
        assert!(answer.header("x-request-id").is_some(), "{what}");
    }
}

#[tokio::test]
async fn the_root_leads_to_the_documentation() {
    let answer = Stage::new().get("/", &[]).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, Some("/docs/")));
}

#[tokio::test]
async fn an_error_is_a_problem_wherever_it_happens() {
    let stage = Stage::new();
    send(&stage, "GET", "/nowhere").await.assert_problem(404, "not_found");
    send(&stage, "GET", "/docs/nothing").await.assert_problem(404, "not_found");
    send(&stage, "GET", "/docs/%FF").await.assert_problem(404, "not_found");
    for (method, path, allowed) in [
        ("GET", "/v1/signups", "POST"),
        ("DELETE", "/v1/signups/x", "GET,HEAD"),
        ("POST", "/healthz", "GET,HEAD"),
        ("POST", "/openapi.json", "GET,HEAD"),
        ("PUT", "/docs/", "GET,HEAD"),
    ] {
        let answer = send(&stage, method, path).await;
        answer.assert_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
        let options = send(&stage, "OPTIONS", path).await;
        assert_eq!((options.status, options.header("allow")), (StatusCode::NO_CONTENT, Some(allowed)));
    }
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_tells_nothing() {
    let stage = Stage::new();
    stage.store.load_panics.store(true, Ordering::Relaxed);
    let operator = stage.hire("ada").await;
    for path in ["/v1/signups", "/v1/admin/sagas"] {
        let answer = stage.get(&format!("{path}/{}", any_saga()), &[("authorization", &operator)]).await;
        answer.assert_problem(500, "internal");
        assert!(!String::from_utf8(answer.body).unwrap().contains("secret"));
    }
}

#[tokio::test]
async fn a_request_id_is_kept_if_it_is_plain_and_replaced_otherwise() {
    let stage = Stage::new();
    let longest = "a".repeat(64);
    for id in ["a", "A.b_c-9", &longest] {
        let answer = stage.get("/healthz", &[("x-request-id", id)]).await;
        assert_eq!(answer.header("x-request-id"), Some(id));
    }
    let mut made = Vec::new();
    for id in ["", "a b", "a\u{e9}", "a,b", "<a>", &"a".repeat(65)] {
        let answer = stage.get("/healthz", &[("x-request-id", id)]).await;
        made.push(answer.header("x-request-id").unwrap().to_owned());
    }
    made.push(stage.get("/healthz", &[]).await.header("x-request-id").unwrap().to_owned());
    assert!(made.iter().all(|id| id.len() == 36 && id.as_bytes()[14] == b'7'), "{made:?}");
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 7);
}

#[tokio::test]
async fn a_healthy_process_says_so_whatever_its_store_does() {
    let stage = Stage::new();
    stage.store.load_panics.store(true, Ordering::Relaxed);
    let answer = stage.get("/healthz", &[]).await;
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, serde_json::json!({ "status": "ok" })));
}

#[tokio::test]
async fn the_documentation_asks_nobody_else() {
    let stage = Stage::new();
    let page = String::from_utf8(stage.get("/docs/", &[]).await.body).unwrap();
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
    let start = String::from_utf8(stage.get("/docs/swagger-initializer.js", &[]).await.body).unwrap();
    assert!(page.contains("<title>signup-saga API</title>"), "{page}");
    assert!(start.contains(r#""url": "/openapi.json""#), "{start}");
    assert!(start.contains(r#""validatorUrl": "none""#), "{start}");
}

#[tokio::test]
async fn the_one_style_within_the_documentation_is_the_one_that_is_allowed() {
    let script = Stage::new().get("/docs/swagger-ui-standalone-preset.js", &[]).await.body;
    let script = String::from_utf8(script).unwrap();
    let style = ".logo_small_svg__cls-2{fill:#fff}.logo_small_svg__cls-3{fill:#85ea2d}";
    assert!(script.contains(style), "Swagger UI has changed: open /docs/ in a browser, and see what it refuses");
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style));
    assert!(DOCS_POLICY.contains(&format!("'sha256-{hash}'")), "{hash}");
}

#[tokio::test]
async fn nothing_is_built_from_the_host_header() {
    let stage = Stage::new();
    let token = stage.hire("grace").await;
    let poison =
        [("host", "evil.example"), ("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example;proto=http")];
    let answer = stage.send(post(&ada().to_string(), &poison)).await;
    assert!(answer.header("location").unwrap().starts_with("/v1/signups/wf_"));
    let status_url = answer.json()["status_url"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), Some(&*status_url));
    let mut answers = vec![answer];
    let headers = [&poison[..], &[("x-forwarded-proto", "evil"), ("authorization", &token)]].concat();
    for path in
        [&*status_url, "/", "/docs", "/docs/", "/openapi.json", "/nowhere", "/v1/admin/sagas", "/v1/admin/workers"]
    {
        answers.push(stage.get(path, &headers).await);
    }
    // As a proxy is asked.
    answers.push(stage.get("http://evil.example/docs", &headers).await);
    for answer in answers {
        let head = format!("{:?}", answer.headers);
        let body = String::from_utf8(answer.body).unwrap();
        assert!(!head.contains("evil") && !body.contains("evil"), "{head} {body}");
    }
}

#[tokio::test]
async fn every_endpoint_that_is_described_has_them_and_keeps_its_answers_out_of_caches() {
    let document: Value = serde_json::from_str(&api::openapi()).unwrap();
    let stage = Stage::new();
    let token = stage.hire("grace").await;
    let mut asked = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in
            methods.as_object().unwrap().keys().filter(|name| ["get", "post", "delete"].contains(&name.as_str()))
        {
            let path = path.replace("{id}", &any_saga().to_string());
            let request = Request::builder().method(&*method.to_uppercase()).uri(&path).header("x-request-id", "r-1");
            let request = request.header("authorization", &token);
            let answer = stage.send(request.body(Body::empty()).unwrap()).await;
            let is_for_everybody = path.starts_with("/.well-known/");
            let cache = if is_for_everybody { "public, max-age=300" } else { "no-store" };
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("x-frame-options", "DENY"),
                ("content-security-policy", API_POLICY),
                ("cache-control", cache),
                ("x-request-id", "r-1"),
            ] {
                assert_eq!(answer.header(name), Some(value), "{method} {path}: {name}");
            }
            asked += 1;
        }
    }
    assert!(asked >= 10, "{asked}");
}
