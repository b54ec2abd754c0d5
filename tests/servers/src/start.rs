//! What the start of any server takes.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use anyhow::bail;

/// How long a server may take to start, or for anything else that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at whether it has.
const LOOK: Duration = Duration::from_millis(20);
/// How often another port is tried.
const PORTS: usize = 5;

/// Starts a server on a port that is free; as somebody may take it in between, on another one if that fails.
///
/// # Errors
/// The last one.
pub(crate) fn on_free_port<T>(start: impl Fn(u16) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let mut tries = 1;
    loop {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        match start(port) {
            Err(_) if tries < PORTS => tries += 1,
            last => return last,
        }
    }
}

/// Looks for a value until there is one.
///
/// # Errors
/// What the look fails with, or that there is none in time.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(value) = look()? {
            return Ok(value);
        }
        #[expect(clippy::disallowed_methods, reason = "no runtime waits with it")]
        std::thread::sleep(LOOK);
    }
    bail!("not within {PATIENCE:?}: {what}")
}
