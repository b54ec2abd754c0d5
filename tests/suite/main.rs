//! The product as its users meet it: the real binary, real files, real signals.

mod architecture;
mod embedded;
mod kill;
mod start;
