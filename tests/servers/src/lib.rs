//! Private servers, and a network that fails, for tests and benchmarks, from the programs that are installed on the machine.
//!
//! Each server runs in a folder of its own, on a free port of the loopback address. It ends with the value that stands
//! for it, and with the process that started it, however that ends; nothing of it is left behind.

mod keeper;
mod postgres;
mod proxy;
mod redis;
mod resp;
mod start;

pub use postgres::{Durability, Postgres, Replication, Standby};
pub use proxy::{Flow, Mode, Pattern, Proxy, Traffic};
pub use redis::{Redis, RedisOptions};
pub use resp::Reply;
