//! Programs in Python that ask the service: schemathesis, and verifiers of its tokens.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use tokio::task::spawn_blocking;

/// The packages that they consist of.
const PACKAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/requirements.txt");

/// A program of an environment that is made of the packages that are listed, once for each list, in the target folder.
pub(crate) async fn program(name: &'static str) -> PathBuf {
    spawn_blocking(move || environment().unwrap().join("bin").join(name)).await.unwrap()
}

fn environment() -> anyhow::Result<PathBuf> {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (wanted, place) = (fs::read_to_string(PACKAGES)?, home.join("python"));
    // One at a time; others wait until it is there.
    let lock = File::create(home.join("python.lock"))?;
    lock.lock()?;
    let done = place.join("installed.txt");
    if fs::read_to_string(&done).ok().as_ref() != Some(&wanted) {
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        finish(Command::new("python3").args(["-m", "venv"]).arg(&place), "install Debian's package `python3-venv`")?;
        let mut install = Command::new(place.join("bin/python"));
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]);
        finish(install.args(["--requirement", PACKAGES]), "PyPI, or what stands for it, must be within reach")?;
        fs::write(done, wanted)?;
    }
    Ok(place)
}

fn finish(command: &mut Command, advice: &str) -> anyhow::Result<()> {
    let output = command.output().with_context(|| format!("{command:?} does not run; {advice}"))?;
    ensure!(output.status.success(), "{}; {advice}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
