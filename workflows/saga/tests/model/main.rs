//! An explicit-state model of one saga: every state that any schedule can lead to, breadth-first.
//!
//! What decides is the engine's own [`saga::plan`]. Around it is a small model of the rest: the saga's row and
//! journal, the effects, and workers that do what `engine.rs` and `settle.rs` do. From each state every move is made
//! that anybody could make next, each new state is checked, and so on until there are no new states. A violation is
//! reported with the shortest way to it.
//!
//! **Moves.** A lease runs out, at any moment. A worker claims a saga that nobody holds, at any moment: hints come
//! late, twice or never. Before its step begins it may hand the claim back, once or twice. Its step is done, is
//! refused, fails, or finds the saga too old or out of attempts; an undo is done or fails. Its commit arrives and is
//! answered, arrives and is not answered, is lost, or stays under way and arrives after anything else; then the worker
//! sends it again, and looks in the journal where the fence is gone. It crashes, at any moment; whatever it has sent is
//! still under way. The database's constraints may refuse what a step records. Where the effects are *inside*, in our
//! own database, they are written by the commit. Where they are *outside*, they are done and undone by requests before
//! the commit, which may be refused, may come through without an answer, and may arrive after their worker has given
//! them up. A refusal there is true of the one request: an earlier one may have happened, or may yet. And at any
//! moment, also while workers have the saga in hand, an operator has the step tried again, rolls the saga back, or,
//! where effects are inside and none is left, resolves it; where that leads is told by [`saga::operate::act`].
//!
//! **Invariants**, in every state or on every move ([`world::Violation`]): a failed saga leaves no effect, a completed
//! one has them all, and in between exactly those stand which the journal says stand, the step in hand aside where
//! effects are outside; the journal is a legal word: steps in order, one turn back, and undone in reverse is what was
//! done and the step at which it turned; the row is where its journal says; a commit is written by the latest claimer
//! only, one event for each seq; an ended saga does not change; an attempt is handed back by whom it was given to; what
//! a worker reports of its commit is so. And from every state an end can be reached by moves in which nothing goes
//! wrong.
//!
//! **Bounds.** There are four steps, two attempts for each, two to four workers, and one thing at most that a worker
//! has left behind under way to each side. Claims, events and crashes are not bounded: all that is ever asked of an
//! epoch is whether it is lower than another, and of a seq whether an event followed, so the states do not hold the
//! numbers; `sameness.rs` says what else they do not hold. Due times, hints and stuck marks do not appear, as any
//! moment is taken to be due; nor do kinds and versions of sagas. Nor does the state in a commit's guard: epoch and seq
//! imply it. Nor does an operator who saw the saga earlier: as long as its seq is the same, it is where they saw it.
//!
//! `right_designs.rs` has what holds, `wrong_designs.rs` what falls.
#![expect(clippy::print_stdout, reason = "the sizes and the shortest ways to a violation are worth reading")]

mod design;
mod explore;
mod moves;
mod plans;
mod right_designs;
mod sameness;
mod turn;
mod world;
mod wrong_designs;
mod wrong_plans;
