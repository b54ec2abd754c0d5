//! Lists of sagas, as operators ask for them.

use std::time::Duration;

use saga::store::{Commit, Filter, Note, Record, Status};
use saga::{Code, Policy, SagaId};

use crate::world::{CLAIMS, CODE, ORGANIZATION, PAUSE, PROFILE, STEPS, TICK, USER, World, failed, gave_up, undone};

/// No more than anybody asks for.
const EVERY: Filter =
    Filter { status: None, stuck: false, step: None, code: None, older_than: Duration::ZERO, before: None, limit: 100 };

fn ids(records: &[Record]) -> Vec<SagaId> {
    records.iter().map(|record| record.view.saga).collect()
}

/// Sagas in every state and at several steps, in the order in which they were accepted.
async fn crowd(w: &World) -> Vec<SagaId> {
    let mut crowd = vec![w.complete("ada").await, w.fail("bea").await];
    crowd.push(w.stick("cyd", 2).await);
    crowd.push(w.complete("dot").await);
    // Running, and stuck for its silence.
    crowd.push(w.reach("eve", &PROFILE).await);
    w.claim_one(&PROFILE).await;
    w.advance(Policy::STANDARD.silence).await;
    w.store().housekeep(&Policy::STANDARD).await.unwrap();
    w.claim_one(&PROFILE).await;
    crowd.push(w.reach("fay", &CLAIMS).await);
    let claimed = w.claim_one(&CLAIMS).await;
    w.commit(&gave_up(&claimed)).await;
    crowd.push(w.reach("gia", &PROFILE).await);
    crowd.push(w.accept("hal").await);
    crowd.push(w.accept("ivy").await);
    crowd
}

pub(super) async fn sagas_are_listed_the_newest_first(mut w: World) {
    assert_eq!(w.list(&EVERY).await, []);
    let mut crowd = crowd(&w).await;
    crowd.reverse();
    assert_eq!(ids(&w.list(&EVERY).await), crowd);
    for limit in 0..=crowd.len() {
        assert_eq!(ids(&w.list(&Filter { limit, ..EVERY }).await), crowd[..limit]);
    }
    assert_eq!(ids(&w.list(&Filter { limit: usize::MAX, ..EVERY }).await), crowd);
    w.check().await;
}

pub(super) async fn every_combination_of_filters_lists_what_it_says(mut w: World) {
    let crowd = crowd(&w).await;
    let all = w.list(&EVERY).await;
    let mut hits = 0;
    let statuses = Status::ALL.into_iter().map(Some).chain([None]);
    for (status, stuck) in statuses.flat_map(|status| [(status, false), (status, true)]) {
        for step in STEPS.iter().cloned().map(Some).chain([None]) {
            for code in [None, Some(CODE), Some(Code::EXPIRED)] {
                for before in [None, Some(crowd[3]), Some(crowd[6])] {
                    let (step, code) = (step.clone(), code.clone());
                    let filter = Filter { status, stuck, step, code, before, ..EVERY };
                    let expected: Vec<_> = all.iter().filter(|record| applies(&filter, record)).cloned().collect();
                    hits += usize::from(!expected.is_empty());
                    assert_eq!(ids(&w.list(&filter).await), ids(&expected), "{filter:?}");
                }
            }
        }
    }
    assert!(hits > 60, "{hits}");
    let stuck = w.list(&Filter { stuck: true, ..EVERY }).await;
    assert_eq!(ids(&stuck), [crowd[4], crowd[2]]);
    w.check().await;
}

/// The same question, asked of what is listed.
fn applies(filter: &Filter, record: &Record) -> bool {
    let (state, view) = (&record.view.state, &record.view);
    filter.status.is_none_or(|status| status.word() == state.word())
        && (!filter.stuck || view.stuck_since.is_some())
        && (filter.step.is_none() || state.step() == filter.step.as_ref())
        && (filter.code.is_none() || state.code() == filter.code.as_ref())
        && filter.before.is_none_or(|before| view.saga < before)
}

pub(super) async fn a_saga_is_listed_from_its_age_on(mut w: World) {
    let old = w.stick("ada", 1).await;
    w.advance(Duration::from_mins(1)).await;
    let young = w.complete("eve").await;
    for (older_than, status, expected) in [
        (Duration::ZERO, None, vec![young, old]),
        (TICK, None, vec![old]),
        (Duration::from_mins(1), None, vec![old]),
        (Duration::from_mins(1), Some(Status::Compensating), vec![old]),
        (Duration::from_mins(1), Some(Status::Completed), vec![]),
        (Duration::from_mins(1) + TICK, None, vec![]),
        (Duration::MAX, None, vec![]),
    ] {
        let filter = Filter { older_than, status, ..EVERY };
        assert_eq!(ids(&w.list(&filter).await), expected, "{filter:?}");
    }
    w.check().await;
}

pub(super) async fn pages_follow_each_other_while_new_sagas_arrive(mut w: World) {
    let mut expected = Vec::new();
    for number in 0..10 {
        expected.insert(0, w.fail(&format!("ada{number}")).await);
    }
    for filter in [EVERY, Filter { status: Some(Status::Failed), ..EVERY }, Filter { code: Some(CODE), ..EVERY }] {
        let (mut listed, mut before) = (Vec::new(), None);
        loop {
            let page = ids(&w.list(&Filter { before, limit: 3, ..filter.clone() }).await);
            let Some(last) = page.last() else { break };
            before = Some(*last);
            listed.extend(page);
            w.fail("new").await;
        }
        assert_eq!(listed[listed.len() - expected.len()..], expected);
        let filter = Filter { before: listed.first().copied(), ..filter };
        assert_eq!(ids(&w.list(&filter).await), listed[1..]);
    }
    w.check().await;
}

pub(super) async fn a_listed_saga_tells_who_holds_it_and_what_went_wrong(mut w: World) {
    let saga = w.accept("ada").await;
    w.advance(Duration::from_secs(2)).await;
    let claimed = w.claim_one(&USER).await;
    let record = w.list(&EVERY).await.remove(0);
    assert_eq!((record.view.clone(), record.version), (w.view(saga).await, 1));
    assert_eq!((record.epoch, record.seq, record.attempt), (1, 0, 1));
    assert_eq!((record.due_at, record.error), (record.view.accepted_at, None));
    let claimed_at = record.step_claimed_at.unwrap();
    assert_eq!(claimed_at.duration_since(record.view.accepted_at).as_secs(), 2);
    let lease = record.lease.unwrap();
    assert!(lease.worker.starts_with("test-"), "{lease:?}");
    assert_eq!(lease.until, claimed_at + Policy::STANDARD.lease);

    let write = failed(&claimed, PAUSE);
    let note = Note { error: Some("made to fail".to_owned()), ..write.note.clone() };
    w.commit(&Commit { note, ..write }).await;
    let record = w.list(&EVERY).await.remove(0);
    assert_eq!((record.seq, record.attempt, record.lease), (1, 1, None));
    assert_eq!(record.error.as_deref(), Some("made to fail"));
    assert_eq!((record.step_claimed_at, record.due_at), (Some(claimed_at), claimed_at + PAUSE));

    w.advance(PAUSE).await;
    let claimed = w.claim_one(&USER).await;
    assert_eq!(w.list(&EVERY).await[0].error.as_deref(), Some("made to fail"));
    w.refuse(&claimed).await;
    let record = w.list(&EVERY).await.remove(0);
    assert_eq!((record.attempt, record.lease, record.error), (0, None, None));
    assert_eq!(w.list(&Filter { code: Some(CODE), ..EVERY }).await.len(), 1);
    w.reach("eve", &ORGANIZATION).await;
    let claimed = w.claim_one(&ORGANIZATION).await;
    let claimed = w.claim_after_giving_up(&claimed).await;
    w.commit(&undone(&claimed)).await;
    assert_eq!(ids(&w.list(&Filter { step: Some(USER), ..EVERY }).await).len(), 1);
    w.check().await;
}
