//! Web pages that ask the API from a browser.

use std::sync::atomic::Ordering;

use api::{Condition, Quotas};
use axum::body::Body;
use axum::http::{HeaderName, Request, StatusCode};

use crate::stage::{Answer, Stage, ada, any_saga, completed, post, trouble};

const PAGE: &str = "https://app.example.com";

fn stage() -> Stage {
    Stage::with_pages(Quotas::default(), "https://app.example.com,http://localhost:3000")
}

/// A browser asks whether a page may.
async fn preflight(stage: &Stage, path: &str, origin: &str) -> Answer {
    let request = Request::options(path).header("origin", origin).header("access-control-request-method", "POST");
    let request = request.header("access-control-request-headers", "content-type,idempotency-key");
    stage.send(request.body(Body::empty()).unwrap()).await
}

/// What of this is about pages.
fn about_pages(answer: &Answer) -> Vec<&str> {
    answer.headers.keys().map(HeaderName::as_str).filter(|name| name.starts_with("access-control-")).collect()
}

fn words(answer: &Answer, name: &str) -> Vec<String> {
    let mut words: Vec<_> = answer.header(name).unwrap().split(',').map(|word| word.trim().to_lowercase()).collect();
    words.sort();
    words
}

#[tokio::test]
async fn a_browser_is_told_what_a_page_may_do() {
    let stage = stage();
    for path in ["/v1/signups", "/v1/signups/x", "/healthz", "/nowhere"] {
        for origin in [PAGE, "http://localhost:3000"] {
            let answer = preflight(&stage, path, origin).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
            assert_eq!(answer.header("access-control-max-age"), Some("3600"));
            assert_eq!(answer.header("vary"), Some("origin"));
            assert_eq!(words(&answer, "access-control-allow-methods"), ["delete", "get", "post"]);
            let headers = [
                "authorization",
                "content-type",
                "idempotency-key",
                "if-none-match",
                "last-event-id",
                "prefer",
                "x-request-id",
            ];
            assert_eq!(words(&answer, "access-control-allow-headers"), headers);
            assert_eq!(answer.header("access-control-allow-credentials"), None);
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            assert!(answer.header("x-request-id").is_some());
        }
    }
    assert_eq!(stage.store.tries(), 0);
}

#[tokio::test]
async fn a_page_may_read_every_answer_errors_too() {
    let stage = Stage::with_pages(Quotas { address: 2, email: 10 }, PAGE);
    let page = [("origin", PAGE)];
    let id = any_saga();
    stage.store.put(id, completed());
    let status = format!("/v1/signups/{id}");
    stage.parts[0].becomes(Some(Condition::Down(trouble("away"))));
    let mut answers = vec![
        (200, stage.get(&status, &page).await),
        (202, stage.sign_up(&page).await),
        (404, stage.get("/nowhere", &page).await),
        (405, stage.get("/v1/signups", &page).await),
        (422, stage.send(post("{}", &page)).await),
        (202, stage.sign_up(&page).await),
        (429, stage.send(post(&ada().to_string(), &page)).await),
        (503, stage.get("/readyz", &page).await),
    ];
    stage.store.load_panics.store(true, Ordering::Relaxed);
    answers.push((500, stage.get(&format!("/v1/signups/{}", any_saga()), &page).await));
    for (expected, answer) in &answers {
        assert_eq!(answer.status.as_u16(), *expected, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE), "{expected}");
        assert_eq!(answer.header("vary"), Some("origin"), "{expected}");
        let read = [
            "etag",
            "idempotency-replayed",
            "location",
            "preference-applied",
            "ratelimit",
            "ratelimit-policy",
            "retry-after",
            "x-request-id",
        ];
        assert_eq!(words(answer, "access-control-expose-headers"), read, "{expected}");
        assert_eq!(about_pages(answer).len(), 2, "{expected}");
    }
}

#[tokio::test]
async fn other_pages_may_not_and_are_answered_as_anybody() {
    let stage = stage();
    for origin in ["https://evil.example", "null", "https://app.example.com.evil.example", "http://app.example.com"] {
        let answer = preflight(&stage, "/v1/signups", origin).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
        let answer = stage.get("/healthz", &[("origin", origin)]).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (StatusCode::OK, None), "{origin}");
        assert_eq!(answer.header("vary"), Some("origin"), "what is kept of it is not shown to pages that may");
    }
}

#[tokio::test]
async fn where_no_page_may_nothing_is_said_of_pages() {
    let stage = Stage::new();
    let answers = [
        preflight(&stage, "/v1/signups", PAGE).await,
        stage.sign_up(&[("origin", PAGE)]).await,
        stage.get("/nowhere", &[("origin", PAGE)]).await,
    ];
    for answer in &answers {
        assert!(about_pages(answer).is_empty() && answer.header("vary").is_none(), "{answer:?}");
    }
    assert_eq!((answers[0].status, answers[0].header("allow")), (StatusCode::NO_CONTENT, Some("POST")));
}

#[tokio::test]
async fn no_page_operates() {
    let stage = stage();
    let token = stage.hire("grace").await;
    let path = "/v1/admin/sagas";
    assert!(about_pages(&preflight(&stage, path, PAGE).await).is_empty());
    let answer = stage.get(path, &[("origin", PAGE), ("authorization", &token)]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(about_pages(&answer).is_empty(), "{answer:?}");
}

#[tokio::test]
async fn asking_for_the_methods_of_a_path_is_no_question_of_a_browser() {
    let request = Request::options("/v1/signups").body(Body::empty()).unwrap();
    let answer = stage().send(request).await;
    assert_eq!((answer.status, answer.header("allow")), (StatusCode::NO_CONTENT, Some("POST")));
}
