//! `signup operator list`: who may do what, from the database itself.

use anyhow::Context;
use serde_json::{Value, json};
use signup::EnlistedOperator;

use crate::config::{Config, Flags};
use crate::database::Database;
use crate::patience::outlast;

use super::table::Table;

#[derive(Debug, clap::Args)]
pub(crate) struct Enlisted {
    #[command(flatten)]
    flags: Flags,

    /// Print them as one JSON document
    #[arg(long)]
    json: bool,
}

impl Enlisted {
    pub(super) async fn run(self) -> anyhow::Result<String> {
        let read = async |_: &Config, database: &Database| {
            outlast(async || database.operators.operators().await).await.context("cannot read the operators")
        };
        let operators = Database::visited(&self.flags, read).await?;
        Ok(if self.json {
            format!("{}\n", json!({ "operators": operators.iter().map(document).collect::<Vec<_>>() }))
        } else {
            shown(operators)
        })
    }
}

fn document(enlisted: &EnlistedOperator) -> Value {
    let EnlistedOperator { operator, added_at, revoked_at } = enlisted;
    json!({
        "name": operator.name.as_str(),
        "role": operator.role.as_str(),
        "added_at": added_at.to_string(),
        "revoked_at": revoked_at.map(|at| at.to_string()),
    })
}

fn shown(operators: Vec<EnlistedOperator>) -> String {
    if operators.is_empty() {
        return "no operators: `signup operator add NAME` makes the first\n".to_owned();
    }
    let mut table = Table::new(["NAME", "ROLE", "ADDED", "REVOKED"]);
    for EnlistedOperator { operator, added_at, revoked_at } in operators {
        let day = |at: jiff::Timestamp| at.strftime("%Y-%m-%d %H:%M").to_string();
        let revoked = revoked_at.map(day).unwrap_or_default();
        table.row([operator.name.to_string(), operator.role.to_string(), day(added_at), revoked], None);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use signup::{Operator, OperatorRole};

    use super::*;

    #[test]
    fn each_is_told_with_role_and_times() {
        let at = Timestamp::constant(1_767_323_045, 0);
        let enlisted = |name: &str, role, revoked_at| EnlistedOperator {
            operator: Operator { name: name.parse().unwrap(), role },
            added_at: at,
            revoked_at,
        };
        let all = vec![enlisted("ada", OperatorRole::Operator, None), enlisted("vera", OperatorRole::Viewer, Some(at))];
        assert_eq!(document(&all[0])["revoked_at"], Value::Null);
        assert_eq!(document(&all[1])["revoked_at"], "2026-01-02T03:04:05Z");
        assert_eq!(
            shown(all),
            "NAME  ROLE      ADDED             REVOKED\n\
             ada   operator  2026-01-02 03:04\n\
             vera  viewer    2026-01-02 03:04  2026-01-02 03:04\n"
        );
        assert!(shown(Vec::new()).starts_with("no operators"));
    }
}
