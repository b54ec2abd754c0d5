//! What the schema refuses, whoever asks.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::world::{CLAIMS, ORGANIZATION, USER, World, by_sign_up, raw_postgres};

/// Why the database refuses a statement.
async fn refusal(db: &mut PgConnection, sql: &str) -> String {
    let refused = db.execute(AssertSqlSafe(sql.to_owned())).await;
    // Told of the error before all that it leads to is over: until then it may hold locks.
    db.ping().await.unwrap();
    refused.err().map_or_else(|| panic!("not refused: {sql}"), |error| error.to_string())
}

#[tokio::test]
async fn an_ended_saga_cannot_be_changed_by_sql() {
    let mut w = World::in_postgres().await;
    w.complete("ada").await;
    w.fail("eve").await;
    let mut db = raw_postgres(&w.database()).await;
    for change in [
        "id = gen_random_uuid()",
        "kind = 'other'",
        "version = 2",
        "state = 'running', step = 'create_user', code = NULL, ended_at = NULL",
        "epoch = epoch + 1",
        "seq = seq + 1",
        "attempt = attempt + 1",
        "due_at = 'epoch'",
        "step_claimed_at = 'epoch'",
        "accepted_at = 'epoch'",
        "ended_at = ended_at + interval '1 s'",
        "user_id = gen_random_uuid()",
        "organization_id = gen_random_uuid()",
        "decoy = NOT decoy",
        "profile_id = gen_random_uuid()",
        "email = 'mallory@example.com'",
        "email_key = 'mallory@example.com'",
        "full_name = 'Mallory'",
        "organization_name = 'Mallory'",
        "idempotency_key = '\\x00', idempotency_body = '\\x00'",
    ] {
        let refused = refusal(&mut db, &format!("UPDATE sagas SET {change}")).await;
        assert!(refused.contains("an ended saga never changes"), "{change}: {refused}");
    }
    let refused = refusal(&mut db, "DELETE FROM sagas").await;
    assert!(refused.contains("a saga is never deleted"), "{refused}");
    w.check().await;
}

#[tokio::test]
async fn a_saga_under_way_stays_itself() {
    let mut w = World::in_postgres().await;
    w.store().accept(&w.marked("ada", 1, 1)).await.unwrap();
    let mut db = raw_postgres(&w.database()).await;
    for change in [
        "id = gen_random_uuid()",
        "email_key = 'mallory@example.com'",
        "idempotency_key = '\\x00'",
        "decoy = NOT decoy",
    ] {
        let refused = refusal(&mut db, &format!("UPDATE sagas SET {change}")).await;
        assert!(refused.contains("a saga stays itself"), "{change}: {refused}");
    }
    w.check().await;
}

#[tokio::test]
async fn personal_data_of_an_ended_saga_can_be_erased() {
    let w = World::in_postgres().await;
    w.fail("ada").await;
    let mut db = raw_postgres(&w.database()).await;
    let erase = "UPDATE sagas SET email = NULL, email_key = NULL, full_name = NULL, organization_name = NULL";
    assert_eq!(db.execute(erase).await.unwrap().rows_affected(), 1);
    let live = w.accept("eve").await;
    assert!(refusal(&mut db, erase).await.contains("check"));
    assert_eq!(w.claim_one(&USER).await.fence.saga, live);
}

#[tokio::test]
async fn a_saga_is_never_deleted_by_sql() {
    let w = World::in_postgres().await;
    w.accept("ada").await;
    let mut db = raw_postgres(&w.database()).await;
    let refused = refusal(&mut db, "DELETE FROM sagas").await;
    assert!(refused.contains("a saga is never deleted"), "{refused}");
}

#[tokio::test]
async fn the_journal_cannot_be_changed_by_sql() {
    let mut w = World::in_postgres().await;
    w.disable(w.user("eve").await).await;
    w.reach("ada", &ORGANIZATION).await;
    let mut db = raw_postgres(&w.database()).await;
    for change in [
        "UPDATE saga_events SET kind = 'failed'",
        "UPDATE saga_events SET seq = seq + 10",
        "UPDATE saga_events SET at = 'epoch'",
        "DELETE FROM saga_events",
        "UPDATE user_events SET reason = 'another'",
        "DELETE FROM user_events",
    ] {
        let refused = refusal(&mut db, change).await;
        assert!(refused.contains("the journal is only added to"), "{change}: {refused}");
    }
    w.check().await;
}

#[tokio::test]
async fn neither_sagas_nor_the_journal_can_be_emptied_by_sql() {
    let mut w = World::in_postgres().await;
    w.disable(w.user("ada").await).await;
    let mut db = raw_postgres(&w.database()).await;
    for (sql, why) in [
        ("TRUNCATE saga_events", "the journal is only added to"),
        ("TRUNCATE user_events", "the journal is only added to"),
        ("TRUNCATE sagas CASCADE", "a saga is never deleted"),
    ] {
        let refused = refusal(&mut db, sql).await;
        assert!(refused.contains(why), "{sql}: {refused}");
    }
    w.check().await;
}

#[tokio::test]
async fn an_action_without_a_signature_cannot_be_written() {
    let w = World::in_postgres().await;
    w.accept("ada").await;
    let mut db = raw_postgres(&w.database()).await;
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
             SELECT id, 1, 1, '{kind}', step, 0, {operator}, {reason}, 'epoch' FROM sagas"
        );
        let refused = refusal(&mut db, &insert).await;
        assert!(refused.contains("violates check constraint"), "{kind}, {operator}, {reason}: {refused}");
    }
}

#[tokio::test]
async fn states_that_do_not_fit_together_cannot_be_written() {
    let w = World::in_postgres().await;
    w.accept("ada").await;
    let mut db = raw_postgres(&w.database()).await;
    for change in [
        "state = 'sleeping'",
        "step = NULL",
        "code = 'why'",
        "state = 'compensating'",
        "state = 'completed'",
        "state = 'completed', step = NULL",
        "state = 'failed', step = NULL, ended_at = 'epoch'",
        "ended_at = 'epoch'",
        "lease_until = 'epoch'",
        "lease_owner = 'me'",
        "state = 'completed', step = NULL, ended_at = 'epoch', stuck_since = 'epoch'",
        "idempotency_body = '\\x00'",
        "email = NULL",
    ] {
        let refused = refusal(&mut db, &format!("UPDATE sagas SET {change}")).await;
        assert!(refused.contains("violates check constraint"), "{change}: {refused}");
    }
}

#[tokio::test]
async fn nothing_is_made_twice_or_without_its_saga() {
    let w = World::in_postgres().await;
    w.reach("ada", &CLAIMS).await;
    let mut db = raw_postgres(&w.database()).await;
    for (sql, why) in [
        ("INSERT INTO organizations SELECT gen_random_uuid(), saga_id, name, 'epoch' FROM organizations", "unique"),
        ("INSERT INTO organizations VALUES (gen_random_uuid(), gen_random_uuid(), 'Orphans', 'epoch')", "foreign key"),
        (
            "INSERT INTO users VALUES (gen_random_uuid(), gen_random_uuid(), 'e@x.org', 'e@x.org', '', 'active', NULL, 'epoch', 0, 0)",
            "foreign key",
        ),
        ("UPDATE users SET status = 'half'", "check"),
        ("DELETE FROM users", "foreign key"),
        ("DELETE FROM organizations", "foreign key"),
    ] {
        let refused = refusal(&mut db, sql).await;
        assert!(refused.contains(why), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn no_sign_up_has_two_sessions_and_no_session_is_nobodys() {
    let w = World::in_postgres().await;
    w.begin(&by_sign_up(1, w.complete("ada").await)).await.unwrap();
    let mut db = raw_postgres(&w.database()).await;
    let columns = "id, user_id, saga_id, epoch, began_at, generation, issued_at, expires_at";
    for (values, why) in [
        ("gen_random_uuid(), user_id, saga_id, 0, began_at, 0, began_at, began_at", "unique"),
        ("id, user_id, NULL, 0, began_at, 0, began_at, began_at", "unique"),
        ("gen_random_uuid(), gen_random_uuid(), NULL, 0, began_at, 0, began_at, began_at", "foreign key"),
        ("gen_random_uuid(), user_id, gen_random_uuid(), 0, began_at, 0, began_at, began_at", "foreign key"),
        ("gen_random_uuid(), user_id, NULL, 0, began_at, 4294967296, began_at, began_at", "check"),
        ("gen_random_uuid(), user_id, NULL, 0, began_at, -1, began_at, began_at", "check"),
    ] {
        let refused =
            refusal(&mut db, &format!("INSERT INTO sessions ({columns}) SELECT {values} FROM sessions")).await;
        assert!(refused.contains(why), "{values}: {refused}");
    }
}
