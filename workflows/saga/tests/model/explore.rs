//! Breadth-first through every state that can be reached, with the shortest way to the first violation.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::design::Design;
use crate::moves::{Machine, Move, Name};
use crate::world::{Violation, World};

/// What an exploration found.
pub(crate) struct Explored {
    pub(crate) machine: Machine,
    /// In the order in which they were reached.
    pub(crate) worlds: Vec<World>,
    /// By state: the one from which it was reached first.
    parents: Vec<usize>,
    /// By state: those to which moves lead in which nothing goes wrong.
    well: Vec<Vec<usize>>,
    /// How many moves were made.
    pub(crate) moves: usize,
    pub(crate) found: Option<Found>,
}

/// A violation, and the moves that lead to it.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) violation: Violation,
    pub(crate) trace: Vec<String>,
}

/// Explores a design until a violation that counts is found.
pub(crate) fn explore(design: &Design, counts: fn(Violation) -> bool) -> Explored {
    let start = World::START.settled(design);
    let machine = Machine::new(*design);
    let mut explored =
        Explored { machine, worlds: vec![start], parents: vec![0], well: Vec::new(), moves: 0, found: None };
    let mut known: HashMap<World, usize, BuildHasherDefault<Quick>> = [(start, 0)].into_iter().collect();
    let mut moves = Vec::new();
    while let Some(world) = explored.worlds.get(explored.well.len()).copied() {
        let mut well = Vec::new();
        explored.machine.moves(&world, &mut moves);
        for made in moves.drain(..) {
            explored.moves += 1;
            let fresh = explored.worlds.len();
            let index = *known.entry(made.to).or_insert(fresh);
            if index == fresh {
                explored.worlds.push(made.to);
                explored.parents.push(explored.well.len());
            }
            if made.well {
                well.push(index);
            }
            let violation = made.violation.into_iter().chain(made.to.violation(design.effects)).find(|v| counts(*v));
            if let Some(violation) = violation {
                let mut trace = explored.way_to(explored.well.len());
                trace.push(told(&made));
                explored.found = Some(Found { violation, trace });
                return explored;
            }
        }
        explored.well.push(well);
    }
    explored.found = counts(Violation::NoWayToAnEnd).then(|| explored.stranded()).flatten();
    explored
}

impl Explored {
    /// The shortest way to a state from which no end can be reached, even if nothing goes wrong any more.
    fn stranded(&self) -> Option<Found> {
        let mut safe: Vec<bool> = self.worlds.iter().map(World::ended).collect();
        let mut changed = true;
        while changed {
            changed = false;
            for state in (0..safe.len()).rev() {
                if !safe[state] && self.well[state].iter().any(|after| safe[*after]) {
                    safe[state] = true;
                    changed = true;
                }
            }
        }
        let state = safe.iter().position(|safe| !safe)?;
        Some(Found { violation: Violation::NoWayToAnEnd, trace: self.way_to(state) })
    }

    /// The moves that lead to a state.
    fn way_to(&self, mut state: usize) -> Vec<String> {
        let mut trace = Vec::new();
        while state != 0 {
            let mut moves = Vec::new();
            self.machine.moves(&self.worlds[self.parents[state]], &mut moves);
            trace.extend(moves.iter().find(|made| made.to == self.worlds[state]).map(told));
            state = self.parents[state];
        }
        trace.reverse();
        trace
    }
}

fn told(made: &Move) -> String {
    let Move { name, by, to, .. } = made;
    let of = match name {
        Name::LeaseRunsOut | Name::OperatorActs(_) | Name::Claims => String::new(),
        _ if by.epoch == 0 => format!(" (fenced, {:?})", by.phase),
        _ => format!(" (epoch {}, {:?}, {:?})", by.epoch, by.phase, by.place),
    };
    let requests = to.workers.iter().filter(|worker| worker.request).count();
    let World { row, effects, .. } = to;
    format!("{name:?}{of}: epoch {}, {:?}, effects {effects:04b}, late requests {requests}", row.epoch, row.place)
}

/// The standard hasher takes most of the time where nothing is optimised.
#[derive(Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u8(*byte);
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_usize(byte.into());
    }

    fn write_usize(&mut self, number: usize) {
        self.0 = (self.0.rotate_left(5) ^ number as u64).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}
