//! What a person sees who starts the service.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use signup::OperatorToken;

use crate::database::Database;

/// Where everything is, and how to try it.
pub(crate) struct Banner<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) database: &'a Database,
    pub(crate) data_dir: &'a Path,
    /// The first operator's token, if it was made just now and somebody is looking: it is shown this once, and never to
    /// whatever collects the output of services.
    pub(crate) token: Option<&'a OperatorToken>,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, database, data_dir, token } = self;
        let (version, kind) = (env!("CARGO_PKG_VERSION"), database.kind());
        writeln!(f, "signup-saga {version}: everything in one process, on {kind}")?;
        writeln!(f)?;
        writeln!(f, "  API    http://{address}")?;
        writeln!(f, "  Docs   http://{address}/docs")?;
        writeln!(f, "  Store  {}", database.place)?;
        writeln!(f, "  Data   {}", data_dir.display())?;
        if let Some(token) = token {
            writeln!(f, "  Token  {} of the operator `admin`: shown once, kept in operator.token", token.reveal())?;
        }
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
