//! Whether the store did what its answer says: written against what it held before and after.

mod operated;

use std::collections::BTreeMap;

use auditor::facts::{EventFact, Facts, SagaFact};
use jiff::Timestamp;
use saga::store::{Accepted, Claim, Claimed, Commit, Committed, Error, Fence, View};
use saga::{Active, SagaId, State, Transition};
use signup::{Conflict, Duplicates, FIRST_STEP, Proposal, SignUp};

use crate::people::Named;
use crate::request::{Answer, Request};

/// Until when claims hold, by their answers.
pub(crate) type Leases = BTreeMap<SagaId, Timestamp>;

/// What is wrong with this answer.
pub(crate) fn audit(
    before: &Facts,
    after: &Facts,
    leases: &mut Leases,
    request: &Request,
    answer: &Result<Answer, Error>,
) -> Option<String> {
    let wrong = match (request, answer) {
        (Request::Commit(commit), Ok(Answer::Committed(Committed::Then))) => {
            written(before, after, leases, commit, &commit.then)
        }
        (Request::Commit(commit), Ok(Answer::Committed(Committed::Refused))) => match &commit.if_refused {
            Some(refused) => written(before, after, leases, commit, refused),
            None => Some("refused what cannot be"),
        },
        (Request::Commit(commit), Ok(Answer::Committed(Committed::Fenced))) => {
            let held = holds(before, &commit.fence, Some(&commit.from));
            if held { Some("fenced a commit whose fence holds") } else { unchanged(before, after) }
        }
        (Request::Claim(claim), Ok(Answer::Claimed(claimed))) => {
            claimed.iter().find_map(|one| taken(before, after, leases, claim, one))
        }
        (Request::HandBack(fence, _), Ok(Answer::HandedBack(true))) => {
            leases.remove(&fence.saga);
            (!holds(before, fence, None)).then_some("took back a claim that does not hold")
        }
        (Request::Accept(proposal), Ok(Answer::Accepted(Accepted::New(view)))) if find(before, view.saga).is_none() => {
            accepted(before, after, proposal)
        }
        (Request::Accept(proposal), Ok(Answer::Accepted(Accepted::Conflict(conflict))))
            if proposal.duplicates == Duplicates::Decoyed && *conflict != Conflict::OtherBody =>
        {
            Some("told whose e-mail is known")
        }
        (Request::Accept(_), Ok(Answer::Accepted(Accepted::New(view) | Accepted::Replay(view)))) => seen(after, view),
        (Request::Views(sagas), Ok(Answer::Views(views))) => {
            let forgot = |saga: &SagaId| find(after, *saga).is_some() && !views.iter().any(|view| view.saga == *saga);
            let forgotten = sagas.iter().any(forgot).then_some("forgot a sign-up that is there");
            views.iter().find_map(|view| seen(after, view)).or(forgotten)
        }
        (Request::ReleaseLeases, Ok(Answer::Released(_))) => {
            leases.clear();
            None
        }
        (Request::Operate(operation), Ok(Answer::Operated(answer))) => {
            operated::operated(before, after, leases, operation, answer)
        }
        (Request::List(filter), Ok(Answer::Listed(records))) => operated::listed(after, filter, records),
        (Request::Inspect(saga), Ok(Answer::Inspected(inspection))) => {
            operated::inspected(after, *saga, inspection.as_deref())
        }
        (Request::Housekeep(_), Ok(Answer::Housekept(_))) => None,
        (_, Ok(_) | Err(_)) => unchanged(before, after),
    };
    wrong.map(|wrong| format!("an answer tells what happened: {wrong}: {request}"))
}

/// A sign-up that was told of.
fn seen(after: &Facts, view: &View) -> Option<&'static str> {
    match find(after, view.saga) {
        Some(saga) if saga.state == view.state => None,
        Some(_) => Some("told a state that is another"),
        None => Some("a sign-up that was answered for is not there"),
    }
}

/// A new sign-up: a decoy, or none.
fn accepted(before: &Facts, after: &Facts, proposal: &Proposal) -> Option<&'static str> {
    let key = proposal.applicant.email.key();
    let live = |saga: &SagaFact| {
        !saga.decoy && matches!(saga.state, State::Active(_)) && saga.email_key.as_deref() == Some(key)
    };
    let known = before.users.iter().any(|user| user.email_key == key) || before.sagas.iter().any(live);
    match find(after, proposal.saga) {
        None => Some("a sign-up that was answered for is not there"),
        Some(saga) if saga.decoy != known => Some("accepted a decoy where none is due, or none where one is"),
        Some(saga) => {
            (saga.state != State::Active(Active::Running(FIRST_STEP))).then_some("told a state that is another")
        }
    }
}

/// A commit that was answered as written.
fn written(
    before: &Facts,
    after: &Facts,
    leases: &mut Leases,
    commit: &Commit<SignUp>,
    transition: &Transition,
) -> Option<&'static str> {
    let fence = commit.fence;
    leases.remove(&fence.saga);
    if !holds(before, &fence, Some(&commit.from)) {
        return Some("wrote without a fence");
    }
    let (to, stuck) = match transition {
        Transition::Advance { to, .. } => (to.clone(), false),
        Transition::Again { stuck, .. } => (State::Active(commit.from.clone()), *stuck),
    };
    let claims = commit.claims().filter(|_| *transition == commit.then);
    if let (Some(lease), Some(now)) = (claims, after.taken_at) {
        leases.insert(fence.saga, now + lease);
    }
    let epoch = fence.epoch + u64::from(claims.is_some());
    let there = find(after, fence.saga).is_some_and(|saga| {
        let held = (saga.epoch, saga.leased) == (epoch, claims.is_some());
        saga.state == to && saga.stuck_since.is_some() == stuck && held
    });
    let event = last_event(after, fence.saga);
    let told = event
        .is_some_and(|event| (event.seq, event.epoch, event.kind) == (fence.seq + 1, fence.epoch, transition.event()));
    (!there || !told).then_some("did not write what it says")
}

/// A claim that was given out.
fn taken(
    before: &Facts,
    after: &Facts,
    leases: &mut Leases,
    claim: &Claim,
    claimed: &Claimed<SignUp>,
) -> Option<&'static str> {
    let Fence { saga, epoch, seq } = claimed.fence;
    let (Some(was), Some(is)) = (find(before, saga), find(after, saga)) else {
        return Some("claimed what is not there");
    };
    let now = after.taken_at?;
    let held = leases.insert(saga, now + claim.lease).is_some_and(|until| until >= now);
    if held {
        Some("claimed what is held")
    } else if was.due_at > now {
        Some("claimed what is not due")
    } else if (was.epoch + 1, was.seq, &was.state) != (epoch, seq, &State::Active(claimed.state.clone())) {
        Some("claimed without the next epoch")
    } else {
        ((is.epoch, is.attempt, is.seq) != (epoch, claimed.attempt, seq)).then_some("claimed in word only")
    }
}

fn holds(facts: &Facts, fence: &Fence, from: Option<&Active>) -> bool {
    find(facts, fence.saga).is_some_and(|saga| {
        let there = from.is_none_or(|from| saga.state == State::Active(from.clone()));
        (saga.epoch, saga.seq) == (fence.epoch, fence.seq) && there
    })
}

fn unchanged(before: &Facts, after: &Facts) -> Option<&'static str> {
    let size = |facts: &Facts| {
        let made = [facts.users.len(), facts.identities.len(), facts.organizations.len(), facts.profiles.len()];
        (made, facts.claims.len(), facts.sealed.len(), facts.events.len())
    };
    let same = before.sagas == after.sagas && size(before) == size(after);
    (!same).then_some("wrote what it says it did not")
}

/// A saga's row.
pub(crate) fn find(facts: &Facts, saga: SagaId) -> Option<&SagaFact> {
    let at = facts.sagas.binary_search_by_key(&saga, |saga| saga.id).ok()?;
    facts.sagas.get(at)
}

/// A saga's journal.
pub(crate) fn journal(facts: &Facts, saga: SagaId) -> &[EventFact] {
    let start = facts.events.partition_point(|event| event.saga < saga);
    let rest = facts.events.get(start..).unwrap_or_default();
    rest.get(..rest.partition_point(|event| event.saga == saga)).unwrap_or_default()
}

fn last_event(facts: &Facts, saga: SagaId) -> Option<&EventFact> {
    journal(facts, saga).last()
}

/// A saga as a violation names it.
pub(crate) fn named(what: &str, saga: SagaId) -> String {
    format!("{what}: {}", Named(saga))
}
