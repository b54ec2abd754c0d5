//! Users of a running service, and how they sign in.

use anyhow::ensure;
use futures_util::{StreamExt, TryStreamExt, stream};
use saga::{OsRandom, Random};
use tests::{Answer, Client, PASSWORD};

/// Users are made so many at a time.
const AT_ONCE: usize = 16;
/// How long a sign-up may take, in seconds.
const PATIENCE: u32 = 30;

/// An e-mail that is nobody's. They come in no order, as addresses do.
pub(crate) fn email() -> String {
    format!("{:032x}@example.com", OsRandom.bits())
}

/// Makes so many users: their e-mails.
pub(crate) async fn make(client: &Client, count: usize) -> anyhow::Result<Vec<String>> {
    let made = (0..count).map(|_| async {
        let email = email();
        let answer = client.sign_up(&email, "Ada Lovelace", PATIENCE).await?;
        ensure!(answer.status == 201, "not completed: {answer:?}");
        anyhow::Ok(email)
    });
    stream::iter(made).buffer_unordered(AT_ONCE).try_collect().await
}

/// Asks for a session with this password, from another address each time.
pub(crate) async fn try_password(client: &Client, email: &str, password: &str) -> anyhow::Result<Answer> {
    let body = format!(r#"{{"email":"{email}","password":"{password}"}}"#);
    Ok(client.post("/v1/sessions", &[("content-type", "application/json")], body).await?)
}

/// Signs a user in: their access token.
pub(crate) async fn sign_in(client: &Client, email: &str) -> anyhow::Result<String> {
    let answer = try_password(client, email, PASSWORD).await?;
    ensure!(answer.status == 201, "not signed in: {answer:?}");
    Ok(answer.text("access_token").to_owned())
}
