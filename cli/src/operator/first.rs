//! The first operator, `admin`: made at the first start, with a token in the data folder.

use std::path::Path;

use anyhow::Context;
use signup::{OperatorName, OperatorToken, Operators};
use tracing::{info, warn};

use super::token;
use crate::data_dir::keep;
use crate::key;
use crate::patience::patiently;

/// The first operator's name.
const NAME: &str = "admin";

/// Holds that somebody can operate the service. Returns a token that was made just now, to be shown once.
///
/// The token is in its file before the database knows it: a process that dies in between leaves a file that the next
/// start adds.
pub(crate) async fn ensure(folder: &Path, operators: &dyn Operators) -> anyhow::Result<Option<OperatorToken>> {
    let path = token::file(folder);
    let all = patiently(async || operators.operators().await).await;
    let is_first = all.context("cannot read the operators")?.is_empty();
    if path.exists() {
        let token = token::read(&path)?.token;
        if is_first {
            add(operators, &token).await?;
        } else if operators.find(&token.hash()).await.context("cannot read the operators")?.is_none() {
            warn!("operator.token is nobody's: the database knows other operators; `signup operator add` makes more");
        }
        return Ok(None);
    }
    if !is_first {
        return Ok(None);
    }
    let token = generate()?;
    keep(&path, token.reveal()).with_context(|| format!("cannot write the operator's token to {}", path.display()))?;
    if add(operators, &token).await? {
        return Ok(Some(token));
    }
    // Another process was first: this token is nobody's.
    std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    info!("another process has made the first operator");
    Ok(None)
}

/// False if another process was first.
async fn add(operators: &dyn Operators, token: &OperatorToken) -> anyhow::Result<bool> {
    let name: OperatorName = NAME.parse()?;
    operators.add(&name, &token.hash()).await.context("cannot add the first operator")
}

/// A fresh token.
pub(super) fn generate() -> anyhow::Result<OperatorToken> {
    Ok(OperatorToken::new(*key::random()?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::Arc;

    use saga::SystemClock;
    use store::Sqlite;

    use super::*;

    async fn database(folder: &Path, name: &str) -> Sqlite {
        Sqlite::open(&folder.join(name), Arc::new(SystemClock)).await.unwrap()
    }

    #[tokio::test]
    async fn the_first_operator_is_made_once_and_their_token_is_nobody_elses_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let operators = database(folder.path(), "signup.db").await;
        let made = ensure(folder.path(), &operators).await.unwrap().unwrap();
        let path = token::file(folder.path());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(token::read(&path).unwrap().token, made);
        assert_eq!(operators.find(&made.hash()).await.unwrap().unwrap().as_str(), "admin");
        assert_eq!(ensure(folder.path(), &operators).await.unwrap(), None);
        assert_eq!(operators.operators().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_new_database_learns_the_token_that_there_is() {
        let folder = tempfile::tempdir().unwrap();
        let made = ensure(folder.path(), &database(folder.path(), "old.db").await).await.unwrap().unwrap();
        let operators = database(folder.path(), "new.db").await;
        assert_eq!(ensure(folder.path(), &operators).await.unwrap(), None);
        assert!(operators.find(&made.hash()).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_damaged_token_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = token::file(folder.path());
        std::fs::write(&path, "garbage").unwrap();
        let operators = database(folder.path(), "signup.db").await;
        assert!(ensure(folder.path(), &operators).await.is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "garbage");
        assert!(operators.operators().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_lost_file_is_not_made_again_while_there_are_operators() {
        let folder = tempfile::tempdir().unwrap();
        let operators = database(folder.path(), "signup.db").await;
        ensure(folder.path(), &operators).await.unwrap().unwrap();
        std::fs::remove_file(token::file(folder.path())).unwrap();
        assert_eq!(ensure(folder.path(), &operators).await.unwrap(), None);
        assert!(!token::file(folder.path()).exists());
    }
}
