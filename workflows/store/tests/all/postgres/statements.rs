//! Every statement, as the server sees it.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};
use store::Postgres;

use crate::world::{World, open_postgres, raw_postgres};

/// Runs once, when a process starts that is alone with its database.
const COLD: [&str; 1] = ["release_leases"];
/// Read all of a table with a row for each process, operator or signing key.
const SMALL: [&str; 5] = ["fleet.beat", "fleet.processes", "operators.list", "room", "signing_keys.list"];

/// A connection as the store's statements run on.
async fn connection(w: &World) -> PgConnection {
    open_postgres(&w.database()).await.connection().await.unwrap()
}

async fn prepare(db: &mut PgConnection, name: &str, sql: &str) -> String {
    let prepared = format!("s_{}", name.replace('.', "_"));
    db.execute(AssertSqlSafe(format!("PREPARE {prepared} AS {sql}"))).await.unwrap_or_else(|e| panic!("{name}: {e}"));
    prepared
}

/// The plan of a prepared statement, whatever its arguments.
async fn plan(db: &mut PgConnection, prepared: &str) -> String {
    let count = "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = $1";
    let count: i32 = sqlx::query_scalar(count).bind(prepared).fetch_one(&mut *db).await.unwrap();
    let nulls = vec!["NULL"; usize::try_from(count).unwrap()].join(", ");
    let nulls = if nulls.is_empty() { nulls } else { format!("({nulls})") };
    let rows = sqlx::raw_sql(AssertSqlSafe(format!("EXPLAIN EXECUTE {prepared}{nulls}"))).fetch_all(db).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(0) + "\n").collect()
}

#[tokio::test]
async fn every_statement_prepares() {
    let w = World::in_postgres().await;
    let mut db = raw_postgres(&w.database()).await;
    for (name, sql) in Postgres::statements() {
        prepare(&mut db, name, sql).await;
    }
}

#[test]
fn every_statement_has_a_name_of_its_own() {
    let names: Vec<_> = Postgres::statements().map(|(name, _)| name).collect();
    assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len());
    assert!(names.len() > 20, "{names:?}");
}

#[tokio::test]
async fn hot_statements_use_an_index() {
    let w = World::in_postgres().await;
    let mut db = connection(&w).await;
    for (name, sql) in Postgres::statements().filter(|(name, _)| !COLD.contains(name) && !SMALL.contains(name)) {
        let prepared = prepare(&mut db, name, sql).await;
        let plan = plan(&mut db, &prepared).await;
        // The test's own clock is a table of one row.
        let plan: String = plan.lines().filter(|line| !line.contains("Seq Scan on clock")).collect();
        for bad in ["Seq Scan", "Hash Join", "Merge Join"] {
            assert!(!plan.contains(bad), "{name}: {plan}");
        }
    }
}

/// Sagas that ended long ago, with an event each.
const ENDED: &str = "
INSERT INTO sagas (id, kind, version, state, due_at, accepted_at, ended_at, user_id, organization_id, profile_id)
SELECT gen_random_uuid(), 'signup', 1, 'completed', 'epoch', 'epoch', 'epoch', gen_random_uuid(), gen_random_uuid(),
       gen_random_uuid()
  FROM generate_series(1, 20000);
INSERT INTO saga_events (saga_id, seq, epoch, kind, attempt, at) SELECT id, 0, 0, 'accepted', 0, 'epoch' FROM sagas
    ON CONFLICT DO NOTHING;
ANALYZE sagas, saga_events;";

async fn fill(w: &World) {
    raw_postgres(&w.database()).await.execute(ENDED).await.unwrap();
}

#[tokio::test]
async fn lists_are_read_in_their_order_from_their_index() {
    let w = World::in_postgres().await;
    fill(&w).await;
    let mut db = connection(&w).await;
    for (list, index) in [
        ("list.stuck", "sagas_stuck"),
        ("list.active", "sagas_sweep"),
        ("list.coded", "sagas_coded"),
        ("list.all", "Backward using sagas_pkey"),
    ] {
        let sql = Postgres::statements().find(|(name, _)| *name == list).unwrap().1;
        let prepared = prepare(&mut db, list, sql).await;
        let plan = plan(&mut db, &prepared).await;
        assert!(plan.contains(index), "{list}: {plan}");
        assert_eq!(plan.contains("Sort"), list == "list.active", "{list}: {plan}");
    }
}

/// How many rows the parts of a plan took, used or not.
fn rows(plan: &Value) -> f64 {
    let number = |key: &str| plan.get(key).and_then(Value::as_f64).unwrap_or_default();
    let loops = number("Actual Loops");
    let own = (number("Actual Rows") + number("Rows Removed by Filter")) * loops;
    let parts = plan.get("Plans").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    own + parts.iter().map(rows).sum::<f64>()
}

#[tokio::test]
async fn statements_do_not_walk_what_has_ended() {
    let w = World::in_postgres().await;
    let saga = w.accept("ada").await;
    let mut db = connection(&w).await;
    fill(&w).await;
    let id = saga.uuid();
    let commit = format!(
        "ARRAY['{id}']::uuid[], ARRAY[0], ARRAY[0], ARRAY['running'], ARRAY['create_user'], ARRAY[NULL],
         ARRAY['running'], ARRAY['create_organization'], ARRAY[NULL], ARRAY[NULL::bigint], ARRAY[false], ARRAY['done'],
         ARRAY[NULL], ARRAY[NULL], ARRAY[NULL], ARRAY[NULL], ARRAY[1], ARRAY['w'], ARRAY[1], ARRAY[NULL], ARRAY['x'],
         ARRAY[20000], ARRAY[false]"
    );
    let page = "'signup', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 0, NULL, NULL, NULL, false, 50";
    for (name, arguments) in [
        ("claim", "'signup', 'create_user', 1, 2, 10, 'w', 20000"),
        ("claim.these", &*format!("'signup', 'create_user', 1, 2, 10, 'w', 20000, ARRAY['{id}']::uuid[]")),
        ("accept.classify", &*format!("ARRAY['{id}']::uuid[], ARRAY['\\x01']::bytea[], ARRAY['ada@example.com']")),
        ("list.active", page),
        ("list.stuck", page),
        ("list.coded", page),
        ("list.all", page),
        ("commit.create_user", &*commit),
        ("commit.delete_user", &*commit),
        ("commit.create_organization", &*commit),
        ("housekeep.silent", "45000, 1000"),
        ("housekeep.wipe", "900000, 1000"),
        ("housekeep.forget", "86400000, 1000"),
        ("views", &*format!("ARRAY['{id}']::uuid[]")),
        ("backlog.longest", "'signup', ARRAY['create_user', 'create_profile'], 2"),
        ("events", &*format!("'{id}', 0")),
    ] {
        let sql = Postgres::statements().find(|(known, _)| *known == name).unwrap().1;
        let prepared = prepare(&mut db, name, sql).await;
        db.execute("BEGIN").await.unwrap();
        let explain = format!("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE {prepared}({arguments})");
        let row = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_one(&mut db).await;
        let told: String = row.unwrap_or_else(|error| panic!("{name}: {error}")).try_get_unchecked(0).unwrap();
        db.execute("ROLLBACK").await.unwrap();
        let told: Value = serde_json::from_str(&told).unwrap();
        let rows = rows(&told[0]["Plan"]);
        assert!(rows < 1000.0, "{name}: {rows} rows, {told:#}");
    }
}
