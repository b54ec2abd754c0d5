//! Every step and every undo, carried out more than once.

use saga::testing::Fault;
use saga::{Attempt, Direction, Ran};
use signup::SignUp;

use super::faults::undone_from;
use super::line::Fate;
use super::process::steps_at_hand;
use super::{Process, drive};
use crate::world::{CLAIMS, CODE, World};

/// Half of the sign-ups go through every undo.
fn refuses_some(attempt: &Attempt<SignUp>, direction: Direction) -> Option<Fault> {
    let meant = attempt.data.applicant.email.key().starts_with("refuse");
    (meant && direction == Direction::Forward && attempt.step == CLAIMS).then_some(Fault::Refuse(CODE))
}

pub(super) async fn every_commit_sent_twice_or_thrice_writes_once(w: World) {
    for times in [2, 3] {
        let mut w = w.another().await;
        let process = Process::on_a_bad_line(&w, refuses_some, Box::new(move |_| Fate::Arrives(times)));
        let sagas = drive(&mut w, &process, &["accept".to_owned(), "refuse".to_owned()]).await;
        assert_eq!(w.journal(sagas[0]).await.len(), 5);
        assert_eq!(w.journal(sagas[1]).await, undone_from(&CLAIMS, true));
    }
}

pub(super) async fn every_job_run_twice_or_thrice_writes_once(w: World) {
    for times in [2, 3] {
        let mut w = w.another().await;
        let process = Process::start(&w, refuses_some);
        let (done, undone) = (w.accept("accept").await, w.accept("refuse").await);
        loop {
            let steps = steps_at_hand(&w.check().await);
            if steps.is_empty() {
                break;
            }
            for step in steps {
                for job in process.claim(&step).await.unwrap() {
                    assert!(matches!(process.run(&job).await.unwrap(), Ran::Committed(_)));
                    for _ in 1..times {
                        assert_eq!(process.run(&job).await.unwrap(), Ran::Fenced);
                        w.check().await;
                    }
                }
            }
        }
        assert_eq!(w.journal(done).await.len(), 5);
        assert_eq!(w.journal(undone).await, undone_from(&CLAIMS, true));
    }
}
