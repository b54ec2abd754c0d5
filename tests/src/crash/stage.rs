//! One schedule, from its sign-up to its end.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use saga::testing::crash::{Act, POINT, Point, SOCKET};

use super::act::{Request, role};
use super::blow::{release, strike};
use super::halts::{Halted, Halts};
use super::lock::Lock;
use super::schedule::Schedule;
use super::track::Track;
use crate::{Answer, Client, Member, eventually};

/// What one schedule is run with.
pub(super) struct Stage<'l> {
    track: &'l Track,
    schedule: &'l Schedule,
    /// Where a process says that it has halted.
    socket: PathBuf,
    number: usize,
}

impl<'l> Stage<'l> {
    pub(super) fn new(track: &'l Track, schedule: &'l Schedule, number: usize) -> Self {
        let socket = track.cluster.folder().join(format!("{number}.sock"));
        Self { track, schedule, socket, number }
    }

    /// Where its processes log.
    pub(super) fn logs(&self) -> Vec<PathBuf> {
        ["victim", "heir", "last"].map(|name| self.track.cluster.log(&self.name(name))).to_vec()
    }

    fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.number)
    }

    /// Runs it: how many have signed up.
    pub(super) async fn play(&self) -> anyhow::Result<usize> {
        let act = &self.schedule.point.act;
        let lock = Lock::at_hand(self.track, self.schedule).await?;
        let victim = self.armed(role(act), "victim", &self.schedule.point).await?;
        let client = if role(act) == "api" { Some(victim.client().await?) } else { None };
        let other = self.rehearse(client.as_ref()).await?;

        let mut request = self.sign_up("person");
        let mut id = None;
        if *act == Act::Operate {
            let accepted = request.insist(&self.track.client).await?.text("workflow_id").to_owned();
            request = Request::retry(&accepted, &self.track.token);
            id = Some(accepted);
        }
        let halts = Halts::listen(&self.socket)?;
        if role(act) == "worker" {
            id = Some(request.insist(&self.track.client).await?.text("workflow_id").to_owned());
        }
        let asked = client.map(|client| {
            let request = request.clone();
            tokio::spawn(async move { request.insist(&client).await })
        });
        let (halted, lock) = self.halted(&halts, lock).await?;
        let left = strike(self.track, self.schedule, victim, halted, lock).await?;
        if let Some(asked) = asked {
            let answer = if self.schedule.blow.is_of_the_process() {
                // Whoever asked of a process that is gone asks another.
                asked.abort();
                request.insist(&self.track.client).await?
            } else {
                asked.await??
            };
            id.get_or_insert_with(|| answer.text("workflow_id").to_owned());
        }
        let heirs = self.go_on(&halts).await?;
        for id in [id.context("no id")?, other] {
            self.ends(&id).await?;
        }
        release(left.lock, false).await?;
        if let Some(victim) = left.victim {
            if let Some(halted) = left.halted {
                victim.resume().await?;
                halted.go().await;
            }
            end(victim).await?;
        }
        for heir in heirs {
            end(heir).await?;
        }
        Ok(2)
    }

    /// Waits until the victim has halted. What it has sent is held by the lock.
    async fn halted<'k>(&self, halts: &Halts, mut lock: Lock<'k>) -> anyhow::Result<(Halted, Option<Lock<'k>>)> {
        let (line, halted) = halts.next().await?;
        if line != "sending" {
            return Ok((halted, None));
        }
        lock.take().await?;
        halted.go().await;
        let (_, halted) = halts.next().await?;
        lock.is_waited_for(&self.schedule.point.act).await?;
        Ok((halted, Some(lock)))
    }

    /// Somebody else signs up the same way first, and nobody halts: so what the victim sends is a statement that the
    /// server has prepared. One that it does not know is only being prepared when it is held up.
    async fn rehearse(&self, client: Option<&Client>) -> anyhow::Result<String> {
        let request = self.sign_up("other");
        let accepted = request.insist(client.unwrap_or(&self.track.client)).await?;
        let id = accepted.text("workflow_id").to_owned();
        match client {
            Some(client) if self.schedule.point.act == Act::Operate => {
                Request::retry(&id, &self.track.token).insist(client).await?;
            }
            Some(_) => {}
            None => self.ends(&id).await?,
        }
        Ok(id)
    }

    /// Runs it where the point is not on the way: nobody halts, and all is well.
    pub(super) async fn play_past(&self) -> anyhow::Result<usize> {
        let halts = Halts::listen(&self.socket)?;
        let id = self.sign_up("person").insist(&self.track.client).await?.text("workflow_id").to_owned();
        let worker = self.armed("worker", "victim", &self.schedule.point).await?;
        self.ends(&id).await?;
        end(worker).await?;
        halts.none().await?;
        Ok(1)
    }

    fn sign_up(&self, who: &str) -> Request {
        Request::sign_up(&format!("{who}{}@example.com", self.number), &self.schedule.outcome.full_name())
    }

    /// Starts whoever goes on, if somebody has to; where it happens again, that one is killed, and another goes on.
    async fn go_on(&self, halts: &Halts) -> anyhow::Result<Vec<Member>> {
        let nobody_else = role(&self.schedule.point.act) == "api" || self.schedule.blow.is_of_the_process();
        if !nobody_else {
            return Ok(Vec::new());
        }
        let Some(again) = &self.schedule.again else {
            let name = self.name("heir");
            return Ok(vec![self.track.cluster.spawn("worker", &name).await?]);
        };
        let heir = self.armed("worker", "heir", again).await?;
        let (line, mut halted) = halts.next().await?;
        if line == "sending" {
            halted.go().await;
            halted = halts.next().await?.1;
        }
        heir.kill().await?;
        drop(halted);
        Ok(vec![self.track.cluster.spawn("worker", &self.name("last")).await?])
    }

    /// A process that halts at this point; it is ready when this returns, unless it has halted.
    async fn armed(&self, role: &str, name: &str, point: &Point) -> anyhow::Result<Member> {
        let (point, socket) = (point.to_string(), self.socket.display().to_string());
        let url = self.track.database_way.url(&self.track.database);
        let variables = [(POINT, &*point), (SOCKET, &*socket), ("DATABASE_URL", &*url)];
        self.track.cluster.start_with(role, &self.name(name), &variables).await
    }

    /// Waits for the sign-up's end, which is the one that it would have had without the fault.
    async fn ends(&self, id: &str) -> anyhow::Result<()> {
        let path = format!("/v1/signups/{id}");
        let ended = |answer: &Answer| answer.status == 200 && ["completed", "failed"].contains(&answer.text("status"));
        let get = || async { self.track.client.get(&path).await.ok().filter(ended) };
        let answer = eventually("the sign-up ends", get).await?;
        let end = (answer.text("status"), answer.text("code"));
        ensure!(end == self.schedule.outcome.end(), "it has ended as {end:?}");
        Ok(())
    }
}

/// SIGTERM: it ends well.
async fn end(mut member: Member) -> anyhow::Result<()> {
    // Before that it would not know what to do.
    member.says(" started").await?;
    member.ask_to_stop().await?;
    let status = member.ended().await?;
    ensure!(status.success(), "{status}");
    Ok(())
}
