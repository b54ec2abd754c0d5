//! What only a file has: statements, a schema that guards itself, and a life beyond the process.

mod durability;
mod opening;
mod statements;
mod tampering;
mod writing;
