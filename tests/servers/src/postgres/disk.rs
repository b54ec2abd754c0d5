//! A server on a disk that can be filled.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use anyhow::{Context, ensure};

use super::programs::{programs, template};
use super::{Durability, Postgres, folder};
use crate::start::on_free_port;

/// Mounts a disk of memory, copies the data onto it, and becomes the server. The mount is in a namespace of its own: it
/// is gone with the server, however that ends.
const MOUNT: &str = r#"mount -t tmpfs -o "size=$1" tmpfs "$2" && cp -a "$3/." "$2/" && shift 3 && exec "$@""#;
/// In the folder of the data, from where the server works.
const FILLING: &str = "filling";

impl Postgres {
    /// Starts one whose tables are on a disk of their own, of so many bytes; it cannot be killed and revived, as the disk
    /// would be gone. None on a machine that lets us mount nothing.
    ///
    /// The log of what is written (WAL) is elsewhere. A server that cannot write that ends itself, and does not start
    /// before there is room: nobody can do without one then. One that finds no room for tables goes on.
    ///
    /// # Errors
    /// If PostgreSQL's programs are missing, or do not start a server.
    pub fn on_a_small_disk(bytes: u64) -> anyhow::Result<Option<Self>> {
        let try_it = Command::new("unshare").args(["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
        if !try_it.is_ok_and(|tried| tried.status.success()) {
            return Ok(None);
        }
        let programs = programs()?;
        let template = template(&programs)?;
        let start = |port| {
            let folder = folder(&template, Durability::None)?;
            let [data, disk, wal] = ["data", "disk", "wal"].map(|name| folder.path().join(name));
            fs::create_dir(&disk)?;
            fs::rename(data.join("pg_wal"), &wal)?;
            symlink(&wal, data.join("pg_wal"))?;
            let words = ["unshare", "-m", "sh", "-c", MOUNT, "mount"].map(str::to_owned);
            let places = [bytes.to_string(), disk.display().to_string(), data.display().to_string()];
            Self::start_with(folder, &disk, port, &programs, [&words[..], &places].concat())
        };
        on_free_port(start).context("PostgreSQL does not start on a small disk").map(Some)
    }

    /// Fills the disk that its data is on.
    ///
    /// # Errors
    /// If there is room left.
    pub fn fill_the_disk(&self) -> anyhow::Result<()> {
        let filled = self.ask("postgres", &format!("COPY (SELECT) TO PROGRAM 'exec cat /dev/zero > {FILLING}'"));
        let said = format!("{filled:?}");
        ensure!(said.contains("exit code 1"), "it was not filled: {said}");
        Ok(())
    }

    /// Undoes [`Postgres::fill_the_disk`].
    ///
    /// # Errors
    /// What the server says.
    pub fn empty_the_disk(&self) -> anyhow::Result<()> {
        self.ask("postgres", &format!("COPY (SELECT) TO PROGRAM 'rm {FILLING}'")).map(drop)
    }
}
