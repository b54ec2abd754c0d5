//! A shell that outlives us by as much as it takes to clean up.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context;

/// Runs a server until its own standard input ends, then stops the server with SIGNAL and removes its folder. Its
/// standard input is a pipe whose other end we hold: it ends when we do. A signal that comes before the server minds
/// signals is lost, so it is sent until the server is gone.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
folder=$1 signal=$2; shift 2
"$@" </dev/null >>"$folder/log" 2>&1 &
server=$!
cat >/dev/null
while kill "-$signal" $server 2>/dev/null; do sleep 0.05; done
rm -rf "$folder"
"#;

/// A server under a keeper. Dropping it stops the server and waits until its folder is gone.
#[derive(Debug)]
pub(crate) struct Kept(Child);

impl Kept {
    pub(crate) fn start(folder: &Path, signal: &str, command: &[&str]) -> anyhow::Result<Self> {
        let mut keeper = Command::new("sh");
        keeper.args(["-c", SCRIPT, "keeper"]).arg(folder).arg(signal).args(command).stdin(Stdio::piped());
        Ok(Self(keeper.spawn().context("no shell")?))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
