//! Accounts: what their users sign in with, and what they see of themselves.

use accounts::{Account, Credentials, Role};
use futures_util::future::join_all;
use signup::EmailAddress;

use crate::world::{CLAIMS, World, first_hash, hash, known, session};

const MANY: usize = 24;

fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

pub(super) async fn who_signs_in_is_found_by_their_email(w: World) {
    let (ada, bea) = (w.user("ada").await, w.user("bea").await);
    let accounts = w.accounts();
    assert_eq!(accounts.credentials(&email("ADA@Example.com")).await.unwrap(), Some(known(ada)));
    assert_eq!(accounts.credentials(&email("bea@example.com")).await.unwrap(), Some(known(bea)));
    assert_eq!(accounts.credentials(&email("cyd@example.com")).await.unwrap(), None);
}

pub(super) async fn users_see_what_they_signed_up_with(w: World) {
    let saga = w.reach("ada", &CLAIMS).await;
    w.advance(std::time::Duration::from_secs(1)).await;
    let claimed = w.claim_one(&CLAIMS).await;
    w.commit(&crate::world::done(&claimed)).await;
    let ada = w.user_of(saga).await;
    let facts = w.facts().await;
    let account = w.accounts().account(ada).await.unwrap().unwrap();
    let created_at = w.events(saga).await.iter().find(|event| event.kind.word() == "done").unwrap().at;
    assert_eq!(
        account,
        Account {
            user: ada,
            email: w.proposal("ada").applicant.email,
            full_name: Some("ada".to_owned()),
            organization: facts.claims[0].2,
            organization_name: signup::OrganizationName::of(None).as_str().to_owned(),
            role: Role::Owner,
            created_at,
        }
    );
}

pub(super) async fn who_is_not_active_or_is_disabled_has_no_account(w: World) {
    let disabled = w.user("ada").await;
    w.disable(disabled).await;
    let saga = w.reach("bea", &CLAIMS).await;
    let provisional = w.user_of(saga).await;
    let unknown = signup::UserId(uuid::Uuid::from_u128(1));
    for (name, user) in [("ada", disabled), ("bea", provisional), ("cyd", unknown)] {
        let accounts = w.accounts();
        assert_eq!(accounts.credentials(&email(&format!("{name}@example.com"))).await.unwrap(), None, "{name}");
        assert_eq!(accounts.account(user).await.unwrap(), None, "{name}");
        assert!(!accounts.rehash(&known(user), &hash("other")).await.unwrap(), "{name}");
        assert!(!accounts.change_password(&known(user), &hash("other"), session(1)).await.unwrap(), "{name}");
    }
    let hashes: Vec<_> = w.facts().await.users.into_iter().map(|user| user.password_hash).collect();
    assert_eq!(hashes, [first_hash().as_str(), first_hash().as_str()]);
}

pub(super) async fn a_hash_is_replaced_where_it_is_known_and_nothing_ends(w: World) {
    let ada = w.user("ada").await;
    w.sign_in(1, ada).await;
    let accounts = w.accounts();
    assert!(!accounts.rehash(&Credentials { user: ada, hash: hash("guessed") }, &hash("new")).await.unwrap());
    assert!(accounts.rehash(&known(ada), &hash("new")).await.unwrap());
    assert!(!accounts.rehash(&known(ada), &hash("newer")).await.unwrap());
    let found = accounts.credentials(&email("ada@example.com")).await.unwrap();
    assert_eq!(found, Some(Credentials { user: ada, hash: hash("new") }));
    assert!(w.is_live(session(1)).await);
}

pub(super) async fn a_password_is_changed_where_its_hash_is_known(mut w: World) {
    let (ada, bea) = (w.user("ada").await, w.user("bea").await);
    w.sign_in(1, ada).await;
    let accounts = w.accounts();
    let guessed = Credentials { user: ada, hash: hash("guessed") };
    assert!(!accounts.change_password(&guessed, &hash("new"), session(1)).await.unwrap());
    assert!(!accounts.change_password(&guessed, &hash("new"), session(2)).await.unwrap());
    assert!(w.is_live(session(1)).await, "nothing was changed");
    w.sessions().revoke_all(ada).await.unwrap();
    assert!(!accounts.change_password(&guessed, &hash("new"), session(1)).await.unwrap());
    assert!(!w.is_live(session(1)).await, "nor is a session that was over live again");
    assert!(accounts.change_password(&known(ada), &hash("new"), session(1)).await.unwrap());
    assert!(!accounts.change_password(&known(ada), &hash("newer"), session(1)).await.unwrap());
    let found = accounts.credentials(&email("ada@example.com")).await.unwrap();
    assert_eq!(found, Some(Credentials { user: ada, hash: hash("new") }));
    assert_eq!(accounts.credentials(&email("bea@example.com")).await.unwrap(), Some(known(bea)));
    w.check().await;
}

pub(super) async fn of_many_changes_of_one_password_at_once_one_counts(w: World) {
    let ada = w.user("ada").await;
    let (accounts, known, kept) = (w.accounts(), known(ada), w.sign_in(1, ada).await);
    let hashes: Vec<_> = (0..MANY).map(|number| hash(&number.to_string())).collect();
    let changed = join_all(hashes.iter().map(|hash| accounts.change_password(&known, hash, kept))).await;
    let changed: Vec<_> = changed.into_iter().map(Result::unwrap).collect();
    let found = accounts.credentials(&email("ada@example.com")).await.unwrap().unwrap();
    let theirs: Vec<_> = hashes.iter().map(|hash| *hash == found.hash).collect();
    assert_eq!(changed, theirs);
    assert!(w.is_live(kept).await);
}
