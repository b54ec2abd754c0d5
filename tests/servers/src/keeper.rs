//! A shell that outlives us by as much as it takes to clean up.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::Context;

/// Runs a server until its own standard input ends, then stops the server with SIGNAL and removes its folder. Its
/// standard input is a pipe whose other end we hold: it ends when we do. A signal that comes before the server minds
/// signals is lost, so it is sent until the server is gone. Meanwhile each line tells it to start the server anew, to
/// stop or continue it with all its processes, to kill it, or to have it end by itself, and is answered by a line. What the server's own
/// processes do once it is killed is their affair, but stopped they could do nothing.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
folder=$1 signal=$2; shift 2
start() { "$@" </dev/null >>"$folder/log" 2>&1 & server=$!; }
children() { cat "/proc/$server/task/$server/children"; }
start "$@"
while read -r word; do
    case $word in
    start) start "$@" ;;
    stop) kill -STOP $server; kill -STOP $(children) ;;
    continue) kill -CONT $(children) $server ;;
    kill) orphans=$(children); kill -KILL $server; kill -CONT $orphans; wait $server; server= ;;
    end) kill -INT $server; wait $server; server= ;;
    esac
    echo "$word"
done
[ -z "$server" ] || kill -CONT $(children) $server
while kill "-$signal" $server 2>/dev/null; do sleep 0.05; done
rm -rf "$folder"
"#;

/// A server under a keeper. Dropping it stops the server and waits until its folder is gone.
#[derive(Debug)]
pub(crate) struct Kept(Child);

impl Kept {
    pub(crate) fn start(folder: &Path, signal: &str, command: &[&str]) -> anyhow::Result<Self> {
        let mut keeper = Command::new("sh");
        keeper.args(["-c", SCRIPT, "keeper"]).arg(folder).arg(signal).args(command);
        keeper.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        Ok(Self(keeper.spawn().context("no shell")?))
    }

    /// Tells one of the script's words, and waits until it is done.
    pub(crate) fn tell(&mut self, word: &str) -> anyhow::Result<()> {
        let (stdin, stdout) = self.0.stdin.as_mut().zip(self.0.stdout.as_mut()).context("no pipes")?;
        writeln!(stdin, "{word}")?;
        let mut answer = vec![0; word.len() + 1];
        stdout.read_exact(&mut answer).context("no answer")
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
