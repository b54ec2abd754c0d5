//! Panics: those that are asked for are kept quiet, and any other breaks its history.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// What a step says that was made to panic.
const ASKED_FOR: &str = "made to panic";

thread_local! {
    /// Where a history of this thread has panicked, unasked.
    static UNASKED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

static HOOK: Once = Once::new();

/// What the work returns, if it does, and where it panicked, also in a task that was taken down alone.
pub(crate) fn watched<T>(work: impl FnOnce() -> T) -> (Option<T>, Vec<String>) {
    HOOK.call_once(|| {
        let loud = take_hook();
        set_hook(Box::new(move |panic| {
            if panic.payload_as_str() != Some(ASKED_FOR) {
                let place = panic.location().map_or_else(String::new, ToString::to_string);
                UNASKED.with_borrow_mut(|unasked| unasked.push(format!("nothing panics: at {place}")));
                loud(panic);
            }
        }));
    });
    UNASKED.with_borrow_mut(Vec::clear);
    // What is left of a history that panicked is thrown away.
    let result = catch_unwind(AssertUnwindSafe(work)).ok();
    (result, UNASKED.take())
}
