//! The OpenAPI document.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::stage::Stage;

#[tokio::test]
async fn the_committed_document_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let generated = api::openapi();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generated, "api/openapi.json is not what the code says: run `UPDATE=1 cargo test -p api`");
    assert_eq!(Stage::new().get("/openapi.json", &[]).await.body, generated.into_bytes());
}

#[test]
fn every_answer_with_a_body_has_an_example() {
    let document: Value = serde_json::from_str(&api::openapi()).unwrap();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let mut answers = 0;
    for operation in operations {
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert_ne!(response["description"], "", "{operation:#}");
            for (media_type, content) in response["content"].as_object().into_iter().flatten() {
                let id = &operation["operationId"];
                let examples = content["examples"].as_object().is_some_and(|all| !all.is_empty());
                assert!(examples || !content["example"].is_null(), "{id} {status} {media_type}");
                answers += 1;
            }
        }
    }
    assert!(answers > 10);
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document: Value = serde_json::from_str(&api::openapi()).unwrap();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 5);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}
