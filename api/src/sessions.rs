//! Sessions: signing in, staying signed in, and signing out. Each endpoint is a file.

mod attempts;
mod begin;
mod client;
pub(crate) mod list;
mod pair;
pub(crate) mod redeem;
pub(crate) mod refresh;
pub(crate) mod revoke;
pub(crate) mod sign_in;
