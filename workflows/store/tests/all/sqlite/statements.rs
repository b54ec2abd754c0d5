//! Every statement, as the database sees it.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Row};
use store::Sqlite;

use crate::world::{World, raw};

#[tokio::test]
async fn every_statement_prepares() {
    let w = World::in_a_file().await;
    let mut db = raw(&w.file()).await;
    for (name, sql) in Sqlite::statements() {
        let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN {sql}"))).fetch_all(&mut db).await;
        assert!(plan.is_ok_and(|plan| !plan.is_empty()), "{name}");
    }
}

#[tokio::test]
async fn every_statement_has_a_name_of_its_own() {
    let names: Vec<_> = Sqlite::statements().map(|(name, _)| name).collect();
    assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len());
    assert!(names.len() > 20, "{names:?}");
}

/// Runs once, when a process starts.
const COLD: [&str; 1] = ["release_leases"];

#[tokio::test]
async fn hot_statements_use_an_index() {
    let w = World::in_a_file().await;
    let mut db = raw(&w.file()).await;
    for (name, sql) in Sqlite::statements().filter(|(name, _)| !COLD.contains(name)) {
        let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).fetch_all(&mut db).await.unwrap();
        for row in plan {
            let detail: String = row.get("detail");
            assert!(!detail.starts_with("SCAN") || detail == "SCAN CONSTANT ROW", "{name}: {detail}");
            assert!(!detail.contains("TEMP B-TREE") || name == "accept.classify", "{name}: {detail}");
        }
    }
}
