//! What is asked of a store, and what it answers, as data: so that one line can lose any of it.

use std::fmt;
use std::time::Duration;

use saga::store::{
    Accepted, Claim, Claimed, Commit, Committed, Error, Event, Fence, Filter, Housekept, Inspection, Operated,
    Operation, Record, View,
};
use saga::{Active, Policy, SagaId, State, Store, Transition};
use signup::{Duplicates, Proposal, SignUp};

use crate::people::{NAMES, Named};

/// A call of the store.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    Accept(Box<Proposal>),
    Claim(Claim),
    Commit(Box<Commit<SignUp>>),
    HandBack(Fence, Duration),
    Views(Vec<SagaId>),
    Events(SagaId, u64),
    List(Filter),
    Inspect(SagaId),
    Operate(Box<Operation>),
    Housekeep(Policy),
    ReleaseLeases,
}

/// What it returned.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Accepted(Accepted<SignUp>),
    Claimed(Vec<Claimed<SignUp>>),
    Committed(Committed),
    HandedBack(bool),
    Views(Vec<View>),
    Events(Vec<Event>),
    Listed(Vec<Record>),
    Inspected(Option<Box<Inspection>>),
    Operated(Operated),
    Housekept(Housekept),
    Released(u64),
}

impl Request {
    /// Calls the store.
    pub(crate) async fn put_to(&self, store: &dyn Store<SignUp>) -> Result<Answer, Error> {
        Ok(match self {
            Self::Accept(proposal) => Answer::Accepted(store.accept(proposal).await?),
            Self::Claim(claim) => Answer::Claimed(store.claim(claim).await?),
            Self::Commit(commit) => Answer::Committed(store.commit(commit).await?),
            Self::HandBack(fence, due_in) => Answer::HandedBack(store.hand_back(fence, *due_in).await?),
            Self::Views(sagas) => Answer::Views(store.views(sagas).await?),
            Self::Events(saga, from) => Answer::Events(store.events(*saga, *from).await?),
            Self::List(filter) => Answer::Listed(store.list(filter).await?),
            Self::Inspect(saga) => Answer::Inspected(store.inspect(*saga).await?.map(Box::new)),
            Self::Operate(operation) => Answer::Operated(store.operate(operation).await?),
            Self::Housekeep(policy) => Answer::Housekept(store.housekeep(policy).await?),
            Self::ReleaseLeases => Answer::Released(store.release_leases().await?),
        })
    }
}

impl Answer {
    /// Whether it says that something was written.
    pub(crate) fn wrote(&self) -> bool {
        match self {
            Self::Accepted(accepted) => matches!(accepted, Accepted::New(_)),
            Self::Claimed(claimed) => !claimed.is_empty(),
            Self::Committed(committed) => *committed != Committed::Fenced,
            Self::HandedBack(held) => *held,
            Self::Views(_) | Self::Events(_) | Self::Listed(_) | Self::Inspected(_) => false,
            Self::Operated(operated) => *operated == Operated::Done,
            Self::Housekept(kept) => *kept != Housekept::default(),
            Self::Released(leases) => *leases > 0,
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept(proposal) => {
                let key = proposal.applicant.email.key();
                let name = NAMES.iter().find(|name| key.starts_with(*name)).unwrap_or(&"nobody");
                let marked = if proposal.idempotency.is_some() { ", marked" } else { "" };
                let decoyed = if proposal.duplicates == Duplicates::Decoyed { ", or a decoy" } else { "" };
                write!(f, "accept {} of {name}{marked}{decoyed}", Named(proposal.saga))
            }
            Self::Claim(claim) => write!(f, "claim {} of {}", claim.limit, claim.step),
            Self::Commit(commit) => {
                let Fence { saga, epoch, seq } = commit.fence;
                let (saga, event) = (Named(saga), commit.then.event().word());
                write!(f, "commit {saga} {event} {} (epoch {epoch}, seq {seq})", commit.from.step())?;
                match &commit.then {
                    Transition::Again { stuck: true, .. } => f.write_str(", stuck"),
                    Transition::Again { .. } | Transition::Advance { .. } => Ok(()),
                }
            }
            Self::HandBack(fence, _) => write!(f, "hand back {} (epoch {})", Named(fence.saga), fence.epoch),
            Self::Views(sagas) => write!(f, "views of {}", list(sagas.iter().map(|saga| Named(*saga)))),
            Self::Events(saga, from) => write!(f, "events of {} from {from}", Named(*saga)),
            Self::List(filter) => write!(f, "list {filter:?}"),
            Self::Inspect(saga) => write!(f, "inspect {}", Named(*saga)),
            Self::Operate(operation) => {
                let Operation { saga, seq, action, signature, .. } = &**operation;
                write!(f, "{action} {} (seq {seq}, {}: {})", Named(*saga), signature.operator, signature.reason)
            }
            Self::Housekeep(_) => f.write_str("housekeep"),
            Self::ReleaseLeases => f.write_str("end all leases"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(Accepted::New(view)) => write!(f, "new {}", Named(view.saga)),
            Self::Accepted(Accepted::Replay(view)) => write!(f, "replay of {}", Named(view.saga)),
            Self::Accepted(Accepted::Conflict(conflict)) => write!(f, "{conflict:?}"),
            Self::Claimed(claimed) if claimed.is_empty() => f.write_str("nothing"),
            Self::Claimed(claimed) => {
                for (index, one) in claimed.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    let over = if one.taken_over { " taken over" } else { "" };
                    let back = if matches!(one.state, Active::Compensating(..)) { " to undo" } else { "" };
                    let Fence { saga, epoch, .. } = one.fence;
                    write!(f, "{comma}{}{back}{over} (epoch {epoch}, attempt {})", Named(saga), one.attempt)?;
                }
                Ok(())
            }
            Self::Committed(Committed::Then) => f.write_str("written"),
            Self::Committed(Committed::Refused) => f.write_str("written as refused"),
            Self::Committed(Committed::Fenced) => f.write_str("fenced"),
            Self::HandedBack(held) => f.write_str(if *held { "handed back" } else { "not held" }),
            Self::Views(views) if views.is_empty() => f.write_str("nothing"),
            Self::Views(views) => f.write_str(&list(views.iter().map(|view| match &view.state {
                State::Active(active) => format!("{active:?}"),
                State::Ended(end) => format!("{end:?}"),
            }))),
            Self::Events(events) => write!(f, "{} events", events.len()),
            Self::Listed(records) => write!(f, "{} sign-ups", records.len()),
            Self::Inspected(None) => f.write_str("nothing"),
            Self::Inspected(Some(inspection)) => {
                let Inspection { record, made } = &**inspection;
                write!(f, "{:?} at seq {}, {} made", record.view.state, record.seq, made.len())
            }
            Self::Operated(Operated::Done) => f.write_str("done"),
            Self::Operated(Operated::Stale) => f.write_str("stale"),
            Self::Operated(Operated::Left(left)) => write!(f, "{} left", left.len()),
            Self::Housekept(kept) => {
                write!(f, "{} silent, {} secrets, {} keys", kept.silent.len(), kept.secrets, kept.keys)
            }
            Self::Released(leases) => write!(f, "{leases}"),
        }
    }
}

fn list<T: fmt::Display>(items: impl Iterator<Item = T>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
