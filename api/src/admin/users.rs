//! What operators see of users, and do to them.

pub(super) mod act;
pub(super) mod find;
mod seen;
pub(super) mod show;
