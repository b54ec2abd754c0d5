//! The data folder: one process at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// A data folder that this process holds. Letting go of it lets another process in; the operating system does so
/// too, however the process ends.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// What to do about a folder that cannot be used.
pub(crate) const ADVICE: &str = "let this user write to the folder and to the files in it, or give another --data-dir";

/// The database file of a data folder.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) path: PathBuf,
    /// Whether nothing is in it yet.
    pub(crate) is_new: bool,
}

impl DataDir {
    /// Takes the folder, makes it if it is missing.
    pub(crate) fn take(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("cannot make the data folder {shown}; give another --data-dir"))?;
        let path = fs::canonicalize(path).with_context(|| format!("cannot read the data folder {shown}"))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .with_context(|| format!("cannot write to the data folder {shown}; {ADVICE}"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!("the data folder {shown} is in use by another `signup serve`; stop it, or give --data-dir")
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock the data folder {shown}"))
            }
        }
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The database file. It is made here if it is missing, so that it is nobody else's to read from the start.
    pub(crate) fn database(&self) -> anyhow::Result<Database> {
        let path = self.path.join("signup.db");
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        let size = file.and_then(|file| file.metadata()).map(|metadata| metadata.len());
        match size {
            Ok(size) => Ok(Database { path, is_new: size == 0 }),
            Err(error) if error.kind() == ErrorKind::IsADirectory => {
                bail!(
                    "{} is a folder where the database should be; move it away, or give another --data-dir",
                    path.display()
                )
            }
            Err(error) => {
                Err(error).with_context(|| format!("cannot write to the database {}; {ADVICE}", path.display()))
            }
        }
    }

    /// Where secrets are kept.
    pub(crate) fn secret(&self, name: &str) -> PathBuf {
        Self::secret_in(&self.path, name)
    }

    /// The same, of a folder that another process may hold.
    pub(crate) fn secret_in(folder: &Path, name: &str) -> PathBuf {
        folder.join(format!("{name}.key"))
    }
}

/// Writes a line that is nobody else's to read, whole or not at all: a process that dies in between leaves none. Once
/// it is there it outlives a loss of power, its name too.
pub(crate) fn keep(path: &Path, line: &str) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
    writeln!(file, "{line}")?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/data");
        let held = DataDir::take(&path).unwrap();
        assert!(DataDir::take(&path).unwrap_err().to_string().contains("in use"));
        drop(held);
        DataDir::take(&path).unwrap();
    }

    #[test]
    fn a_folder_in_the_place_of_the_database_is_one_clear_line() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("signup.db")).unwrap();
        let error = DataDir::take(folder.path()).unwrap().database().unwrap_err().to_string();
        assert!(
            error.ends_with(
                "signup.db is a folder where the database should be; move it away, or give another --data-dir"
            )
        );
    }

    #[test]
    fn a_file_in_its_place_is_one_clear_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        fs::write(&path, "").unwrap();
        assert!(format!("{:#}", DataDir::take(&path).unwrap_err()).starts_with("cannot make the data folder"));
    }
}
