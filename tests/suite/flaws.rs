//! Those who look for bugs find them: each of these is found by the invariant that it breaks, and without it nothing is.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use rand::SeedableRng;
use rand::rngs::StdRng;
use saga::testing::{CLOCK_AHEAD, Pace};
use sqlx::{Connection, PgConnection};
use store::flawed::Flaw;
use tests::audit::{Scope, violations, watch};
use tests::chaos::{Book, Doors, Person, Request, check, rows};
use tests::{Client, Cluster, Member, eventually};
use tokio::time::{Duration, Instant, sleep};

use crate::BUSY;
use crate::site::Site;

/// Where a bug is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    /// In the store of every process.
    Store(Flaw),
    /// In the database, which does this before anybody signs up, and this afterwards.
    Database(&'static str, &'static str),
}

/// What brings a bug out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scene {
    /// People sign up, some several times, some at once. Some are refused, at each step.
    People,
    /// A worker stands still past its leases, and goes on when another has taken over.
    Stopped,
    /// A worker dies with its leases.
    Killed,
    /// A worker's clock is an hour ahead.
    Skewed,
    /// An operator has steps tried again that are under way.
    Operated,
    /// People sign up with e-mails that are known or under way, and nobody is to learn that.
    Private,
}

const NO_WIPE: &str = "
CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER stay BEFORE DELETE ON sealed_passwords FOR EACH ROW EXECUTE FUNCTION stay()";
const NOT_UNIQUE: &str = "DROP INDEX sagas_live_email; ALTER TABLE users DROP CONSTRAINT users_email_key_key";
const UNGUARDED: &str = "DROP TRIGGER sagas_ended_stay ON sagas";
const CHANGE_THE_ENDED: &str = "UPDATE sagas SET code = 'another' WHERE state = 'failed'";

/// Each bug, what brings it out, and what it breaks.
const BUGS: [(Bug, Scene, &[&str]); 16] = [
    (Bug::Store(Flaw::IgnoresTheFence), Scene::Stopped, &["I7"]),
    (Bug::Store(Flaw::WritesTwice), Scene::People, &["I7 a claim writes once"]),
    (Bug::Store(Flaw::SkipsTheStepInDoubt), Scene::People, &["I6"]),
    (Bug::Store(Flaw::UndoesInWordOnly), Scene::People, &["I1"]),
    (Bug::Store(Flaw::AcknowledgesBeforeItCommits), Scene::People, &["L1"]),
    (Bug::Store(Flaw::CompletesWithoutClaims), Scene::People, &["I3", "C7"]),
    (Bug::Store(Flaw::TakesLeasesByItsOwnClock), Scene::Skewed, &["I7 nobody takes what another holds"]),
    (Bug::Store(Flaw::NeverTakesOver), Scene::Killed, &["L1"]),
    (Bug::Store(Flaw::ForgetsTheKey), Scene::People, &["C3", "C4"]),
    (Bug::Store(Flaw::ForgetsWhatItAccepts), Scene::People, &["C1"]),
    (Bug::Store(Flaw::FencesNobodyOut), Scene::Operated, &["I7"]),
    (Bug::Store(Flaw::ShowsAnotherEnd), Scene::People, &["C2"]),
    (Bug::Store(Flaw::MakesForDecoys), Scene::Private, &["I13"]),
    (Bug::Database(NO_WIPE, ""), Scene::People, &["I9"]),
    (Bug::Database(NOT_UNIQUE, ""), Scene::People, &["I4"]),
    (Bug::Database(UNGUARDED, CHANGE_THE_ENDED), Scene::People, &["I8"]),
];

const SCENES: [Scene; 6] =
    [Scene::People, Scene::Stopped, Scene::Killed, Scene::Skewed, Scene::Operated, Scene::Private];

/// A lease lasts 2 s, and a step half a second.
const PACE: &str = "0.1";
/// Its step hangs until its time is over, several times.
const HANGS: &str = "sabotage create_profile:hang4";
/// So many are to hang.
const HANGING: usize = 6;
/// So many of them do at once, at least.
const SEVERAL: i64 = 3;
/// Those that hang now.
const HANG_NOW: &str = "SELECT count(*) FROM sagas WHERE step = 'create_profile' AND lease_until > now()";
/// So many were taken over, or none as long as there are more to come.
const TAKEN_OVER: &str = "
SELECT CASE WHEN EXISTS (SELECT FROM sagas WHERE lease_until < now()) THEN 0 ELSE count(DISTINCT saga_id) END
  FROM audit.seen WHERE overdue AND epoch > 0";
/// How long the sign-ups of a play may take to end, with a bug and without.
const PATIENCE: Duration = Duration::from_secs(20);
/// Plays at a time.
const AT_ONCE: usize = 3;

/// A play: a scene, on a database of its own.
struct Play {
    site: Site,
    cluster: Cluster,
    client: Client,
    person: Person,
    requests: Vec<Request>,
    members: Vec<Member>,
}

impl Play {
    async fn begin(bug: Option<Bug>, scene: Scene) -> Self {
        let site = Site::with_database().await;
        let cluster = Cluster::on(&site.url).await.unwrap();
        cluster.migrate().await.unwrap();
        watch(&site.url).await.unwrap();
        let mut cluster = cluster.telling(&[(Pace::VARIABLE, PACE), ("SIGNUP_DRAIN", "0")]);
        if scene == Scene::Private {
            cluster = cluster.telling(&[("SIGNUP_DUPLICATE_EMAIL", "private")]);
        }
        match bug {
            Some(Bug::Store(flaw)) => cluster = cluster.telling(&[(Flaw::VARIABLE, &flaw.name())]),
            Some(Bug::Database(before, _)) => site.execute(before).await,
            None => {}
        }
        let api = cluster.start("api", "api").await.unwrap();
        let (client, doors) = (api.client().await.unwrap(), Doors::default());
        doors.set(0, Some(client.clone()));
        let (book, random) = (Arc::new(Book::default()), StdRng::seed_from_u64(0));
        let person = Person { book, doors: Arc::new(doors), random };
        Self { site, cluster, client, person, requests: Vec::new(), members: vec![api] }
    }

    async fn worker(&mut self, name: &str, ahead: &str) -> usize {
        let variables = [(CLOCK_AHEAD, ahead)];
        self.members.push(self.cluster.start_with("worker", name, &variables).await.unwrap());
        self.members.len() - 1
    }

    async fn sign_up(&mut self, number: usize, name: &str) {
        let mut request = Request::new(&format!("user{number}@example.com"), name, &format!("key-{number}"));
        self.person.sign_up(&mut request).await;
        self.person.sign_up(&mut request).await;
        if request.id.is_some() {
            self.person.send_another_body(&request).await;
        }
        self.requests.push(request);
    }

    /// The only worker holds sign-ups whose step hangs.
    async fn hanging(&mut self) -> usize {
        // Before there is a worker: so they hang at once.
        for number in 0..HANGING {
            self.sign_up(number, HANGS).await;
        }
        let worker = self.worker("one", "0").await;
        self.comes("several hang", HANG_NOW, SEVERAL).await;
        worker
    }

    /// Waits until a query counts so many.
    async fn comes(&self, what: &str, sql: &'static str, least: i64) {
        let enough = async || (self.count(sql).await >= least).then_some(());
        eventually(what, enough).await.unwrap();
    }

    async fn count(&self, sql: &'static str) -> i64 {
        let mut database = PgConnection::connect(&self.site.url).await.unwrap();
        sqlx::query_scalar(sql).fetch_one(&mut database).await.unwrap()
    }

    async fn act(&mut self, scene: Scene) {
        match scene {
            Scene::People => self.people().await,
            Scene::Stopped => {
                let worker = self.hanging().await;
                self.members[worker].pause().await.unwrap();
                self.worker("other", "0").await;
                self.comes("those that hung are taken over", TAKEN_OVER, 1).await;
                self.members[worker].resume().await.unwrap();
            }
            Scene::Killed => {
                let worker = self.hanging().await;
                self.members.remove(worker).kill().await.unwrap();
                self.worker("other", "0").await;
            }
            Scene::Skewed => {
                self.hanging().await;
                self.worker("fast", "3600").await;
            }
            Scene::Operated => {
                // Before: it takes longer than a step hangs.
                let token = self.cluster.add_operator("olga").await.unwrap();
                self.hanging().await;
                self.operate(&token).await;
            }
            Scene::Private => self.people_with_known_emails().await,
        }
    }

    async fn people_with_known_emails(&mut self) {
        self.worker("one", "0").await;
        self.sign_up(0, "Ada").await;
        self.ended().await;
        let known = self.requests[0].email.clone();
        self.person.crowd(&known, "Ada", 3).await;
        self.person.crowd("everybody@example.com", "Ada", 8).await;
    }

    async fn ended(&self) {
        let ended = async || (self.site.unfinished().await == 0).then_some(());
        eventually("all end", ended).await.unwrap();
    }

    async fn people(&mut self) {
        self.worker("one", "0").await;
        let refused = ["create_user", "create_organization", "create_profile", "update_claims"];
        let refused = refused.map(|step| format!("sabotage {step}:refuse"));
        let names = refused.iter().map(String::as_str).chain(["Ada", "Grace", "sabotage create_user:fail1"]);
        for (number, name) in names.enumerate() {
            self.sign_up(number, name).await;
        }
        self.person.crowd("everybody@example.com", "Ada", 8).await;
    }

    async fn operate(&mut self, token: &str) {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", &*bearer), ("content-type", "application/json")];
        let mut database = PgConnection::connect(&self.site.url).await.unwrap();
        let hanging: Vec<(String, i64)> = sqlx::query_as(
            "SELECT 'wf_' || replace(id::text, '-', ''), seq FROM sagas
              WHERE step = 'create_profile' AND lease_until > now()",
        )
        .fetch_all(&mut database)
        .await
        .unwrap();
        for (id, seq) in hanging {
            let body = format!(r#"{{"reason": "it hangs", "seq": {seq}}}"#);
            // It may have gone on since: there are others.
            self.client.post(&format!("/v1/admin/sagas/{id}/retry"), &headers, body).await.unwrap();
        }
    }

    /// What does not hold once everything has ended, or should have.
    async fn end(mut self) -> Vec<String> {
        let (begun, mut wrong) = (Instant::now(), Vec::new());
        while self.site.unfinished().await > 0 {
            if begun.elapsed() > PATIENCE {
                wrong.push(format!("L1 every sign-up ends: {} have not", self.site.unfinished().await));
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
        for id in self.person.book.ids() {
            self.person.look(&id).await;
            self.person.look(&id).await;
        }
        let mut database = PgConnection::connect(&self.site.url).await.unwrap();
        wrong.extend(violations(&mut database, Scope::All).await.unwrap().iter().map(ToString::to_string));
        self.requests.extend(self.person.book.take_requests());
        wrong.extend(check(&self.person.book, &self.requests, &rows(&mut database).await.unwrap()));
        wrong
    }
}

async fn found(bug: Option<Bug>, scene: Scene) -> Vec<String> {
    let mut play = Play::begin(bug, scene).await;
    play.act(scene).await;
    if let Some(Bug::Database(_, after)) = bug {
        play.ended().await;
        play.site.execute(after).await;
    }
    play.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_seeded_bug_is_found_by_what_it_breaks() {
    for flaw in Flaw::ALL {
        assert!(BUGS.iter().any(|(bug, ..)| *bug == Bug::Store(flaw)), "{flaw:?} is not played");
    }
    let _busy = BUSY.read().await;
    let found = BUGS.map(|(bug, scene, breaks)| async move { (bug, breaks, found(Some(bug), scene).await) });
    let mut found = stream::iter(found).buffer_unordered(AT_ONCE);
    while let Some((bug, breaks, found)) = found.next().await {
        for broken in breaks {
            assert!(found.iter().any(|line| line.starts_with(broken)), "{bug:?} breaks {broken}: {found:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_bug_nothing_is_found() {
    let _busy = BUSY.read().await;
    let found = SCENES.map(|scene| async move { (scene, found(None, scene).await) });
    let mut found = stream::iter(found).buffer_unordered(AT_ONCE);
    while let Some((scene, found)) = found.next().await {
        assert_eq!(found, Vec::<String>::new(), "{scene:?}");
    }
}
