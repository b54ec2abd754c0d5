//! What a person sees who starts the service.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

/// Where everything is, and how to try it.
pub(crate) struct Banner<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) data_dir: &'a Path,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, data_dir } = self;
        writeln!(f, "signup-saga {}: everything in one process, on SQLite", env!("CARGO_PKG_VERSION"))?;
        writeln!(f)?;
        writeln!(f, "  API    http://{address}")?;
        writeln!(f, "  Docs   http://{address}/docs")?;
        writeln!(f, "  Data   {}", data_dir.display())?;
        writeln!(f)?;
        writeln!(f, "Sign someone up:")?;
        writeln!(f)?;
        writeln!(f, "  curl -i http://{address}/v1/signups \\")?;
        writeln!(f, "    -H 'Content-Type: application/json' -H 'Prefer: wait=5' \\")?;
        writeln!(f, r#"    -d '{{"email":"ada@example.com","password":"correct horse battery staple"}}'"#)?;
        writeln!(f)?;
        writeln!(f, "Ctrl-C stops it.")
    }
}
