//! What a proxy decides with.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::link::{Fate, Link, Way};
use super::trap::{Action, Reader, Trap};
use super::{Mode, Traffic};

/// How long is waited in [`Mode::Hold`] before it is looked at again.
pub(super) const LOOK: Duration = Duration::from_millis(100);

/// What is done with a piece.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is written to the other side.
    Forward,
    /// It is forgotten.
    Drop,
    /// It is forgotten, and so is the connection.
    End,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) link: Arc<Link>,
    pub(super) fate: Fate,
    /// How many threads serve it.
    pub(super) pumps: u8,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) mode: Mode,
    pub(super) target: u16,
    pub(super) closed: bool,
    pub(super) traps: Vec<Trap>,
    pub(super) sprung: u64,
    /// Of each connection whose client has said something that waits for another mode than [`Mode::Hold`]: the statements
    /// that it executes.
    pub(super) held: HashMap<u64, Vec<String>>,
    pub(super) traffic: Traffic,
    pub(super) next: u64,
    pub(super) connections: HashMap<u64, Connection>,
}

impl State {
    pub(super) fn new(target: u16) -> Self {
        let (traps, connections) = (Vec::new(), HashMap::new());
        let (mode, traffic) = (Mode::Pass, Traffic::default());
        Self { mode, target, closed: false, traps, sprung: 0, held: HashMap::new(), traffic, next: 0, connections }
    }

    pub(super) fn cut(&mut self, id: u64, server_too: bool) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.fate = Fate::Cut;
            connection.link.cut(server_too);
        }
    }

    /// How much longer something has to wait that came at this time; none if it need not.
    pub(super) fn wait(&self, id: u64, came: Instant) -> Option<Duration> {
        let is_cut = self.connections.get(&id).is_none_or(|connection| connection.fate == Fate::Cut);
        let wait = match self.mode {
            Mode::Delay(delay) => delay.saturating_sub(came.elapsed()),
            Mode::Hold => LOOK,
            Mode::Pass | Mode::BlackHole | Mode::Refuse => Duration::ZERO,
        };
        (!is_cut && !wait.is_zero()).then_some(wait)
    }

    /// What to do with a piece; the end of what is sent is an empty one.
    pub(super) fn judge(&mut self, id: u64, way: Way, reader: &Reader, size: usize) -> Verdict {
        let Some(connection) = self.connections.get_mut(&id) else { return Verdict::End };
        if self.mode == Mode::BlackHole && connection.fate != Fate::Cut {
            connection.fate = Fate::Dead;
        }
        match (connection.fate, way) {
            (Fate::Cut, _) => Verdict::End,
            (Fate::Dead, _) | (Fate::HalfClosed, Way::Down) => {
                self.traffic.lost.add(size);
                Verdict::Drop
            }
            (Fate::Muted, Way::Down) => {
                self.sprung += u64::from(size > 0);
                self.traffic.lost.add(size);
                self.cut(id, false);
                Verdict::End
            }
            (Fate::Well, Way::Down) => self.pass(way, size),
            (Fate::Well | Fate::Muted | Fate::HalfClosed, Way::Up) => {
                let found = self.traps.iter().position(|trap| size > 0 && reader.has(&trap.pattern));
                match found.map(|found| self.traps.remove(found).action) {
                    Some(Action::CutBefore) => {
                        self.sprung += 1;
                        self.traffic.lost.add(size);
                        self.cut(id, false);
                        return Verdict::End;
                    }
                    Some(Action::SwallowReply) => connection.fate = Fate::Muted,
                    None => {}
                }
                self.pass(way, size)
            }
        }
    }

    fn pass(&mut self, way: Way, size: usize) -> Verdict {
        let flow = match way {
            Way::Up => &mut self.traffic.up,
            Way::Down => &mut self.traffic.down,
        };
        if size > 0 {
            flow.add(size);
        }
        Verdict::Forward
    }
}
