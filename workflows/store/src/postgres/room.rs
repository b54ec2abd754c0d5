//! Whether the server has room for the connections of all processes.

use saga::fleet::SILENT;
use saga::store::Error;

use super::Postgres;
use super::value::{count, millis};

pub(super) const SQL: &[(&str, &str)] = &[("room", ROOM)];

/// How many connections the server takes from those who are no superusers, and which processes have some.
const ROOM: &str = "
SELECT current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint AS room,
       (SELECT count(*) FROM processes WHERE seen_at > now() - $1 * interval '1 millisecond') AS others";

/// All processes together may open more connections than the server has room for, or nearly as many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crowd {
    /// The processes, with this one.
    pub processes: u64,
    /// How many connections they may open, if each may open as many as this one.
    pub connections: u64,
    /// How many the server takes.
    pub room: u64,
}

impl Postgres {
    /// Whether there is too little room for one process more that may open so many connections.
    ///
    /// # Errors
    /// Those of any statement.
    pub async fn crowd(&self, each: u32) -> Result<Option<Crowd>, Error> {
        let row = self.back.fetch_optional(sqlx::query(ROOM).bind(millis(SILENT))).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(crowd(count(&row, "others")?, each, count(&row, "room")?))
    }
}

/// A tenth is left to operators' commands, backups and whoever else there is.
fn crowd(others: u64, each: u32, room: u64) -> Option<Crowd> {
    let processes = others + 1;
    let connections = processes * u64::from(each);
    (connections > room - room / 10).then_some(Crowd { processes, connections, room })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_noticed_before_there_is_no_room() {
        assert_eq!(crowd(0, 20, 97), None);
        assert_eq!(crowd(3, 20, 97), None);
        assert_eq!(crowd(4, 20, 97), Some(Crowd { processes: 5, connections: 100, room: 97 }));
        assert_eq!(crowd(8, 20, 197), Some(Crowd { processes: 9, connections: 180, room: 197 }));
        assert_eq!(crowd(7, 20, 197), None);
    }
}
