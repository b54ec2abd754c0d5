//! The line between a process and the store, on which anything can go wrong.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use saga::store::{
    Accepted, Claim, Claimed, Commit, Committed, Error, Event, Fence, Filter, Housekept, Inspection, Operated,
    Operation, Record, View,
};
use saga::{Policy, SagaId, Store};
use signup::{Proposal, SignUp};
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::life::Life;
use crate::lock;
use crate::request::{Answer, Request};
use crate::sight::Sight;
use crate::weather::Fate;
use crate::world::World;

/// The store as one process sees it.
pub(crate) struct Line {
    world: Arc<World>,
    who: Arc<str>,
    life: Arc<Life>,
    /// Commits whose reply was lost on this line.
    doubts: Mutex<Vec<Fence>>,
}

impl Line {
    pub(crate) fn new(world: Arc<World>, who: &str, life: Arc<Life>) -> Self {
        Self { world, who: who.into(), life, doubts: Mutex::default() }
    }

    async fn call(&self, request: Request) -> Result<Answer, Error> {
        let fate = self.world.fate();
        if fate != Fate::Answered {
            self.world.note(|| format!("{} {request}: {fate:?}", self.who));
        }
        let answer = self.meet(fate, &request).await;
        self.settle(&request, &answer);
        answer
    }

    async fn meet(&self, fate: Fate, request: &Request) -> Result<Answer, Error> {
        let chance = &self.world.chance;
        let soon = || chance.millis(0, 4);
        let late = || self.lasting(chance.millis(100, 4000));
        let lost = || Err(Error::InDoubt("made to be lost".to_owned()));
        match fate {
            Fate::Answered => {
                sleep(soon()).await;
                let answer = self.put(request).await;
                sleep(soon()).await;
                answer
            }
            Fate::Away => Err(Error::Unavailable("made to be away".to_owned())),
            Fate::NeverArrived => lost(),
            Fate::ReplyLost => {
                let _ = self.put(request).await;
                lost()
            }
            Fate::Straggles => {
                self.straggle(request.clone(), late());
                lost()
            }
            Fate::Unanswered => {
                let _ = self.put(request).await;
                pending().await
            }
            Fate::Late => {
                sleep(late()).await;
                self.put(request).await
            }
            Fate::AnsweredLate => {
                let answer = self.put(request).await;
                sleep(self.lasting(chance.millis(2000, 18_000))).await;
                answer
            }
            Fate::Twice => {
                let answer = self.put(request).await;
                sleep(soon()).await;
                let _ = self.put(request).await;
                answer
            }
            Fate::StillBefore => {
                self.stand_still().await;
                self.put(request).await
            }
            Fate::StillAfter => {
                let answer = self.put(request).await;
                self.stand_still().await;
                answer
            }
            Fate::DiesBefore => self.die().await,
            Fate::DiesAfter => {
                let _ = self.put(request).await;
                self.die().await
            }
        }
    }

    fn lasting(&self, time: Duration) -> Duration {
        self.world.fault_lasts(time);
        time
    }

    async fn put(&self, request: &Request) -> Result<Answer, Error> {
        self.world.put(&self.who, request).await
    }

    /// Sends it on its way, from which nobody can call it back.
    fn straggle(&self, request: Request, late: Duration) {
        let (world, who) = (Arc::clone(&self.world), Arc::clone(&self.who));
        tokio::spawn(async move {
            sleep(late).await;
            if world.put(&who, &request).await.is_ok_and(|answer| answer.wrote()) {
                world.see(Sight::Straggled);
            }
        });
    }

    /// Goes on without looking at the time.
    async fn stand_still(&self) {
        self.world.see(Sight::StoodStill);
        self.life.stand_still(self.lasting(self.world.chance.millis(1000, 60_000)));
        yield_now().await;
    }

    async fn die<T>(&self) -> T {
        self.life.die();
        pending().await
    }

    /// Keeps what it takes to see how a commit in doubt is settled.
    fn settle(&self, request: &Request, answer: &Result<Answer, Error>) {
        let mut doubts = lock(&self.doubts);
        match (request, answer) {
            (Request::Commit(commit), Err(Error::InDoubt(_))) => doubts.push(commit.fence),
            (Request::Commit(commit), Ok(answer)) if answer.wrote() && doubts.contains(&commit.fence) => {
                self.world.see(Sight::FoundAbsent);
            }
            (Request::Events(saga, from), Ok(Answer::Events(events))) => {
                let ours = |fence: &Fence| {
                    let first = events.first();
                    fence.saga == *saga && first.is_some_and(|event| event.seq == *from && event.epoch == fence.epoch)
                };
                if doubts.iter().any(ours) {
                    self.world.see(Sight::FoundWritten);
                }
            }
            (_, Ok(_) | Err(_)) => {}
        }
    }
}

fn mixed_up<T>() -> Result<T, Error> {
    Err(Error::Unreadable("an answer to another question".to_owned()))
}

#[async_trait]
impl Store<SignUp> for Line {
    async fn accept(&self, proposal: &Proposal) -> Result<Accepted<SignUp>, Error> {
        let Answer::Accepted(accepted) = self.call(Request::Accept(Box::new(proposal.clone()))).await? else {
            return mixed_up();
        };
        Ok(accepted)
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed<SignUp>>, Error> {
        let Answer::Claimed(claimed) = self.call(Request::Claim(claim.clone())).await? else { return mixed_up() };
        Ok(claimed)
    }

    async fn commit(&self, commit: &Commit<SignUp>) -> Result<Committed, Error> {
        let Answer::Committed(committed) = self.call(Request::Commit(Box::new(commit.clone()))).await? else {
            return mixed_up();
        };
        Ok(committed)
    }

    async fn hand_back(&self, fence: &Fence, due_in: Duration) -> Result<bool, Error> {
        let Answer::HandedBack(held) = self.call(Request::HandBack(*fence, due_in)).await? else { return mixed_up() };
        Ok(held)
    }

    async fn views(&self, sagas: &[SagaId]) -> Result<Vec<View>, Error> {
        let Answer::Views(views) = self.call(Request::Views(sagas.to_vec())).await? else { return mixed_up() };
        Ok(views)
    }

    async fn events(&self, saga: SagaId, from: u64) -> Result<Vec<Event>, Error> {
        let Answer::Events(events) = self.call(Request::Events(saga, from)).await? else { return mixed_up() };
        Ok(events)
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Record>, Error> {
        let Answer::Listed(records) = self.call(Request::List(filter.clone())).await? else { return mixed_up() };
        Ok(records)
    }

    async fn inspect(&self, saga: SagaId) -> Result<Option<Inspection>, Error> {
        let Answer::Inspected(inspection) = self.call(Request::Inspect(saga)).await? else { return mixed_up() };
        Ok(inspection.map(|inspection| *inspection))
    }

    async fn operate(&self, operation: &Operation) -> Result<Operated, Error> {
        let Answer::Operated(operated) = self.call(Request::Operate(Box::new(operation.clone()))).await? else {
            return mixed_up();
        };
        Ok(operated)
    }

    async fn housekeep(&self, policy: &Policy) -> Result<Housekept, Error> {
        let Answer::Housekept(kept) = self.call(Request::Housekeep(*policy)).await? else { return mixed_up() };
        Ok(kept)
    }

    async fn release_leases(&self) -> Result<u64, Error> {
        let Answer::Released(leases) = self.call(Request::ReleaseLeases).await? else { return mixed_up() };
        Ok(leases)
    }
}
