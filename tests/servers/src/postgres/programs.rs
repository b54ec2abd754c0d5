//! PostgreSQL's programs, and what they made once for all servers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// What must be beside `initdb`.
const NEEDED: [&str; 5] = ["postgres", "pg_basebackup", "pg_dumpall", "pg_isready", "psql"];

/// Where PostgreSQL's programs are: in the path, or where Debian puts the newest.
pub(super) fn programs() -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path());
    let mut debian: Vec<_> = debian.collect();
    debian.sort_by_key(|path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    let mut folders = std::env::split_paths(&path).chain(debian.iter().rev().map(|version| version.join("bin")));
    let found = folders.find_map(|folder| fs::canonicalize(folder.join("initdb")).ok());
    // What is in the path may be a link to one program among others.
    found
        .and_then(|initdb| initdb.parent().map(Path::to_owned))
        .filter(|folder| NEEDED.iter().all(|program| folder.join(program).exists()))
        .context("PostgreSQL's programs are missing; install Debian's package `postgresql`, or put them in the path")
}

/// An initialised data folder, made once and kept with what cargo builds.
pub(super) fn template(programs: &Path) -> anyhow::Result<PathBuf> {
    let version = Command::new(programs.join("postgres")).arg("--version").output()?.stdout;
    let version = String::from_utf8(version)?;
    let version = version.split_whitespace().nth(2).context("PostgreSQL does not tell its version")?;
    let executable = std::env::current_exe()?;
    let built = executable.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    let template = built.unwrap_or(&std::env::temp_dir()).join(format!("servers/postgres-{version}"));
    if template.join("PG_VERSION").exists() {
        return Ok(template);
    }
    let folder = tempfile::Builder::new().prefix("signup-postgres-").tempdir()?;
    let data = folder.path().join("data");
    let (initdb, shown) = (programs.join("initdb").display().to_string(), data.display().to_string());
    let mut command = as_owner(folder.path())?;
    let arguments = ["-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "-D"];
    command.push(initdb);
    command.extend(arguments.map(str::to_owned));
    command.push(shown);
    let (program, arguments) = command.split_first().context("no command")?;
    run(Command::new(program).args(arguments))?;
    // Others may be as far, in this process or another: whichever is first is as good.
    let kept = template.parent().context("no folder")?;
    fs::create_dir_all(kept)?;
    let draft = tempfile::Builder::new().prefix("draft-").tempdir_in(kept)?;
    let copy = draft.path().join("data");
    run(Command::new("cp").arg("-a").arg(&data).arg(&copy))?;
    if let Err(error) = fs::rename(&copy, &template) {
        ensure!(template.join("PG_VERSION").exists(), "cannot keep {}: {error}", template.display());
    }
    Ok(template)
}

/// What to put before a command that works in this folder: PostgreSQL refuses to run as root, so Debian's user for it
/// does, and owns the folder.
pub(super) fn as_owner(folder: &Path) -> anyhow::Result<Vec<String>> {
    let id = Command::new("id").arg("-u").output()?.stdout;
    if id.trim_ascii() != b"0" {
        return Ok(Vec::new());
    }
    run(Command::new("chown").arg("-R").arg("postgres").arg(folder))?;
    let prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"];
    Ok(prefix.map(str::to_owned).to_vec())
}

/// Runs a program to its end, and gives what it printed.
pub(super) fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed: {said}", command.get_program().display());
    Ok(String::from_utf8(output.stdout)?)
}
