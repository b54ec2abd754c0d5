//! Nobody gets in without an access token.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::Member;

/// Every endpoint of users that is described: method and path.
fn routes() -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&api::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let routes = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        let ours = methods.filter(|(_, operation)| operation["security"] == json!([{ "user": [] }]));
        ours.map(|(method, _)| (method.to_uppercase(), path.replace("{id}", "ses_00000000000000000000000000000000")))
    });
    routes.collect()
}

#[tokio::test]
async fn every_route_answers_nobody_without_a_token() {
    let member = Member::new().await;
    let tokens = member.signed_in().await;
    let (known, operator) = (tokens.bearer(), member.stage.hire("ola").await);
    let (head, signature) = tokens.access.rsplit_once('.').unwrap();
    let turned: String = signature.chars().rev().collect();
    let attempts = [
        vec![],
        vec![("authorization", "Bearer".to_owned())],
        vec![("authorization", "Bearer x".to_owned())],
        vec![("authorization", format!("Bearer {head}.{turned}"))],
        vec![("authorization", format!("Bearer {head}."))],
        vec![("authorization", format!("Basic {}", tokens.access))],
        vec![("authorization", format!("Bearer {}", tokens.refresh))],
        vec![("authorization", operator)],
        vec![("authorization", known.clone()), ("authorization", known.clone())],
        vec![("cookie", known.clone())],
    ];
    let routes = routes();
    assert!(routes.len() >= 5, "{routes:?}");
    for (method, path) in &routes {
        for headers in &attempts {
            let request = Request::builder().method(&**method).uri(path);
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
            let answer = member.stage.send(request.body(Body::empty()).unwrap()).await;
            answer.assert_problem(401, "sign_in_required");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{method} {path}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
    assert!(member.is_live(&tokens).await);
    for (method, path) in routes {
        // The one before may have ended all sessions.
        let known = member.signed_in().await.bearer();
        let request = Request::builder().method(&*method).uri(&path).header("authorization", known);
        let answer = member.stage.send(request.body(Body::empty()).unwrap()).await;
        assert_ne!(answer.status, 401, "{method} {path}");
    }
}

#[tokio::test]
async fn a_token_is_good_for_ten_minutes() {
    let member = Member::new().await;
    let tokens = member.signed_in().await;
    member.stage.hands.go_on(600 + 29);
    assert!(member.is_live(&tokens).await);
    member.stage.hands.go_on(1);
    assert!(!member.is_live(&tokens).await);
}

#[tokio::test]
async fn a_users_token_opens_no_door_of_the_operators() {
    let member = Member::new().await;
    let tokens = member.signed_in().await;
    member.get("/v1/admin/sagas", &tokens).await.assert_problem(401, "unauthorized");
}
