//! Breadth-first through every state that can be reached, with the shortest way to the first violation.

use std::collections::HashMap;

use crate::design::Design;
use crate::moves::{Machine, Move, Name};
use crate::sights::Sights;
use crate::world::{Violation, World};

/// What an exploration found.
pub(crate) struct Explored {
    machine: Machine,
    /// In the order in which they were reached.
    pub(crate) worlds: Vec<World>,
    /// By state: the one from which it was reached first.
    parents: Vec<u32>,
    /// By state: where its moves without a fault begin in `sound`.
    offsets: Vec<u32>,
    /// The states to which moves without a fault lead.
    sound: Vec<u32>,
    pub(crate) sights: Sights,
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
    let mut explored = Explored {
        machine: Machine::new(*design),
        worlds: vec![start],
        parents: vec![0],
        offsets: vec![0],
        sound: Vec::new(),
        sights: Sights::default(),
        moves: 0,
        found: None,
    };
    let mut known = HashMap::from([(start.key(), 0)]);
    let mut moves = Vec::new();
    let mut next = 0;
    while let Some(world) = explored.worlds.get(next).copied() {
        explored.machine.moves(&world, &mut moves);
        for made in moves.drain(..) {
            explored.moves += 1;
            explored.sights.join(made.sights);
            let fresh = number(explored.worlds.len());
            let index = *known.entry(made.to.key()).or_insert(fresh);
            if index == fresh {
                explored.worlds.push(made.to);
                explored.parents.push(number(next));
            }
            if !made.fault {
                explored.sound.push(index);
            }
            let violation = made.violation.into_iter().chain(made.to.violation(design.effects)).find(|v| counts(*v));
            if let Some(violation) = violation {
                let mut trace = explored.way_to(next);
                trace.push(told(&made));
                explored.found = Some(Found { violation, trace });
                return explored;
            }
        }
        explored.offsets.push(number(explored.sound.len()));
        next += 1;
    }
    explored.found = counts(Violation::NoWayToAnEnd).then(|| explored.stranded()).flatten();
    explored
}

impl Explored {
    pub(crate) fn states(&self) -> usize {
        self.worlds.len()
    }

    /// The shortest way to a state from which no end can be reached, even if nothing goes wrong any more.
    fn stranded(&self) -> Option<Found> {
        let mut safe: Vec<bool> = self.worlds.iter().map(World::ended).collect();
        let mut changed = true;
        while changed {
            changed = false;
            for state in (0..safe.len()).rev().filter(|state| !safe[*state]).collect::<Vec<_>>() {
                let [from, to] = [self.offsets[state], self.offsets[state + 1]].map(|offset| offset as usize);
                if self.sound[from..to].iter().any(|after| safe[*after as usize]) {
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
            let parent = self.parents[state] as usize;
            let mut moves = Vec::new();
            self.machine.moves(&self.worlds[parent], &mut moves);
            trace.extend(moves.iter().find(|made| made.to == self.worlds[state]).map(told));
            state = parent;
        }
        trace.reverse();
        trace
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn told(made: &Move) -> String {
    let Move { name, by, to, .. } = made;
    let of = match name {
        Name::LeaseRunsOut | Name::Claims => String::new(),
        _ if by.epoch == 0 => format!(" (fenced, {:?})", by.phase),
        _ => format!(" (epoch {}, {:?}, {:?})", by.epoch, by.phase, by.place),
    };
    format!("{name:?}{of}: epoch {}, {:?}, effects {:04b}", to.row.epoch, to.row.place, to.effects)
}
