//! Operators: finding what is stuck, and mending it.

use std::path::{Path, PathBuf};

use auditor::invariants;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor};
use tests::{Server, eventually, run_with};

use crate::embedded::{ended, facts};

/// Its last step but one is refused, so it is undone; a trigger can keep that from working.
const REFUSED: &str = "sabotage create_profile:refuse";
/// An id that no saga has.
const UNKNOWN: &str = "wf_00000000000000000000000000000000";

/// A server with a data folder, and an operator at the command line.
struct Shift {
    server: Server,
    data: PathBuf,
    _folder: tempfile::TempDir,
}

/// What a command came to.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Shift {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Self { server: Server::start(&data).await.unwrap(), data, _folder: folder }
    }

    /// Runs `signup`, told where the service and the token are.
    async fn signup(&self, arguments: &[&str]) -> Said {
        self.signup_with(arguments, &[]).await
    }

    async fn signup_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
        let place = ["--url", self.server.url(), "--data-dir", self.data.to_str().unwrap()];
        said(&[arguments, &place].concat(), variables).await
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        let said = self.signup(&[arguments, &["--json"]].concat()).await;
        assert_eq!((said.code, &*said.err), (Some(0), ""), "{arguments:?}");
        serde_json::from_str(&said.out).unwrap()
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", token(&self.data))
    }

    async fn refuse_deletes(&self) {
        let refuse = "CREATE TRIGGER keep BEFORE DELETE ON organizations BEGIN SELECT RAISE(ABORT, 'kept'); END";
        write(&self.data, refuse).await;
    }

    async fn allow_deletes(&self) {
        write(&self.data, "DROP TRIGGER keep").await;
    }

    /// A sign-up whose undo does not work.
    async fn stuck(&self, email: &str) -> String {
        let answer = self.server.client().sign_up(email, REFUSED, 0).await.unwrap();
        let id = answer.text("workflow_id").to_owned();
        let listed = || async {
            let stuck = self.json(&["saga", "list", "--stuck"]).await;
            ids(&stuck).contains(&id).then_some(())
        };
        eventually("it is stuck", listed).await.unwrap();
        id
    }
}

async fn said(arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let output = run_with(arguments, variables).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn token(data: &Path) -> String {
    std::fs::read_to_string(data.join("operator.token")).unwrap().trim().to_owned()
}

async fn write(data: &Path, sql: &'static str) {
    let options = SqliteConnectOptions::new().filename(data.join("signup.db"));
    let mut connection = options.connect().await.unwrap();
    connection.execute(sql).await.unwrap();
}

fn ids(page: &Value) -> Vec<String> {
    page["sagas"].as_array().unwrap().iter().map(|saga| saga["workflow_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_stuck_saga_is_found_retried_once_its_cause_is_mended_and_ends() {
    let shift = Shift::start().await;
    let empty = shift.signup(&["saga", "list", "--stuck"]).await;
    assert_eq!((empty.code, &*empty.out), (Some(0), "no stuck sagas\n"), "{}", empty.err);
    shift.refuse_deletes().await;
    let id = shift.stuck("ada@example.com").await;

    let list = shift.signup(&["saga", "list", "--stuck"]).await.out;
    for part in ["ID", &*id, "compensating", "create_organization", "sabotaged", "stuck since", "kept"] {
        assert!(list.contains(part), "{part}: {list}");
    }
    assert!(list.lines().all(|line| line.chars().count() <= 100), "{list}");
    let saga = shift.signup(&["saga", "show", &id]).await.out;
    for part in
        ["undo_failed", "kept", "exists    user", "organization", "next", "retry     tries to undo", "impossible:"]
    {
        assert!(saga.contains(part), "{part}: {saga}");
    }
    assert!(saga.lines().all(|line| line.chars().count() <= 100 || line.contains("next")), "{saga}");

    let early = shift.signup(&["saga", "resolve", &id, "--reason", "impatience"]).await;
    assert_eq!(early.code, Some(4));
    assert!(early.err.contains("something is left of the saga"), "{}", early.err);
    let back = shift.signup(&["saga", "rollback", &id, "--reason", "impatience"]).await;
    assert_eq!(back.code, Some(4));
    assert!(back.err.contains("is going back already") && back.err.lines().count() == 1, "{}", back.err);

    shift.allow_deletes().await;
    let seen = shift.json(&["saga", "show", &id]).await;
    let seq = seen["seq"].as_u64().unwrap();
    let stale = (seq - 1).to_string();
    let moved = shift.signup(&["saga", "retry", &id, "--reason", "the trigger is gone", "--seq", &stale]).await;
    assert_eq!(moved.code, Some(4));
    assert!(moved.err.contains("no longer where it was seen"), "{}", moved.err);
    let done = shift.signup(&["saga", "retry", &id, "--reason", "the trigger is gone"]).await;
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.out.contains("tries to undo create_organization again at once"), "{}", done.out);

    // Far sooner than the five minutes after which it would be tried by itself.
    let answer = ended(&shift.server.client(), &id).await;
    assert_eq!((answer.text("status"), answer.text("code")), ("failed", "sabotaged"));
    let saga = shift.json(&["saga", "show", &id]).await;
    assert_eq!((&saga["exists"], &saga["stuck_since"]), (&json!([]), &Value::Null));
    let retried = saga["events"].as_array().unwrap().iter().find(|event| event["event"] == "retried").unwrap();
    assert_eq!((&retried["operator"], &retried["reason"]), (&json!("admin"), &json!("the trigger is gone")));
    let late = shift.signup(&["saga", "retry", &id, "--reason", "once more"]).await;
    assert_eq!((late.code, late.err.contains("has ended")), (Some(4), true), "{}", late.err);

    let log = shift.server.log().unwrap();
    assert!(log.contains("operator acted") && !log.contains("sgo_"), "{log}");
    assert!(shift.server.terminate().await.unwrap().success());
    assert_eq!(invariants::violations(&facts(&shift.data).await), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_clicks_at_once_one_takes_effect() {
    let shift = Shift::start().await;
    shift.refuse_deletes().await;
    let id = shift.stuck("ada@example.com").await;
    let seq = shift.json(&["saga", "show", &id]).await["seq"].clone();
    let body = json!({ "reason": "a hundred times", "seq": seq }).to_string();
    let clicks: Vec<_> = (0..100)
        .map(|_| {
            let (client, bearer, body) = (shift.server.client(), shift.bearer(), body.clone());
            let path = format!("/v1/admin/sagas/{id}/retry");
            tokio::spawn(async move {
                let headers = [("authorization", &*bearer), ("content-type", "application/json")];
                client.post(&path, &headers, body).await.unwrap()
            })
        })
        .collect();
    let mut statuses = Vec::new();
    for click in clicks {
        let answer = click.await.unwrap();
        assert!(answer.status == 200 || answer.text("type") == "/problems/saga_moved", "{answer:?}");
        statuses.push(answer.status);
    }
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (200, &[409; 99][..]));
}

#[tokio::test]
async fn a_running_saga_is_rolled_back() {
    let shift = Shift::start().await;
    let answer = shift.server.client().sign_up("ada@example.com", "sabotage update_claims:fail", 0).await.unwrap();
    let id = answer.text("workflow_id").to_owned();
    // The saga may go on between the look and the action: then it is looked at again, as a person would.
    let rolled_back = || async {
        let said = shift.signup(&["saga", "rollback", &id, "--reason", "she asked for it", "--json"]).await;
        assert!(matches!(said.code, Some(0 | 4)), "{}", said.err);
        (said.code == Some(0)).then_some(said.out)
    };
    let saga = eventually("it is rolled back", rolled_back).await.unwrap();
    assert!(serde_json::from_str::<Value>(&saga).unwrap()["events"].is_array());
    let answer = ended(&shift.server.client(), &id).await;
    assert_eq!((answer.text("status"), answer.text("code")), ("failed", "rolled_back"));
}

#[tokio::test]
async fn all_pages_are_one_document() {
    let shift = Shift::start().await;
    for number in 0..3 {
        let answer = shift.server.client().sign_up(&format!("user{number}@example.com"), "Ada", 5).await.unwrap();
        assert_eq!(answer.status, 201);
    }
    let page = shift.json(&["saga", "list", "--limit", "2"]).await;
    assert_eq!((ids(&page).len(), page["next_cursor"].is_string()), (2, true));
    let all = shift.json(&["saga", "list", "--all", "--status", "completed"]).await;
    assert_eq!(ids(&all).len(), 3);
    let said = shift.signup(&["saga", "list", "--limit", "2"]).await;
    assert!(said.out.contains("there are more"), "{}", said.out);
}

#[tokio::test]
async fn the_process_that_serves_is_listed_as_alive() {
    let shift = Shift::start().await;
    let alive = || async {
        let worker = shift.json(&["worker", "list"]).await["workers"][0].clone();
        (worker["state"] == "alive").then_some(worker)
    };
    let worker = eventually("it tells that it lives", alive).await.unwrap();
    assert_eq!(worker["pid"].as_u64(), shift.server.pid().map(u64::from));
    assert!(worker["busy"]["create_user"]["slots"].as_u64().unwrap() > 0, "{worker}");
    let list = shift.signup(&["worker", "list"]).await.out;
    for part in ["NAME", "serve", "alive", "ago", worker["name"].as_str().unwrap()] {
        assert!(list.contains(part), "{part}: {list}");
    }
}

#[tokio::test]
async fn a_failure_is_one_line_with_an_exit_code_of_its_own() {
    let shift = Shift::start().await;
    let nobody = format!("sgo_{}", "A".repeat(43));
    for (arguments, variables, code, part) in [
        (&["saga", "show", UNKNOWN][..], &[][..], 3, "There is no such sign-up"),
        (&["saga", "retry", UNKNOWN, "--reason", "x"], &[], 3, "There is no such sign-up"),
        (&["saga", "list", "--step", "nothing"], &[], 2, "step must be one of create_user"),
        (&["saga", "list", "--older-than", "5"], &[], 2, "older_than must be a duration"),
        (&["saga", "list"], &[("SIGNUP_OPERATOR_TOKEN", &*nobody)], 1, "token from SIGNUP_OPERATOR_TOKEN"),
        (&["saga", "list"], &[("SIGNUP_OPERATOR_TOKEN", "garbage")], 1, "is no operator's token"),
        (&["saga", "list"], &[("SIGNUP_OPERATOR_TOKEN_FILE", "/nowhere")], 1, "cannot read the operator's token"),
    ] {
        let said = shift.signup_with(arguments, variables).await;
        assert_eq!(
            (said.code, said.err.lines().count(), &*said.out),
            (Some(code), 1, ""),
            "{arguments:?}: {}",
            said.err
        );
        assert!(said.err.starts_with("signup: ") && said.err.contains(part), "{part}: {}", said.err);
        assert!(!said.err.contains("sgo_A"), "{}", said.err);
    }
    for wrong in [&["saga", "show", "x"][..], &["saga", "retry", UNKNOWN], &["saga", "list", "--limit", "0"], &["saga"]]
    {
        assert_eq!(shift.signup(wrong).await.code, Some(2), "{wrong:?}");
    }
    let data = shift.data.to_str().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = said(&["saga", "list", "--url", &format!("http://{free}"), "--data-dir", data], &[]).await;
    assert_eq!(gone.code, Some(1));
    assert!(gone.err.contains(&format!("nothing answers at http://{free}: start `signup serve`")), "{}", gone.err);
    let strange = said(&["saga", "list", "--url", "ftp://x", "--data-dir", data], &[]).await;
    assert_eq!((strange.code, strange.err.contains("is no URL of a service")), (Some(2), true), "{}", strange.err);
    let lost = said(&["saga", "list", "--data-dir", "/nowhere"], &[]).await;
    assert!(lost.err.contains("no operator's token: set SIGNUP_OPERATOR_TOKEN"), "{}", lost.err);
}

#[tokio::test]
async fn the_first_token_is_in_its_file_and_others_are_added_while_it_serves() {
    let shift = Shift::start().await;
    let first = token(&shift.data);
    let data = shift.data.to_str().unwrap();
    let added = said(&["operator", "add", "grace", "--data-dir", data, "--json"], &[]).await;
    assert_eq!(added.code, Some(0), "{}", added.err);
    let document: Value = serde_json::from_str(&added.out).unwrap();
    let other = document["token"].as_str().unwrap().to_owned();
    assert_eq!((&document["name"], other == first), (&json!("grace"), false));
    let bearer = format!("Bearer {other}");
    let list = shift.server.client().get_with("/v1/admin/sagas", &[("authorization", &bearer)]).await.unwrap();
    assert_eq!(list.status, 200);
    let again = said(&["operator", "add", "grace", "--data-dir", data], &[]).await;
    assert_eq!((again.code, again.out.is_empty()), (Some(1), true));
    assert!(again.err.contains("there is an operator called grace already"), "{}", again.err);
    assert_eq!(said(&["operator", "add", "No One", "--data-dir", data], &[]).await.code, Some(2));
    assert_eq!(said(&["operator", "add", "x", "--data-dir", "/nowhere"], &[]).await.code, Some(1));

    let first_banner = shift.server.banner.clone();
    assert!(shift.server.terminate().await.unwrap().success());
    let server = Server::start(&shift.data).await.unwrap();
    // Whatever collects its output has no token, neither of the first start nor of this one.
    assert!(!first_banner.contains("sgo_") && !server.banner.contains("sgo_"));
    assert!(!server.log().unwrap().contains("sgo_"));
    let list = server.client().get_with("/v1/admin/sagas", &[("authorization", &format!("Bearer {first}"))]).await;
    assert_eq!(list.unwrap().status, 200);
    for headers in [&[][..], &[("authorization", "Bearer x")]] {
        let answer = server.client().get_with("/v1/admin/workers", headers).await.unwrap();
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"));
    }
    // What was not printed is not stored in the clear either.
    for name in ["signup.db", "signup.db-wal"] {
        let bytes = std::fs::read(shift.data.join(name)).unwrap_or_default();
        assert!(!bytes.windows(4).any(|part| part == b"sgo_"), "{name}");
    }
}

#[tokio::test]
async fn a_viewer_sees_and_does_not_act_and_who_is_revoked_does_neither() {
    let shift = Shift::start().await;
    let data = shift.data.to_str().unwrap();
    let added = said(&["operator", "add", "vera", "--role", "viewer", "--data-dir", data, "--json"], &[]).await;
    let added: Value = serde_json::from_str(&added.out).unwrap();
    let environment = [("SIGNUP_URL", shift.server.url()), ("SIGNUP_OPERATOR_TOKEN", added["token"].as_str().unwrap())];
    shift.refuse_deletes().await;
    let id = shift.stuck("grace@example.com").await;

    assert!(said(&["saga", "list", "--stuck"], &environment).await.out.contains(&id));
    let refused = said(&["saga", "retry", &id, "--reason", "to see"], &environment).await;
    assert_eq!(refused.code, Some(1), "{}", refused.err);
    assert!(refused.err.contains("Your role does not allow this"), "{}", refused.err);
    assert!(!shift.signup(&["saga", "show", &id]).await.out.contains("retried"));

    let revoked = said(&["operator", "revoke", "vera", "--data-dir", data], &[]).await;
    assert_eq!((revoked.code, &*revoked.out), (Some(0), "The token of vera opens nothing any more.\n"));
    let shut_out = said(&["saga", "list"], &environment).await;
    assert_eq!((shut_out.code, shut_out.out.is_empty()), (Some(1), true), "{}", shut_out.err);
    assert!(shift.signup(&["saga", "list"]).await.out.contains(&id), "others are not");

    let list = said(&["operator", "list", "--data-dir", data, "--json"], &[]).await;
    let list: Value = serde_json::from_str(&list.out).unwrap();
    let told = |name: &str| list["operators"].as_array().unwrap().iter().find(|told| told["name"] == name).unwrap();
    assert_eq!((&told("admin")["role"], &told("admin")["revoked_at"]), (&json!("operator"), &Value::Null));
    assert_eq!((&told("vera")["role"], told("vera")["revoked_at"].is_string()), (&json!("viewer"), true));
    assert_eq!(said(&["operator", "revoke", "nobody", "--data-dir", data], &[]).await.code, Some(1));
    assert_eq!(said(&["operator", "add", "x", "--role", "god", "--data-dir", data], &[]).await.code, Some(2));
}

#[tokio::test]
async fn a_person_at_a_terminal_is_shown_the_first_token_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start_on_a_terminal(&data).await.unwrap();
    let first = token(&data);
    assert!(server.banner.contains(&first), "{}", server.banner);
    server.kill().await.unwrap();
    let again = || async { Server::start_on_a_terminal(&data).await.ok() };
    let server = eventually("the folder is free again", again).await.unwrap();
    assert!(!server.banner.contains("sgo_"), "{}", server.banner);
}
