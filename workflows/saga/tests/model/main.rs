mod design;
mod explore;
mod moves;
mod world;

use design::*;
use explore::explore;

#[test]
fn probe() {
    let mut list = vec![];
    for workers in 2..=3 {
        list.push((format!("A{workers}"), Design { workers, ..Design::INSIDE }));
    }
    for workers in 2..=3 {
        list.push((format!("C{workers}"), Design { workers, ..Design::OUTSIDE }));
    }
    for (name, design) in list {
        let t = std::time::Instant::now();
        let e = explore(&design, |_| true);
        println!("{name}: {} states {} moves {:?} {:?} {:?}", e.states(), e.moves, t.elapsed(), e.sights, e.found);
    }
}
#[test]
fn stats() {
    let d = Design { workers: 3, ..Design::OUTSIDE };
    let e = explore(&d, |_| true);
    let mut m: std::collections::BTreeMap<String, usize> = Default::default();
    for w in &e.worlds {
        let mut k: Vec<String> = w.workers[..3]
            .iter()
            .map(|x| {
                format!(
                    "{:?}{}{}{}",
                    x.phase,
                    if x.next == world::Next::Open { "*" } else { "" },
                    if x.copy { "+c" } else { "" },
                    if x.request { "+r" } else { "" }
                )
            })
            .collect();
        k.sort();
        *m.entry(k.join(" ")).or_default() += 1;
        *m.entry(format!("~fences {}", w.fences.iter().filter(|x| **x > 0).count())).or_default() += 1;
        *m.entry(format!("~place {:?}", w.row.place)).or_default() += 1;
        *m.entry(format!("~tomb {}", w.tombstones.count_ones())).or_default() += 1;
    }
    let mut v: Vec<_> = m.into_iter().collect();
    v.sort_by_key(|x| std::cmp::Reverse(x.1));
    for (k, n) in v.iter().take(70) {
        println!("{n:8} {k}");
    }
}
