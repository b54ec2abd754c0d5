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

#[tokio::test]
async fn every_argument_is_named_by_its_number() {
    for (name, sql) in Sqlite::statements() {
        // Statements that go together share their arguments, and sqlx would miscount those after a gap.
        assert!(!sql.contains('?'), "{name}");
    }
}

/// Runs once, when a process starts.
const COLD: [&str; 1] = ["release_leases"];
/// Read tables with a row for each process, operator, migration or signing key; or an index of what is stuck or wrong.
const SMALL: [&str; 9] = [
    "backlog.stuck",
    "evidence.counts",
    "evidence.findings",
    "evidence.suspects",
    "fleet.forget",
    "fleet.processes",
    "operators.list",
    "ready",
    "signing_keys.list",
];
/// Sort what they have found.
const SORTING: [&str; 5] = ["accept.classify", "evidence.look", "list.active", "sessions.list", "statistics.sums"];

#[tokio::test]
async fn hot_statements_use_an_index() {
    let w = World::in_a_file().await;
    let mut db = raw(&w.file()).await;
    for (name, sql) in Sqlite::statements().filter(|(name, _)| !COLD.contains(name) && !SMALL.contains(name)) {
        let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).fetch_all(&mut db).await.unwrap();
        for row in plan {
            let detail: String = row.get("detail");
            let given = [
                "SCAN CONSTANT ROW",
                "SCAN (subquery",
                "SCAN json_each VIRTUAL TABLE",
                "SCAN f VIRTUAL TABLE",
                "SCAN n VIRTUAL TABLE",
            ];
            let is_given = given.iter().any(|given| detail.starts_with(given));
            assert!(!detail.starts_with("SCAN") || is_given, "{name}: {detail}");
            assert!(!detail.contains("TEMP B-TREE") || SORTING.contains(&name), "{name}: {detail}");
        }
    }
}

#[tokio::test]
async fn lists_are_read_in_their_order_from_their_index() {
    let w = World::in_a_file().await;
    let mut db = raw(&w.file()).await;
    for (list, index) in [
        ("list.stuck", "USING INDEX sagas_stuck (id<?)"),
        ("list.active", "USING INDEX sagas_due (kind=?)"),
        ("list.coded", "USING INDEX sagas_coded (id<?)"),
        ("list.all", "USING INDEX sqlite_autoindex_sagas_1 (id<?)"),
    ] {
        let sql = Sqlite::statements().find(|(name, _)| *name == list).unwrap().1;
        let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).fetch_all(&mut db).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        assert!(plan[0].ends_with(index), "{list}: {plan:?}");
    }
}
