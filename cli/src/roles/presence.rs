//! Being there, for a process without workers: theirs see to it.

use std::time::Duration;

use ::worker::Attendance;
use signup::SignUp;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How long taking leave may take.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// A process that tells that it lives, and housekeeps, until it takes leave.
pub(super) struct Presence {
    end: CancellationToken,
    telling: JoinHandle<()>,
}

impl Presence {
    /// Tells so from now on.
    pub(super) fn begin(attendance: Attendance<SignUp>) -> Self {
        let end = CancellationToken::new();
        Self { telling: tokio::spawn(attendance.run(end.clone())), end }
    }

    /// Tells that the process is gone.
    pub(super) async fn take_leave(self) {
        self.end.cancel();
        if timeout(LAST_WORDS, self.telling).await.is_err() {
            warn!("operators may see this process for a while yet");
        }
    }
}
