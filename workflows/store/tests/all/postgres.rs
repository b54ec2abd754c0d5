//! What only a server has: plans, a schema that guards itself, many callers at once, and connections that break.

mod colliding;
mod connections;
mod decoying;
mod failover;
mod keys;
mod lanes;
mod lost;
mod opening;
mod returning;
mod sessions;
mod statements;
mod sweeping;
mod tampering;
mod way;
