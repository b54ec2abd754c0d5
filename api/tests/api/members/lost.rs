//! Writes whose reply is lost, or that the store is not there for.

use saga::store::Error;

use super::{Member, Tokens, tokens};
use crate::stage::{Answer, PASSWORD};

const NEW: &str = "an entirely different phrase";

/// What a member writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Write {
    Redeem,
    SignIn,
    Refresh,
    Revoke,
    RevokeAll,
    ChangePassword,
}

const ALL: [Write; 6] =
    [Write::Redeem, Write::SignIn, Write::Refresh, Write::Revoke, Write::RevokeAll, Write::ChangePassword];

impl Member {
    /// The next writes come to this.
    fn fails(&self, errors: impl IntoIterator<Item = Error>) {
        self.stage.store.errors.lock().unwrap().extend(errors);
    }

    async fn write(&self, write: Write, own: &Tokens) -> Answer {
        match write {
            Write::Redeem => self.redeem().await,
            Write::SignIn => self.sign_in("ada@example.com", PASSWORD).await,
            Write::Refresh => self.refresh(&own.refresh).await,
            Write::Revoke => self.delete(&format!("/v1/sessions/{}", own.session), own).await,
            Write::RevokeAll => self.delete("/v1/sessions", own).await,
            Write::ChangePassword => self.change_password(own, PASSWORD, NEW).await,
        }
    }

    async fn sessions(&self) -> usize {
        accounts::Sessions::list(&*self.stage.store.memory, self.user).await.unwrap().len()
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_reply_is_lost_is_done_once_and_answered_like_any_other() {
    for write in ALL {
        let member = Member::new().await;
        let own = member.signed_in().await;
        assert!(member.is_live(&own).await);
        member.fails([Error::InDoubt("a secret".into()), Error::Unavailable("a secret".into())]);
        let answer = member.write(write, &own).await;
        assert!(answer.status.is_success(), "{write:?}: {answer:?}");
        let many = match write {
            Write::Redeem | Write::SignIn => {
                assert!(member.is_live(&tokens(&answer)).await, "{write:?}");
                2
            }
            Write::Refresh => {
                member.stage.hands.go_on(10);
                tokens(&member.refresh(&tokens(&answer).refresh).await);
                1
            }
            Write::Revoke | Write::RevokeAll => {
                assert!(!member.is_live(&own).await, "{write:?}");
                0
            }
            Write::ChangePassword => {
                tokens(&member.sign_in("ada@example.com", NEW).await);
                assert!(member.is_live(&own).await, "it is the one that is kept");
                2
            }
        };
        assert_eq!(member.sessions().await, many, "{write:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_done_is_not_said_to_be_undone() {
    for write in ALL {
        let member = Member::new().await;
        let own = member.signed_in().await;
        assert!(member.is_live(&own).await);
        let away = (0..1000).map(|_| Error::Unavailable("a secret".into()));
        member.fails([Error::InDoubt("a secret".into())].into_iter().chain(away));
        let answer = member.write(write, &own).await;
        answer.assert_problem(503, "action_unknown");
        assert_eq!(answer.header("retry-after"), Some("1"));
        member.stage.store.errors.lock().unwrap().clear();
        if [Write::Revoke, Write::RevokeAll].contains(&write) {
            assert!(!member.is_live(&own).await, "{write:?}: what may be over is looked at anew");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_away_nothing_is_done_and_that_is_said_at_once() {
    for write in ALL {
        let member = Member::new().await;
        let own = member.signed_in().await;
        let before = tokio::time::Instant::now();
        member.fails([Error::Unavailable("a secret".into())]);
        member.write(write, &own).await.assert_problem(503, "unavailable");
        assert!(before.elapsed().is_zero(), "{write:?}");
        assert!(member.is_live(&own).await && member.sessions().await == 1, "{write:?}");
        let answer = member.write(write, &own).await;
        assert!(answer.status.is_success(), "{write:?}: {answer:?}");
    }
}
