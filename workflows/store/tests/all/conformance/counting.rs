//! What processes count.

use std::time::Duration;

use signup::statistics::{Counted, KEPT, Kind};

use crate::world::World;

const HOUR: Duration = Duration::from_hours(1);

fn asked(word: &str, class: &str, count: u64) -> Counted {
    Counted { kind: Kind::Asked, word: word.to_owned(), class: class.to_owned(), count }
}

async fn sums(w: &World, within: Duration) -> Vec<Counted> {
    let mut sums = w.statistics().sums(within).await.unwrap();
    sums.sort();
    sums
}

pub(super) async fn what_is_counted_adds_up_by_what_it_is(w: World) {
    let statistics = w.statistics();
    assert!(sums(&w, HOUR).await.is_empty());
    statistics.add(&[]).await.unwrap();
    let mut all = vec![asked("accepted", "gmail", 2), asked("accepted", "other", 1), asked("rate_limited", "gmail", 1)];
    all.push(Counted { kind: Kind::Done, word: "create_user".to_owned(), class: String::new(), count: 5 });
    all.sort();
    statistics.add(&all).await.unwrap();
    assert_eq!(sums(&w, HOUR).await, all);
    w.advance(Duration::from_mins(5)).await;
    statistics.add(&[asked("accepted", "gmail", 3)]).await.unwrap();
    statistics.add(&[asked("accepted", "gmail", 1)]).await.unwrap();
    assert!(sums(&w, HOUR).await.contains(&asked("accepted", "gmail", 6)));
    assert_eq!(sums(&w, Duration::from_mins(3)).await, [asked("accepted", "gmail", 4)], "of the last minutes alone");
}

pub(super) async fn what_was_counted_long_ago_is_forgotten(w: World) {
    let statistics = w.statistics();
    statistics.add(&[asked("accepted", "gmail", 1)]).await.unwrap();
    w.advance(KEPT.saturating_sub(HOUR)).await;
    statistics.add(&[asked("accepted", "other", 1)]).await.unwrap();
    assert_eq!(sums(&w, 2 * KEPT).await.len(), 2);
    w.advance(2 * HOUR).await;
    statistics.add(&[]).await.unwrap();
    assert_eq!(sums(&w, 2 * KEPT).await, [asked("accepted", "other", 1)]);
}

pub(super) async fn of_many_who_count_at_once_all_count(w: World) {
    let statistics = w.statistics();
    let rows: Vec<_> = ["a", "b", "c", "d"].into_iter().map(|word| asked(word, "gmail", 1)).collect();
    let adding = (0..20).map(|turn| {
        let (statistics, mut rows) = (w.statistics(), rows.clone());
        rows.rotate_left(turn % 4);
        async move { statistics.add(&rows).await.unwrap() }
    });
    futures_util::future::join_all(adding).await;
    drop(statistics);
    assert!(sums(&w, HOUR).await.iter().all(|one| one.count == 20));
}
