//! The first operator, `admin`: made at the first start, with a token in the data folder.

use std::path::Path;

use anyhow::Context;
use signup::{Operator, OperatorRole, OperatorToken, Operators, TokenHash};
use tracing::{info, warn};

use super::token;
use crate::data_dir::keep;
use crate::key;
use crate::patience::outlast;

/// The first operator's name.
const NAME: &str = "admin";

/// Holds that somebody can operate the service. Returns a token that was made just now, to be shown once.
///
/// The token is in its file before the database knows it: a process that dies in between leaves a file that the next
/// start adds.
pub(crate) async fn ensure(folder: &Path, operators: &dyn Operators) -> anyhow::Result<Option<OperatorToken>> {
    let path = token::file(folder);
    let all = outlast(async || operators.operators().await).await;
    let is_first = all.context("cannot read the operators")?.is_empty();
    if path.exists() {
        let token = token::read(&path)?.token;
        if is_first {
            add(operators, &first()?, &token).await?;
        } else if !has(operators, &token.hash()).await? {
            warn!(
                "operator.token is nobody's: the database knows others, or has revoked them; `signup operator add` makes more"
            );
        }
        return Ok(None);
    }
    if !is_first {
        return Ok(None);
    }
    let token = generate()?;
    keep(&path, token.reveal()).with_context(|| format!("cannot write the operator's token to {}", path.display()))?;
    if add(operators, &first()?, &token).await? {
        return Ok(Some(token));
    }
    // Another process was first: this token is nobody's.
    std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    info!("another process has made the first operator");
    Ok(None)
}

/// Adds an operator who has this token. False if the name is somebody else's.
pub(super) async fn add(operators: &dyn Operators, operator: &Operator, token: &OperatorToken) -> anyhow::Result<bool> {
    let hash = token.hash();
    let added = outlast(async || operators.add(operator, &hash).await).await.context("cannot add the operator")?;
    // Asked twice, it may meet what it has done itself.
    Ok(added || has(operators, &hash).await?)
}

/// Whether the token is somebody's.
async fn has(operators: &dyn Operators, token: &TokenHash) -> anyhow::Result<bool> {
    let found = outlast(async || operators.find(token).await).await;
    Ok(found.context("cannot read the operators")?.is_some())
}

fn first() -> anyhow::Result<Operator> {
    Ok(Operator { name: NAME.parse()?, role: OperatorRole::Operator })
}

/// A fresh token.
pub(super) fn generate() -> anyhow::Result<OperatorToken> {
    Ok(OperatorToken::new(*key::random()?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use saga::SystemClock;
    use saga::store::Error;
    use signup::{EnlistedOperator, OperatorName};
    use store::Sqlite;

    use super::*;

    /// Does all that it is asked, and loses its first answer to each question.
    struct Lossy {
        under: Sqlite,
        lost: Mutex<BTreeSet<&'static str>>,
    }

    impl Lossy {
        fn over(under: Sqlite) -> Self {
            Self { under, lost: Mutex::default() }
        }

        fn lose<T>(&self, question: &'static str, answer: Result<T, Error>) -> Result<T, Error> {
            if self.lost.lock().unwrap().insert(question) { Err(Error::InDoubt("cut off".into())) } else { answer }
        }
    }

    #[async_trait]
    impl Operators for Lossy {
        async fn add(&self, operator: &Operator, token: &TokenHash) -> Result<bool, Error> {
            self.lose("add", self.under.add(operator, token).await)
        }

        async fn find(&self, token: &TokenHash) -> Result<Option<Operator>, Error> {
            self.lose("find", self.under.find(token).await)
        }

        async fn operators(&self) -> Result<Vec<EnlistedOperator>, Error> {
            self.lose("operators", self.under.operators().await)
        }

        async fn revoke(&self, name: &OperatorName) -> Result<bool, Error> {
            self.lose("revoke", self.under.revoke(name).await)
        }
    }

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
        assert_eq!(operators.find(&made.hash()).await.unwrap().unwrap(), first().unwrap());
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

    #[tokio::test]
    async fn an_operator_whose_adding_has_lost_its_answer_keeps_their_token() {
        let folder = tempfile::tempdir().unwrap();
        let operators = Lossy::over(database(folder.path(), "signup.db").await);
        let made = ensure(folder.path(), &operators).await.unwrap().unwrap();
        assert_eq!(token::read(&token::file(folder.path())).unwrap().token, made);
        assert!(operators.find(&made.hash()).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn who_was_second_keeps_no_token_though_answers_are_lost() {
        let folder = tempfile::tempdir().unwrap();
        let operators = database(folder.path(), "signup.db").await;
        operators.add(&first().unwrap(), &generate().unwrap().hash()).await.unwrap();
        assert!(!add(&Lossy::over(operators), &first().unwrap(), &generate().unwrap()).await.unwrap());
    }
}
