//! Where an operator's token comes from.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use signup::OperatorToken;

use super::failure::{Failure, Kind};

const VARIABLE: &str = "SIGNUP_OPERATOR_TOKEN";
const FILE_VARIABLE: &str = "SIGNUP_OPERATOR_TOKEN_FILE";

/// A token, and where it was found.
pub(super) struct Found {
    pub(super) token: OperatorToken,
    pub(super) source: String,
}

/// Where the token of a data folder's first operator is.
pub(super) fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("operator.token")
}

/// The token in the environment, or else in the data folder. An empty variable is none.
pub(super) fn find(data_dir: &Path) -> anyhow::Result<Found> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    if let Some(value) = set(VARIABLE) {
        let token = value.to_str().and_then(|text| text.trim().parse().ok());
        let token = token.with_context(|| format!("{VARIABLE} is no operator's token: it starts with `sgo_`"))?;
        return Ok(Found { token, source: VARIABLE.to_owned() });
    }
    if let Some(path) = set(FILE_VARIABLE) {
        return read(Path::new(&path));
    }
    let path = file(data_dir);
    if !path.exists() {
        let shown = path.display();
        let message =
            format!("no operator's token: set {VARIABLE} or {FILE_VARIABLE}, or give the --data-dir with {shown}");
        return Err(Failure::new(Kind::Failed, message).into());
    }
    read(&path)
}

/// The token in a file.
pub(super) fn read(path: &Path) -> anyhow::Result<Found> {
    let source = path.display().to_string();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read the operator's token in {source}"))?;
    let token = text.trim().parse().with_context(|| format!("cannot use the operator's token in {source}"))?;
    Ok(Found { token, source })
}
