//! The point that this process halts at.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tracing::{error, info};

use super::{Act, Moment, Point};
use crate::SagaId;

/// In whose environment this is set, to a [`Point`], a process halts there.
pub const POINT: &str = "TESTING_CRASH_POINT";
/// Where it says so: the path of a Unix socket. It connects for each line that it says, and waits for a line. As long as
/// there is no such file, it does not halt.
pub const SOCKET: &str = "TESTING_CRASH_SOCKET";

/// What a halted process is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// It goes on.
    Go,
    /// It goes on as if the answer had been lost on its way.
    Lose,
}

/// An armed point.
struct Armed {
    point: Point,
    socket: PathBuf,
    stage: Mutex<Stage>,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It has not been reached.
    Waiting,
    /// It is reached once whoever sent the write goes on: with this saga, or with any.
    Answered(Option<SagaId>),
    /// It has been reached.
    Spent,
}

/// This process' point, if it has one.
fn armed() -> Option<&'static Armed> {
    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
    let read = || {
        let (point, socket) = (std::env::var(POINT).ok()?, std::env::var_os(SOCKET)?);
        #[expect(clippy::expect_used, reason = "a test that is written wrong")]
        let point = point.parse().expect("TESTING_CRASH_POINT names a crash point");
        Some(Armed { point, socket: socket.into(), stage: Mutex::new(Stage::Waiting) })
    };
    ARMED.get_or_init(read).as_ref()
}

/// Whether this process has a point in this act.
pub(super) fn is_armed(act: &Act) -> bool {
    armed().is_some_and(|armed| armed.point.act == *act)
}

/// Makes a call that writes, and halts in it where that is the armed point. An answer that is to be lost becomes `lost`.
///
/// # Errors
/// Those of the call.
pub async fn through<T, E>(
    act: &Act,
    saga: Option<SagaId>,
    call: impl Future<Output = Result<T, E>>,
    lost: impl FnOnce() -> E,
) -> Result<T, E> {
    let Some(armed) = armed().filter(|armed| armed.point.act == *act) else { return call.await };
    match armed.point.moment {
        Moment::Before if armed.spend(Stage::Waiting) => {
            armed.halt("before").await;
            call.await
        }
        Moment::Sent if armed.spend(Stage::Waiting) => {
            armed.halt("sending").await;
            let (answer, _) = tokio::join!(call, armed.halt("sent"));
            answer
        }
        Moment::Written => match call.await {
            Ok(_) if armed.spend(Stage::Waiting) && armed.halt("written").await == Word::Lose => Err(lost()),
            answer => answer,
        },
        Moment::Answered => {
            let answer = call.await?;
            let mut stage = armed.stage();
            if *stage == Stage::Waiting && armed.socket.exists() {
                *stage = Stage::Answered(saga);
            }
            Ok(answer)
        }
        Moment::Before | Moment::Sent => call.await,
    }
}

/// Whoever wrote to the store has the answer, and goes on with this saga: halts where that is the armed point. It holds
/// up the thread, which must be one of several.
pub fn goes_on(saga: SagaId) {
    let hints = [Act::Hint, Act::Acknowledge];
    let Some(armed) = armed().filter(|armed| !hints.contains(&armed.point.act)) else { return };
    if armed.spend(Stage::Answered(Some(saga))) || armed.spend(Stage::Answered(None)) {
        tokio::task::block_in_place(|| armed.say("answered"));
    }
}

/// Whoever wrote to Redis has the answer, and goes on: halts where that is the armed point.
pub async fn came_back(act: &Act) {
    let Some(armed) = armed().filter(|armed| armed.point.act == *act) else { return };
    if armed.spend(Stage::Answered(None)) {
        armed.halt("answered").await;
    }
}

impl Armed {
    /// Whether it is at this stage, and so reached now.
    fn spend(&self, at: Stage) -> bool {
        let mut stage = self.stage();
        let reached = *stage == at && self.socket.exists();
        if reached {
            *stage = Stage::Spent;
        }
        reached
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn halt(&'static self, line: &'static str) -> Word {
        tokio::task::spawn_blocking(|| self.say(line)).await.unwrap_or(Word::Go)
    }

    fn say(&self, line: &str) -> Word {
        info!(point = %self.point, line, "halted at a crash point");
        self.ask(line).unwrap_or_else(|error| {
            error!(%error, "nobody hears of a crash point");
            Word::Go
        })
    }

    fn ask(&self, line: &str) -> std::io::Result<Word> {
        let mut stream = UnixStream::connect(&self.socket)?;
        writeln!(stream, "{line}")?;
        let mut word = String::new();
        BufReader::new(stream).read_line(&mut word)?;
        Ok(if word.trim_end() == "lose" { Word::Lose } else { Word::Go })
    }
}
