//! What the schema refuses, whoever asks.

use sqlx::{AssertSqlSafe, Executor, SqliteConnection};

use crate::world::{CLAIMS, ORGANIZATION, USER, World, by_sign_up, raw};

/// Why the database refuses a statement.
async fn refusal(db: &mut SqliteConnection, sql: &str) -> String {
    let refused = db.execute(AssertSqlSafe(sql.to_owned())).await;
    refused.err().map_or_else(|| panic!("not refused: {sql}"), |error| error.to_string())
}

#[tokio::test]
async fn an_ended_saga_cannot_be_changed_by_sql() {
    let mut w = World::in_a_file().await;
    w.complete("ada").await;
    w.fail("eve").await;
    let mut db = raw(&w.file()).await;
    for change in [
        "id = randomblob(16)",
        "kind = 'other'",
        "version = 2",
        "state = 'running', step = 'create_user', code = NULL, ended_at = NULL",
        "epoch = epoch + 1",
        "seq = seq + 1",
        "attempt = attempt + 1",
        "due_at = 0",
        "step_claimed_at = 1",
        "accepted_at = 0",
        "ended_at = ended_at + 1",
        "user_id = randomblob(16)",
        "organization_id = randomblob(16)",
        "decoy = NOT decoy",
        "profile_id = randomblob(16)",
        "email = 'mallory@example.com'",
        "email_key = 'mallory@example.com'",
        "full_name = 'Mallory'",
        "organization_name = 'Mallory'",
        "idempotency_key = x'00', idempotency_body = x'00'",
    ] {
        let refused = refusal(&mut db, &format!("UPDATE sagas SET {change}")).await;
        assert!(refused.contains("an ended saga never changes"), "{change}: {refused}");
    }
    let refused = refusal(&mut db, "DELETE FROM sagas").await;
    assert!(refused.contains("a saga is never deleted"), "{refused}");
    w.check().await;
}

#[tokio::test]
async fn personal_data_of_an_ended_saga_can_be_erased() {
    let w = World::in_a_file().await;
    w.fail("ada").await;
    let mut db = raw(&w.file()).await;
    let erase = "UPDATE sagas SET email = NULL, email_key = NULL, full_name = NULL, organization_name = NULL";
    assert_eq!(db.execute(erase).await.unwrap().rows_affected(), 1);
    let live = w.accept("eve").await;
    assert!(refusal(&mut db, erase).await.contains("CHECK"));
    assert_eq!(w.claim_one(&USER).await.fence.saga, live);
}

#[tokio::test]
async fn a_saga_is_never_deleted_by_sql() {
    let w = World::in_a_file().await;
    w.accept("ada").await;
    let mut db = raw(&w.file()).await;
    let refused = refusal(&mut db, "DELETE FROM sagas").await;
    assert!(refused.contains("a saga is never deleted"), "{refused}");
}

#[tokio::test]
async fn the_journal_cannot_be_changed_by_sql() {
    let mut w = World::in_a_file().await;
    w.disable(w.user("eve").await).await;
    w.reach("ada", &ORGANIZATION).await;
    let mut db = raw(&w.file()).await;
    for change in [
        "UPDATE saga_events SET kind = 'failed'",
        "UPDATE saga_events SET seq = seq + 10",
        "UPDATE saga_events SET at = 0",
        "DELETE FROM saga_events",
        "UPDATE user_events SET reason = 'another'",
        "DELETE FROM user_events",
    ] {
        let refused = refusal(&mut db, change).await;
        assert!(refused.contains("the journal is only added to"), "{change}: {refused}");
    }
    w.check().await;
}

/// `REPLACE` deletes what is in its way without firing triggers, on a connection that does not ask for it.
#[tokio::test]
async fn no_saga_and_no_event_can_be_replaced_by_sql() {
    let mut w = World::in_a_file().await;
    w.disable(w.user("cyd").await).await;
    w.fail("eve").await;
    w.store().accept(&w.marked("ada", 1, 1)).await.unwrap();
    w.check().await;
    let mut db = raw(&w.file()).await;
    // So that nothing but the triggers is in the way.
    db.execute("PRAGMA foreign_keys = off").await.unwrap();
    let columns = "kind, version, state, step, due_at, accepted_at, user_id, organization_id, profile_id, email";
    for (others, values) in [
        ("id", "id"),
        ("id, email_key", "randomblob(16), email_key"),
        ("id, idempotency_key, idempotency_body, email_key", "randomblob(16), idempotency_key, x'00', email_key"),
    ] {
        let replace = format!(
            "INSERT OR REPLACE INTO sagas ({others}, {columns})
             SELECT {values}, 'signup', 1, 'running', 'create_user', 0, 0, id, id, id, 'mallory@example.com'
               FROM sagas WHERE ended_at IS NULL"
        );
        assert_eq!(db.execute(AssertSqlSafe(replace)).await.unwrap().rows_affected(), 0, "{others}");
    }
    assert_eq!(db.execute("REPLACE INTO sagas SELECT * FROM sagas").await.unwrap().rows_affected(), 0);
    for journal in ["saga_events", "user_events"] {
        let refused = refusal(&mut db, &format!("REPLACE INTO {journal} SELECT * FROM {journal}")).await;
        assert!(refused.contains("the journal is only added to"), "{journal}: {refused}");
    }
    for (change, why) in [
        ("sagas SET id = (SELECT min(id) FROM sagas) WHERE ended_at IS NULL", "a saga stays itself"),
        ("sagas SET email_key = 'cyd@example.com' WHERE ended_at IS NULL", "a saga stays itself"),
        ("sagas SET idempotency_key = x'02' WHERE ended_at IS NULL", "a saga stays itself"),
        ("sagas SET decoy = NOT decoy WHERE ended_at IS NULL", "a saga stays itself"),
        ("saga_events SET seq = 0", "the journal is only added to"),
    ] {
        let refused = refusal(&mut db, &format!("UPDATE OR REPLACE {change}")).await;
        assert!(refused.contains(why), "{change}: {refused}");
    }
    assert_eq!(w.check().await.sagas.len(), 3);
}

#[tokio::test]
async fn an_action_without_a_signature_cannot_be_written() {
    let w = World::in_a_file().await;
    w.accept("ada").await;
    let mut db = raw(&w.file()).await;
    for (kind, operator, reason) in [
        ("retried", "NULL", "NULL"),
        ("resolved", "'ola'", "NULL"),
        ("rolled_back", "'ola'", "''"),
        ("retried", "''", "'why'"),
        ("done", "'ola'", "'why'"),
        ("failed", "NULL", "'why'"),
        ("meddled", "'ola'", "'why'"),
    ] {
        let insert = format!(
            "INSERT INTO saga_events (saga_id, seq, epoch, kind, step, attempt, operator, reason, at)
             SELECT id, 1, 1, '{kind}', step, 0, {operator}, {reason}, 0 FROM sagas"
        );
        let refused = refusal(&mut db, &insert).await;
        assert!(refused.contains("CHECK constraint failed"), "{kind}, {operator}, {reason}: {refused}");
    }
}

#[tokio::test]
async fn states_that_do_not_fit_together_cannot_be_written() {
    let w = World::in_a_file().await;
    w.accept("ada").await;
    let mut db = raw(&w.file()).await;
    for change in [
        "state = 'sleeping'",
        "step = NULL",
        "code = 'why'",
        "state = 'compensating'",
        "state = 'completed'",
        "state = 'completed', step = NULL",
        "state = 'failed', step = NULL, ended_at = 1",
        "ended_at = 1",
        "lease_until = 1",
        "lease_owner = 'me'",
        "state = 'completed', step = NULL, ended_at = 1, stuck_since = 1",
        "idempotency_body = x'00'",
        "email = NULL",
    ] {
        let refused = refusal(&mut db, &format!("UPDATE sagas SET {change}")).await;
        assert!(refused.contains("CHECK constraint failed"), "{change}: {refused}");
    }
}

#[tokio::test]
async fn nothing_is_made_twice_or_without_its_saga() {
    let w = World::in_a_file().await;
    w.reach("ada", &CLAIMS).await;
    let mut db = raw(&w.file()).await;
    for (sql, why) in [
        ("INSERT INTO organizations SELECT randomblob(16), saga_id, name, 0 FROM organizations", "UNIQUE"),
        ("INSERT INTO organizations VALUES (randomblob(16), randomblob(16), 'Orphans', 0)", "FOREIGN KEY"),
        (
            "INSERT INTO users VALUES (randomblob(16), randomblob(16), 'e@x.org', 'e@x.org', '', 'active', NULL, 0, 0, 0)",
            "FOREIGN KEY",
        ),
        ("UPDATE users SET status = 'half'", "CHECK"),
        ("DELETE FROM users", "FOREIGN KEY"),
        ("DELETE FROM organizations", "FOREIGN KEY"),
    ] {
        let refused = refusal(&mut db, sql).await;
        assert!(refused.contains(why), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn no_sign_up_has_two_sessions_and_no_session_is_nobodys() {
    let w = World::in_a_file().await;
    w.begin(&by_sign_up(1, w.complete("ada").await)).await.unwrap();
    let mut db = raw(&w.file()).await;
    let columns = "id, user_id, saga_id, epoch, began_at, generation, issued_at, expires_at";
    for (values, why) in [
        ("randomblob(16), user_id, saga_id, 0, 0, 0, 0, 0", "UNIQUE"),
        ("id, user_id, NULL, 0, 0, 0, 0, 0", "UNIQUE"),
        ("randomblob(16), randomblob(16), NULL, 0, 0, 0, 0, 0", "FOREIGN KEY"),
        ("randomblob(16), user_id, randomblob(16), 0, 0, 0, 0, 0", "FOREIGN KEY"),
        ("randomblob(16), user_id, NULL, 0, 0, 4294967296, 0, 0", "CHECK"),
        ("randomblob(16), user_id, NULL, 0, 0, -1, 0, 0", "CHECK"),
    ] {
        let refused =
            refusal(&mut db, &format!("INSERT INTO sessions ({columns}) SELECT {values} FROM sessions")).await;
        assert!(refused.contains(why), "{values}: {refused}");
    }
}
