//! What auditors read and keep.

use std::sync::Arc;
use std::time::Duration;

use auditor::{Auditor, Finding, Look, Place, invariants};
use saga::{OsRandom, SagaId, SystemClock, WorkerName};

use crate::world::{ORGANIZATION, USER, World, done, refused};

const MINUTE: Duration = Duration::from_mins(1);

fn auditor() -> WorkerName {
    WorkerName::from_stored("auditor".to_owned())
}

pub(super) async fn one_auditor_has_the_turn_and_the_next_goes_on_where_it_got(w: World) {
    let evidence = w.evidence();
    assert_eq!(evidence.last_turn().await, Ok(None));
    assert_eq!(evidence.take_turn(&auditor(), MINUTE).await, Ok(Some(Place::default())));
    assert!(evidence.last_turn().await.unwrap().is_some());
    assert_eq!(evidence.take_turn(&auditor(), MINUTE).await, Ok(None));
    let place = Place { looked: Some(w.accept("ada").await), read: None };
    evidence.keep_place(&place).await.unwrap();
    w.advance(MINUTE).await;
    let turns = [evidence.take_turn(&auditor(), MINUTE).await, evidence.take_turn(&auditor(), MINUTE).await];
    assert_eq!(turns, [Ok(Some(place)), Ok(None)]);
}

pub(super) async fn the_facts_of_some_sagas_are_theirs_alone(mut w: World) {
    w.complete("joe").await;
    let (ada, eve) = (w.accept("ada").await, w.accept("eve").await);
    let all = w.check().await;
    let sagas: Vec<SagaId> = all.sagas.iter().map(|saga| saga.id).collect();
    let evidence = w.evidence();
    let read = evidence.facts_of(&sagas).await.unwrap();
    assert_eq!((&read.sagas, &read.events, &read.sealed), (&all.sagas, &all.events, &all.sealed));
    assert_eq!((read.users.len(), &read.organizations), (all.users.len(), &all.organizations));
    assert_eq!((&read.profiles, &read.claims, &read.identities), (&all.profiles, &all.claims, &all.identities));
    assert!(read.taken_at.is_some());
    let one = evidence.facts_of(&[eve]).await.unwrap();
    assert_eq!(one.sagas.iter().map(|saga| saga.id).collect::<Vec<_>>(), [eve]);
    assert!(one.events.iter().all(|event| event.saga == eve) && one.sealed.len() == 1 && one.users.is_empty());
    let none = evidence.facts_of(&[]).await.unwrap();
    assert!(none.sagas.is_empty() && none.events.is_empty());
    assert_eq!(evidence.next(None, 10).await.unwrap(), sagas);
    assert_eq!(evidence.next(Some(ada), 10).await.unwrap(), [eve]);
    assert_eq!(evidence.next(None, 1).await.unwrap(), sagas[..1]);
}

pub(super) async fn nobody_is_suspected_where_nothing_is_wrong(mut w: World) {
    w.complete("ada").await;
    w.accept("eve").await;
    let claimed = w.claim_one(&USER).await;
    w.commit(&done(&claimed)).await;
    let claimed = w.claim_one(&ORGANIZATION).await;
    w.commit(&refused(&claimed)).await;
    w.accept("joe").await;
    let (evidence, sagas) = (w.evidence(), w.check().await.sagas);
    assert_eq!(evidence.look(None, 10).await, Ok(Look::default()));
    let mut at = None;
    for saga in &sagas {
        let look = evidence.look(at, 1).await.unwrap();
        assert_eq!(look, Look { suspects: vec![], upto: Some(saga.id) });
        at = look.upto;
    }
    assert_eq!(evidence.look(at, 1).await, Ok(Look::default()));
}

pub(super) async fn a_finding_is_kept_once_until_it_is_over(mut w: World) {
    let (ada, eve) = (w.accept("ada").await, w.accept("eve").await);
    let evidence = w.evidence();
    let found = |saga, what: &str| Finding { invariant: "no_orphan", saga, what: what.to_owned() };
    assert_eq!(evidence.record(&[ada, eve], &[found(ada, "a user"), found(eve, "a user")]).await, Ok(2));
    w.advance(MINUTE).await;
    assert_eq!(evidence.record(&[ada], &[found(ada, "two users")]).await, Ok(0), "known");
    assert_eq!(evidence.counts().await.unwrap().into_iter().collect::<Vec<_>>(), [("no_orphan".to_owned(), 2)]);
    assert_eq!(evidence.suspects(10).await.unwrap(), [ada, eve]);
    assert_eq!(evidence.suspects(1).await.unwrap(), [ada]);
    assert_eq!(evidence.record(&[eve], &[]).await, Ok(0));
    let open = evidence.findings(false, 10).await.unwrap();
    assert_eq!(open.iter().map(|one| (one.saga, one.what.as_str())).collect::<Vec<_>>(), [(ada, "two users")]);
    assert!(open[0].seen_at > open[0].found_at && open[0].over_at.is_none());
    let all = evidence.findings(true, 10).await.unwrap();
    assert_eq!(
        all.iter().map(|one| (one.saga, one.over_at.is_some())).collect::<Vec<_>>(),
        [(eve, true), (ada, false)]
    );
    assert_eq!(evidence.record(&[eve], &[found(eve, "again")]).await, Ok(1), "a new one");
    assert_eq!(evidence.findings(true, 1).await.unwrap()[0].what, "again");
    w.check().await;
}

pub(super) async fn an_auditor_finds_nothing_where_nothing_is_wrong_and_what_is_left_late(w: World) {
    w.accept("ada").await;
    let one = Auditor::new(w.evidence(), auditor(), Arc::new(SystemClock), Arc::new(OsRandom));
    let checked = one.turn().await.unwrap().unwrap();
    assert_eq!((checked.sagas, checked.wrong, checked.whole), (1, 0, true));
    assert_eq!(one.turn().await.unwrap(), None, "not yet");
    // Nobody housekeeps.
    w.advance(Duration::from_mins(17)).await;
    let checked = one.turn().await.unwrap().unwrap();
    assert!(checked.wrong > 0 && checked.new == 1, "{checked:?}");
    let found = w.evidence().findings(false, 10).await.unwrap();
    assert_eq!(found[0].invariant, "no_late_secret");
    assert!(invariants::meaning(&found[0].invariant).is_some());
}
