//! What must not change between two looks at a store.

use auditor::facts::{EventFact, Facts};
use saga::State;

/// Whatever an earlier look saw that a later one does not see any more as it was.
pub(crate) fn rewritten(before: &Facts, after: &Facts) -> Vec<String> {
    let mut found = Vec::new();
    for was in &before.sagas {
        let Some(is) = after.sagas.iter().find(|saga| saga.id == was.id) else {
            found.push(format!("{} has gone", was.id));
            continue;
        };
        if (is.epoch, is.seq) < (was.epoch, was.seq) || is.epoch < was.epoch {
            found.push(format!("{} went back from epoch {} and seq {}", is.id, was.epoch, was.seq));
        }
        let moved = (&was.state, was.epoch, was.seq, was.attempt) != (&is.state, is.epoch, is.seq, is.attempt);
        if matches!(was.state, State::Ended(_)) && moved {
            found.push(format!("{} changed after its end", is.id));
        }
        let (old, new) = (journal(before, was.id), journal(after, was.id));
        if !new.starts_with(&old) {
            found.push(format!("the journal of {} was rewritten", is.id));
        }
    }
    found
}

fn journal(facts: &Facts, saga: saga::SagaId) -> Vec<EventFact> {
    let start = facts.events.partition_point(|event| event.saga < saga);
    facts.events[start..].iter().take_while(|event| event.saga == saga).cloned().collect()
}
