//! Nobody gets in without a token.

use axum::body::Body;
use axum::http::Request;
use saga::store::Error;
use serde_json::{Value, json};
use signup::{OperatorRole, OperatorToken, Operators, UserId};
use uuid::Uuid;

use super::Office;
use crate::stage::{Answer, Stage, any_saga};

/// Every operators' endpoint that is described: method, path, and the role that it takes.
fn routes() -> Vec<(String, String, OperatorRole)> {
    let document: Value = serde_json::from_str(&api::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let ours = paths.filter(|(path, _)| path.starts_with("/v1/admin")).flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(move |(method, operation)| {
            let role = operation["security"][0]["operator"][0].as_str().unwrap_or_default();
            assert_eq!(operation["security"], json!([{ "operator": [role] }]), "{method} {path}");
            (method.to_uppercase(), path.replace("{id}", &id(path)), role.parse().unwrap())
        })
    });
    ours.collect()
}

/// What the path may be about, which does not exist.
fn id(path: &str) -> String {
    if path.starts_with("/v1/admin/users/") { UserId(Uuid::from_u128(1)).to_string() } else { any_saga().to_string() }
}

async fn knock(stage: &Stage, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    stage.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn every_route_answers_nobody_without_a_token() {
    let stage = Stage::new();
    let known = stage.hire("ada").await;
    let token = known.strip_prefix("Bearer ").unwrap();
    let unknown = format!("Bearer {}", OperatorToken::new([9; 32]).reveal());
    let (basic, bare, two, cut) =
        (format!("Basic {token}"), token.to_owned(), format!("{known} {token}"), known[..known.len() - 1].to_owned());
    let attempts = [
        vec![],
        vec![("authorization", "")],
        vec![("authorization", "Bearer")],
        vec![("authorization", "Bearer ")],
        vec![("authorization", "Bearer x")],
        vec![("authorization", "Bearer sgo_")],
        vec![("authorization", &*cut)],
        vec![("authorization", &*two)],
        vec![("authorization", &*basic)],
        vec![("authorization", &*bare)],
        vec![("authorization", &*unknown)],
        vec![("authorization", &*known), ("authorization", &*known)],
        vec![("cookie", &*known)],
    ];
    let routes = routes();
    assert!(routes.len() >= 11, "{routes:?}");
    for (method, path, _) in routes {
        // What else is wrong with a request is not for strangers to learn.
        for path in [path.clone(), format!("{path}?unheard_of=1"), path.replace("wf_", "no_").replace("usr_", "no_")] {
            for headers in &attempts {
                let answer = knock(&stage, &method, &path, headers).await;
                answer.assert_problem(401, "unauthorized");
                assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{method} {path}");
                assert_eq!(answer.header("cache-control"), Some("no-store"));
            }
            let answer = knock(&stage, &method, &path, &[("authorization", &known)]).await;
            assert_ne!(answer.status, 401, "{method} {path}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
}

#[tokio::test]
async fn every_route_lets_in_its_role_and_whoever_may_do_more() {
    let stage = Stage::new();
    let viewer = stage.hire_as(OperatorRole::Viewer, "vera").await;
    let operator = stage.hire_as(OperatorRole::Operator, "ola").await;
    let routes = routes();
    assert!(OperatorRole::ALL.iter().all(|role| routes.iter().any(|(.., needed)| needed == role)), "{routes:?}");
    for (method, path, needed) in routes {
        // Whoever may not act changes nothing, whatever the document says.
        assert!(method == "GET" || needed.may_act(), "{method} {path}");
        for (role, token) in [(OperatorRole::Viewer, &viewer), (OperatorRole::Operator, &operator)] {
            // What else is wrong with a request is not for those to learn who may not make it.
            for path in [path.clone(), path.replace("wf_", "no_").replace("usr_", "no_")] {
                let answer = knock(&stage, &method, &path, &[("authorization", token)]).await;
                if role.may_act() || !needed.may_act() {
                    assert!(![401, 403].contains(&answer.status.as_u16()), "{role}: {method} {path}: {answer:?}");
                } else {
                    answer.assert_problem(403, "forbidden");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_revoked_token_opens_nothing_from_then_on() {
    let office = Office::open().await;
    assert_eq!(office.get("/v1/admin/sagas").await.status, 200);
    assert!(office.stage.store.memory.revoke(&"ada".parse().unwrap()).await.unwrap());
    office.get("/v1/admin/sagas").await.assert_problem(401, "unauthorized");
}

#[tokio::test]
async fn the_scheme_may_be_in_any_case() {
    let office = Office::open().await;
    let token = office.token.replace("Bearer ", "bEARER  ");
    assert_eq!(office.stage.get("/v1/admin/sagas", &[("authorization", &token)]).await.status, 200);
}

#[tokio::test]
async fn a_store_in_trouble_is_unavailable_and_its_error_is_not_shown() {
    let office = Office::open().await;
    for (error, status, name) in [
        (Error::Unavailable("a secret".into()), 503, "unavailable"),
        (Error::InDoubt("a secret".into()), 503, "unavailable"),
        (Error::Unreadable("a secret".into()), 500, "internal"),
    ] {
        office.stage.store.errors.lock().unwrap().push_back(error.clone());
        let answer = office.get("/v1/admin/sagas").await;
        answer.assert_problem(status, name);
        assert_eq!(answer.header("retry-after"), (status == 503).then_some("1"));
        *office.stage.store.load_error.lock().unwrap() = Some(error);
        let answer = office.get(&format!("/v1/admin/sagas/{}", any_saga())).await;
        answer.assert_problem(status, name);
        assert!(!String::from_utf8(answer.body).unwrap().contains("secret"));
    }
}
