//! What the outside sees.

use std::time::Duration;

use saga::plan::EventKind;
use saga::store::{Commit, Committed, Fence, Note};
use saga::{End, Policy, State};

use crate::world::{CLAIMS, TICK, USER, World, done, failed, running};

pub(super) async fn an_unknown_saga_is_nothing(w: World) {
    w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    let fence = Fence { saga: w.proposal("eve").saga, ..claimed.fence };
    assert_eq!(w.store().load(fence.saga).await.unwrap(), None);
    assert_eq!(w.store().events(fence.saga, 0).await.unwrap(), []);
    assert!(!w.store().hand_back(&fence, Duration::ZERO).await.unwrap());
    assert_eq!(w.commit(&Commit { fence, ..done(&claimed) }).await, Committed::Fenced);
}

pub(super) async fn many_are_seen_at_once(w: World) {
    let ended = w.complete("eve").await;
    let (under_way, _) = (w.accept("ada").await, w.accept("joe").await);
    let asked = [under_way, w.proposal("kim").saga, ended];
    let mut views = w.store().views(&asked).await.unwrap();
    views.sort_by_key(|view| view.saga);
    let seen: Vec<_> = views.into_iter().map(|view| (view.saga, view.state)).collect();
    let mut expected = [(under_way, running(&USER)), (ended, State::Ended(End::Completed))];
    expected.sort_by_key(|(saga, _)| *saga);
    assert_eq!(seen, expected, "those that there are, and no others");
    assert_eq!(w.store().views(&[]).await.unwrap(), []);
}

pub(super) async fn events_are_read_from_a_seq_on(w: World) {
    let saga = w.complete("ada").await;
    w.complete("eve").await;
    let all = w.store().events(saga, 0).await.unwrap();
    assert_eq!(all.iter().map(|event| event.seq).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    for from in 0..=5 {
        let rest = w.store().events(saga, from).await.unwrap();
        assert_eq!(rest, all[usize::try_from(from).unwrap()..]);
    }
    assert_eq!(w.store().events(saga, 1000).await.unwrap(), []);
}

pub(super) async fn the_journal_tells_attempts_and_errors(mut w: World) {
    let saga = w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    let write = failed(&claimed, TICK);
    let note = Note { error: Some("made to fail".to_owned()), ..write.note.clone() };
    w.commit(&Commit { note, ..write }).await;
    w.advance(Duration::from_secs(2)).await;
    let claimed = w.claim_one(&USER).await;
    w.commit(&done(&claimed)).await;
    let events = w.store().events(saga, 0).await.unwrap();
    let told = |seq: usize| {
        let event = &events[seq];
        (event.kind, event.step.clone(), event.epoch, event.attempt, event.error.as_deref())
    };
    assert_eq!(told(0), (EventKind::Accepted, None, 0, 0, None));
    assert_eq!(told(1), (EventKind::Failed, Some(USER), 1, 1, Some("made to fail")));
    assert_eq!(told(2), (EventKind::Done, Some(USER), 2, 2, None));
    assert_eq!(events[1].at, events[0].at);
    assert_eq!(events[2].at.duration_since(events[0].at).as_secs(), 2);
    w.check().await;
}

pub(super) async fn a_view_tells_the_age_and_the_end(mut w: World) {
    let saga = w.reach("ada", &CLAIMS).await;
    w.advance(Duration::from_secs(2)).await;
    let view = w.view(saga).await;
    assert_eq!((view.age, view.state, view.ended_at), (Duration::from_secs(2), running(&CLAIMS), None));
    let claimed = w.claim_one(&CLAIMS).await;
    w.commit(&done(&claimed)).await;
    w.advance(Duration::from_secs(3)).await;
    let view = w.view(saga).await;
    assert_eq!(view.age, Duration::from_secs(5));
    let took = view.ended_at.map(|at| at.duration_since(view.accepted_at).as_secs());
    assert_eq!(took, Some(2));
    w.check().await;
}

pub(super) async fn the_backlog_is_as_old_as_what_has_been_due_longest_unclaimed(w: World) {
    let second = Duration::from_secs(1);
    assert_eq!(w.longest_wait().await, Duration::ZERO, "nobody is there");
    w.accept("ada").await;
    w.advance(second).await;
    assert_eq!(w.longest_wait().await, second);
    let claimed = w.claim_one(&USER).await;
    assert_eq!(w.longest_wait().await, Duration::ZERO, "it is worked on");
    w.commit(&failed(&claimed, 5 * second)).await;
    assert_eq!(w.longest_wait().await, Duration::ZERO, "it is due later");
    w.accept("eve").await;
    w.advance(2 * second).await;
    assert_eq!(w.longest_wait().await, 2 * second);
    w.claim_one(&USER).await;
    w.advance(60 * second).await;
    assert_eq!(w.longest_wait().await, 57 * second, "whoever had it has lost it, and that is no backlog");
}

pub(super) async fn the_census_counts_those_that_wait_unclaimed_and_those_that_are_stuck(w: World) {
    assert_eq!(w.census().await, (0, 0), "nobody is there");
    for name in ["ada", "eve", "joe"] {
        w.accept(name).await;
    }
    assert_eq!(w.census().await, (3, 0));
    let claimed = w.claim(&USER, 1).await.remove(0);
    assert_eq!(w.census().await, (2, 0), "one is worked on");
    w.commit(&failed(&claimed, Duration::from_secs(5))).await;
    assert_eq!(w.census().await, (2, 0), "one is due later");
    w.claim(&USER, 1).await;
    w.advance(Policy::STANDARD.silence + Duration::from_secs(1)).await;
    w.store().housekeep(&Policy::STANDARD).await.unwrap();
    assert_eq!(w.census().await, (1, 2), "both that were claimed have been silent for long");
}
