//! The API, asked whatever its document allows, and much that it does not.
//!
//! schemathesis makes the requests, from the document that the process serves, and holds every answer against it. What
//! it must know besides is in `tests/schemathesis`.

use std::fs;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;
use tests::Server;
use tokio::time::{Duration, timeout};

use crate::{BUSY, how_many, python};

/// Where its settings are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemathesis");
/// Requests for each operation in each way of making them up: more than 2,000 in all.
const EXAMPLES: usize = 250;
/// How long so many may take, for each of them: a run by hand may be longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// A process that is asked, in a folder of its own.
struct Asked {
    server: Server,
    folder: TempDir,
}

impl Asked {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let limits = [("SIGNUP_ADDRESS_LIMIT", "1000000")];
        let server = Server::start_in(&folder.path().join("data"), &[], &limits).await.unwrap();
        Self { server, folder }
    }

    /// Runs schemathesis with a document: its end, and its report.
    async fn by(&self, document: &str, arguments: &[&str]) -> (Output, Value) {
        let (home, url) = (self.folder.path(), self.server.url());
        let (report, token) = (home.join("report.json"), fs::read_to_string(home.join("data/operator.token")).unwrap());
        let mut command = tokio::process::Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(python::program("schemathesis").await);
        command.args(["--config-file", &format!("{FOLDER}/schemathesis.toml"), "run", document, "--url", url]);
        command.args(["--checks", "all", "--no-color", "--report", "json", "--report-json-path"]).arg(&report);
        command.args(arguments).current_dir(home).kill_on_drop(true);
        command.env("SCHEMATHESIS_HOOKS", format!("{FOLDER}/hooks.py")).env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("SERVICE_URL", url).env("OPERATOR_TOKEN", token.trim()).env("NO_PROXY", "127.0.0.1");
        let patience = PATIENCE * u32::try_from(how_many("EXAMPLES", EXAMPLES)).unwrap();
        let output = timeout(patience, command.output()).await.unwrap().unwrap();
        let report = fs::read(report).ok().and_then(|text| serde_json::from_slice(&text).ok());
        (output, report.unwrap_or_default())
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_every_answer_is_as_the_document_says_and_none_is_an_error_of_ours() {
    let _busy = BUSY.read().await;
    let asked = Asked::start().await;
    let document = format!("{}/openapi.json", asked.server.url());
    let (examples, seed) = (how_many("EXAMPLES", EXAMPLES).to_string(), how_many("SEED", 1).to_string());
    let (output, report) = asked.by(&document, &["--max-examples", &examples, "--seed", &seed]).await;
    let said = said(&output);
    println!("{said}");
    assert!(output.status.success(), "seed {seed}: {said}");
    assert_eq!(report["operations"]["tested"], report["operations"]["total"], "{report:#}");
    let cases = report["test_cases"]["generated"].as_u64().unwrap();
    assert!(cases >= 2_000 || examples.parse::<usize>().unwrap() < EXAMPLES, "{cases}");
    let log = asked.server.log().unwrap();
    assert!(!log.contains("panicked"), "{log}");
    assert!(asked.server.terminate().await.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_lacks_an_answer_is_noticed() {
    let _busy = BUSY.read().await;
    let asked = Asked::start().await;
    let mut document = asked.server.client().get("/openapi.json").await.unwrap().body;
    let answers = document.pointer_mut("/paths/~1v1~1signups/post/responses").unwrap().as_object_mut().unwrap();
    assert!(answers.remove("422").is_some());
    let file = asked.folder.path().join("openapi.json");
    fs::write(&file, document.to_string()).unwrap();
    let arguments = ["--max-examples", "20", "--seed", "1", "--phases", "fuzzing"];
    let one = ["--include-operation-id", "start_signup"];
    let (output, _) = asked.by(file.to_str().unwrap(), &[&arguments[..], &one].concat()).await;
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Undocumented status code") && said.contains("Received: 422"), "{said}");
}
