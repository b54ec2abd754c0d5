//! The binary under test.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use tokio::sync::OnceCell;

/// The path of the binary `signup`, built as these tests are, with the feature `testing`, and up to date.
///
/// # Errors
/// If it does not build.
pub async fn binary() -> anyhow::Result<&'static Path> {
    static BINARY: OnceCell<PathBuf> = OnceCell::const_new();
    let build = || async { tokio::task::spawn_blocking(build).await? };
    BINARY.get_or_try_init(build).await.map(PathBuf::as_path)
}

fn build() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the tests have no parent folder")?;
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let arguments = ["build", "--quiet", "--locked", "--profile", profile, "--package", "cli", "--features", "testing"];
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--message-format=json")
        .current_dir(root)
        .output()
        .context("cannot run cargo")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the binary does not build: {errors}");
    // cargo tells where it put the binary, wherever its target folder is.
    let messages = String::from_utf8_lossy(&output.stdout);
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut binaries = artifacts.filter_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)));
    binaries.find(|path| path.ends_with("signup")).context("cargo built no binary called signup")
}
