//! Signing up where nobody is to learn whose e-mail is known.

use auditor::facts::Facts;
use auditor::invariants;
use futures_util::future::join_all;
use jiff::Timestamp;
use saga::testing::Pace;
use serde_json::json;
use tests::{Answer, PASSWORD, Server, eventually, run_with};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::embedded::{self, ended};
use crate::site::Site;

const PRIVATE: [(&str, &str); 1] = [("SIGNUP_DUPLICATE_EMAIL", "private")];
/// Its second step hangs until its time is over, several times: it is under way all the while.
const HANGS: &str = "sabotage create_organization:hang4";
/// A lease lasts 2 s: nobody ends those of a process that is gone from PostgreSQL.
const QUICK: [(&str, &str); 1] = [(Pace::VARIABLE, "0.1")];
const STEPS: [&str; 4] = ["create_user", "create_organization", "create_profile", "update_claims"];

/// A place for a service, on one of the databases.
struct House {
    folder: tempfile::TempDir,
    site: Option<Site>,
}

impl House {
    /// One on each.
    async fn both() -> [Self; 2] {
        let site = Some(Site::with_database().await);
        [None, site].map(|site| Self { folder: tempfile::tempdir().unwrap(), site })
    }

    async fn open(&self) -> Server {
        self.open_with(&[]).await
    }

    async fn open_with(&self, variables: &[(&str, &str)]) -> Server {
        let variables = [&PRIVATE, variables].concat();
        match &self.site {
            Some(site) => site.serve_with("one", &variables).await,
            None => Server::start_in(&self.data(), &[], &variables).await.unwrap(),
        }
    }

    fn data(&self) -> std::path::PathBuf {
        self.site.as_ref().map_or_else(|| self.folder.path().join("data"), |site| site.data("one"))
    }

    /// Everything, of which every invariant holds. The server must have stopped.
    async fn check(&self) -> Facts {
        let facts = match &self.site {
            Some(site) => site.facts().await,
            None => embedded::facts(&self.data()).await,
        };
        assert_eq!(invariants::violations(&facts), Vec::<String>::new());
        facts
    }
}

/// Sends a request, and reads every byte of its answer.
async fn exchange(server: &Server, request: &str) -> String {
    let address = server.url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Asks to sign up, for a client who has never asked before.
async fn post(server: &Server, email: &str, client: usize, wait: u32) -> String {
    let body = json!({ "email": email, "password": PASSWORD, "full_name": "Ada" }).to_string();
    let request = format!(
        "POST /v1/signups HTTP/1.1\r\nhost: signup\r\nconnection: close\r\nx-forwarded-for: 192.0.2.{client}\r\n\
         content-type: application/json\r\nprefer: wait={wait}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    exchange(server, &request).await
}

async fn get(server: &Server, id: &str, wait: u32) -> String {
    let request =
        format!("GET /v1/signups/{id} HTTP/1.1\r\nhost: signup\r\nconnection: close\r\nprefer: wait={wait}\r\n\r\n");
    exchange(server, &request).await
}

/// The sign-up that an answer is about.
fn id(answer: &str) -> String {
    let at = answer.find("wf_").unwrap();
    answer[at..at + "wf_".len() + 32].to_owned()
}

/// Without what is another each time: ids, what is made of them, and times.
fn masked(answer: &str) -> String {
    let token = answer.split('"').find(|part| part.starts_with("wft_")).unwrap_or("wft_");
    let answer = answer.replace(&id(answer), "an id").replace(token, "a token");
    answer.split("\r\n").map(masked_line).collect::<Vec<_>>().join("\r\n")
}

fn masked_line(line: &str) -> String {
    let masked = |text: &str, at: &str, part: fn(&str) -> String| text.split(at).map(part).collect::<Vec<_>>().join(at);
    match line.split_once(": ").map_or("", |(name, _)| name) {
        name @ ("date" | "x-request-id") => format!("{name}: another each time"),
        // In how many seconds there are more.
        "ratelimit" => masked(line, ";t=", |part| part.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned()),
        _ => masked(line, "\"", |part| if part.parse::<Timestamp>().is_ok() { "a time" } else { part }.to_owned()),
    }
}

#[tokio::test]
async fn no_byte_of_an_answer_tells_whose_email_is_known() {
    for house in House::both().await {
        let server = house.open().await;
        for number in 0..2 {
            let known = server.client().sign_up(&format!("known{number}@example.com"), "Ada", 10).await.unwrap();
            assert_eq!(known.status, 201, "{known:?}");
            let alive = server.client().sign_up(&format!("alive{number}@example.com"), HANGS, 0).await.unwrap();
            assert_eq!(alive.status, 202, "{alive:?}");
        }
        let mut told: Vec<[String; 4]> = Vec::new();
        for (client, who) in (1..).zip(["known", "alive", "fresh"]) {
            let at_once = post(&server, &format!("{who}0@example.com"), client, 0).await;
            assert!(at_once.starts_with("HTTP/1.1 202 "), "{at_once}");
            let its_end = get(&server, &id(&at_once), 10).await;
            let once_more = get(&server, &id(&at_once), 0).await;
            let waited = post(&server, &format!("{who}1@example.com"), client, 10).await;
            assert!(waited.starts_with("HTTP/1.1 201 ") && waited.contains("completed"), "{waited}");
            told.push([at_once, its_end, once_more, waited].map(|answer| masked(&answer)));
        }
        assert_eq!(told[0], told[2]);
        assert_eq!(told[1], told[2]);
        server.kill().await.unwrap();
        let facts = house.check().await;
        let made = |facts: &Facts| facts.users.iter().filter(|user| !user.email_key.starts_with("alive")).count();
        assert_eq!((facts.sagas.len(), made(&facts)), (10, 4));
        assert_eq!(facts.sagas.iter().filter(|saga| saga.decoy).count(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_at_once_one_is_made_and_all_are_completed() {
    for house in House::both().await {
        let server = house.open().await;
        let client = server.client();
        // Of the first nobody knows the e-mail, of the others everybody.
        for _ in 0..2 {
            let answers = join_all((0..20).map(|_| client.sign_up("ada@example.com", "Ada", 0))).await;
            let answers: Vec<Answer> = answers.into_iter().map(Result::unwrap).collect();
            for answer in &answers {
                assert_eq!(answer.status, 202, "{answer:?}");
            }
            for answer in &answers {
                let answer = ended(&client, answer.text("workflow_id")).await;
                assert_eq!(answer.text("status"), "completed", "{answer:?}");
            }
        }
        assert!(server.terminate().await.unwrap().success());
        let facts = house.check().await;
        let made = [facts.users.len(), facts.organizations.len(), facts.profiles.len(), facts.claims.len()];
        assert_eq!((facts.sagas.len(), made, facts.sealed.len()), (40, [1; 4], 0));
    }
}

#[tokio::test]
async fn a_repetition_of_a_request_finds_its_decoy_also_after_a_restart() {
    for house in House::both().await {
        let mut server = house.open().await;
        let known = server.client().sign_up("ada@example.com", "Ada", 10).await.unwrap();
        let first = server.client().sign_up_with_key("ada@example.com", "Ada", "a-key").await.unwrap();
        assert_eq!((known.status, first.status), (201, 202), "{first:?}");
        assert_ne!(first.text("workflow_id"), known.text("workflow_id"));
        for restarts in [false, true] {
            if restarts {
                server.kill().await.unwrap();
                server = house.open().await;
            }
            let client = server.client();
            let again = client.sign_up_with_key("ada@example.com", "Ada", "a-key").await.unwrap();
            assert_eq!(again.text("workflow_id"), first.text("workflow_id"), "{again:?}");
            assert_eq!(again.header("idempotency-replayed"), "true");
            let other = client.sign_up_with_key("ada@example.com", "Grace", "a-key").await.unwrap();
            assert_eq!((other.status, other.text("type")), (422, "/problems/idempotency_key_reused"), "{other:?}");
            assert_eq!(ended(&client, first.text("workflow_id")).await.text("status"), "completed");
        }
        server.kill().await.unwrap();
        assert_eq!(house.check().await.sagas.len(), 2);
    }
}

#[tokio::test]
async fn a_kill_at_any_step_of_a_decoy_changes_nothing() {
    for house in House::both().await {
        let server = house.open_with(&QUICK).await;
        let client = server.client();
        assert_eq!(client.sign_up("ada@example.com", "Ada", 10).await.unwrap().status, 201);
        let mut decoys = Vec::new();
        for (done, step) in STEPS.iter().enumerate() {
            let answer = client.sign_up("ada@example.com", &format!("sabotage {step}:hang1"), 0).await.unwrap();
            let id = answer.text("workflow_id").to_owned();
            let at_it = || async {
                let answer = client.get(&format!("/v1/signups/{id}")).await.ok()?;
                (answer.body["steps_done"] == done).then_some(())
            };
            eventually("the decoy is at its step", at_it).await.unwrap();
            decoys.push(id);
        }
        server.kill().await.unwrap();
        let server = house.open_with(&QUICK).await;
        for id in &decoys {
            assert_eq!(ended(&server.client(), id).await.text("status"), "completed");
        }
        server.kill().await.unwrap();
        let facts = house.check().await;
        assert_eq!((facts.sagas.len(), facts.users.len(), facts.organizations.len()), (5, 1, 1));
    }
}

#[tokio::test]
async fn operators_are_told_which_is_a_decoy_and_clients_are_not() {
    let [house, _] = House::both().await;
    let server = house.open().await;
    let client = server.client();
    let known = client.sign_up("ada@example.com", "Ada", 10).await.unwrap();
    let decoy = client.sign_up("ada@example.com", "Ada", 10).await.unwrap();
    assert_eq!((known.status, decoy.status), (201, 201), "{decoy:?}");
    assert!(!decoy.body.to_string().contains("decoy"), "{decoy:?}");
    let data = house.data();
    let said = async |arguments: &[&str]| {
        let place = ["--url", server.url(), "--data-dir", data.to_str().unwrap()];
        let output = run_with(&[arguments, &place].concat(), &[]).await.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let list = said(&["saga", "list"]).await;
    for (answer, is_decoy) in [(&known, false), (&decoy, true)] {
        let id = answer.text("workflow_id");
        let row = list.lines().find(|line| line.starts_with(id)).unwrap();
        assert_eq!(row.contains("completed (decoy)"), is_decoy, "{list}");
        let shown = said(&["saga", "show", id]).await;
        assert_eq!(shown.contains("decoy"), is_decoy, "{shown}");
        assert_eq!(shown.contains("exists    nothing"), is_decoy, "{shown}");
        assert_eq!(said(&["saga", "show", id, "--json"]).await.contains("\"decoy\":true"), is_decoy);
    }
}
