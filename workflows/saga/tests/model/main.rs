
mod design;
mod explore;
mod moves;
mod world;

use design::*;
use explore::explore;

#[test]
fn probe() {
    let mut list = vec![];
    for workers in 2..=4 { list.push((format!("A{workers}"), Design { workers, ..Design::INSIDE })); }
    for workers in 2..=4 { list.push((format!("C{workers}"), Design { workers, ..Design::OUTSIDE })); }
    for workers in 1..=3 { list.push((format!("A{workers}raw"), Design { workers, forgets: false, ..Design::INSIDE })); }
    for workers in 1..=2 { list.push((format!("C{workers}raw"), Design { workers, forgets: false,..Design::OUTSIDE })); }
    for (name, design) in list {
        let t = std::time::Instant::now();
        let e = explore(&design, |_| true);
        let proj: std::collections::HashSet<_> = e.worlds.iter().map(|w| { let mut w = *w; w.workers = [world::Worker::IDLE;4]; w.row.epoch=0; w.journal.epoch=0; w.tombstones=0; w.fences=[0;4]; w.key() }).collect();
        println!("{name}: {} states {} moves {:?} {:?} {:?} proj {}", e.states(), e.moves, t.elapsed(), e.sights, e.found, proj.len());
    }
}
