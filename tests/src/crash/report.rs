//! What the matrix has shown, for people.

use std::fmt::Write;

use saga::testing::crash::{Act, Moment, Point};

use super::matrix::Findings;
use super::schedule::{Blow, Outcome, STEPS, Schedule};

const HEAD: &str = "# The crash matrix

Each mark is a sign-up with processes of its own: `signup api` and `signup worker` on PostgreSQL and Redis. One process is
halted at the crash point of the row, on the way of the column, and meets a fault there:

- **K**: it is killed (`kill -9`), and another goes on.
- **S**: it is stopped (SIGSTOP) until another has ended the saga, after its lease has run out if it had one, and then goes on
  where it was. What it had sent is on its way until then, and arrives when all is over.
- **C**: its connections are reset; the answer that it waits for, or has not looked at yet, is lost.
- **T**: the server ends its connections: `pg_terminate_backend`, `CLIENT KILL`.

A mark means that the sign-up then ended as the column says, once; that nothing of it was left where it failed, and nothing
was lacking where it completed; that every invariant held over the whole database; and that each process that was not killed
ended by itself, well, when it was asked to. A dash means that a sign-up that goes this way never comes to the point: a
process that would have halted there did not.

*before*: nothing has been sent. *sent*: it is on its way or with the server, which is kept from writing it until the fault
has happened. *written*: it is written, and whoever sent it does not know. *answered*: whoever sent it knows, and has told
those who are to hear of it.

This page is what the run in `tests/suite/crash.rs` says; `UPDATE=1 cargo test -p tests --all-features -- crash` writes it.
";

/// The page of a run: what it does not show has no mark.
pub fn table(findings: &Findings) -> String {
    let mut page = HEAD.to_owned();
    let (reached, passed): (Vec<_>, Vec<_>) = findings.held.iter().partition(|schedule| schedule.is_reachable());
    let (reached, passed) = (reached.len(), passed.len());
    let _ = writeln!(
        page,
        "\n{reached} sign-ups came to their points, and {passed} did not come to points off their ways.\n"
    );
    let columns: Vec<_> = Outcome::ALL.iter().map(ToString::to_string).collect();
    let _ = writeln!(page, "| point | {} |", columns.join(" | "));
    let _ = writeln!(page, "|---|{}", "---|".repeat(columns.len()));
    for act in Act::all(&STEPS) {
        for moment in Moment::ALL {
            let point = Point { act: act.clone(), moment };
            let cells = Outcome::ALL.map(|outcome| cell(findings, &point, outcome));
            let _ = writeln!(page, "| {point} | {} |", cells.join(" | "));
        }
    }
    page
}

fn cell(findings: &Findings, point: &Point, outcome: Outcome) -> String {
    let held = findings.held.iter().filter(|schedule| schedule.point == *point && schedule.outcome == outcome);
    let mut marks: Vec<_> = held.map(|schedule| (schedule.blow, mark(schedule))).collect();
    marks.sort();
    marks.into_iter().map(|(_, mark)| mark).collect()
}

fn mark(schedule: &Schedule) -> &'static str {
    match schedule.blow {
        _ if !schedule.is_reachable() => "–",
        Blow::Kill => "K",
        Blow::Stop => "S",
        Blow::Cut => "C",
        Blow::Terminate => "T",
    }
}
