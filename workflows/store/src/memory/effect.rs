//! What each effect does to the tables, with the constraints that a schema would hold.

use std::collections::BTreeSet;

use signup::{Effect, Proposal};

use auditor::facts::{Facts, UserFact};

/// Applies an effect. False if it conflicts with what is there; nothing is changed then.
pub(super) fn apply(
    made: &mut Facts,
    undeletable: &BTreeSet<&'static str>,
    proposal: &Proposal,
    effect: &Effect,
) -> Result<bool, String> {
    let (saga, who) = (proposal.saga, &proposal.applicant);
    match effect {
        Effect::CreateUser { hash } => {
            if made.users.iter().any(|user| user.email_key == who.email.key() || user.saga == saga) {
                return Ok(false);
            }
            made.users.push(UserFact {
                saga,
                id: who.user,
                email_key: who.email.key().to_owned(),
                password_hash: hash.as_str().to_owned(),
                active: false,
            });
            made.identities.push((saga, who.user, "email".to_owned()));
        }
        Effect::DeleteUser => {
            let referred = made.profiles.iter().any(|(_, user, _)| *user == who.user)
                || made.claims.iter().any(|(_, user, _)| *user == who.user);
            deletable(undeletable, "users", referred, made.users.iter().any(|user| user.saga == saga))?;
            made.users.retain(|user| user.saga != saga);
            made.identities.retain(|(of, ..)| *of != saga);
        }
        Effect::CreateOrganization { name: _ } => {
            absent(made.organizations.iter().any(|(of, _)| *of == saga), "organizations")?;
            made.organizations.push((saga, who.organization));
        }
        Effect::DeleteOrganization => {
            let referred = made.profiles.iter().any(|(_, _, of)| *of == who.organization)
                || made.claims.iter().any(|(_, _, of)| *of == who.organization);
            deletable(undeletable, "organizations", referred, made.organizations.iter().any(|(of, _)| *of == saga))?;
            made.organizations.retain(|(of, _)| *of != saga);
        }
        Effect::CreateProfile => {
            absent(made.profiles.iter().any(|(of, ..)| *of == saga), "profiles")?;
            present(made.users.iter().any(|user| user.id == who.user), "users")?;
            present(made.organizations.iter().any(|(_, id)| *id == who.organization), "organizations")?;
            made.profiles.push((saga, who.user, who.organization));
        }
        Effect::DeleteProfile => {
            deletable(undeletable, "profiles", false, made.profiles.iter().any(|(of, ..)| *of == saga))?;
            made.profiles.retain(|(of, ..)| *of != saga);
        }
        Effect::WriteClaims => {
            absent(made.claims.iter().any(|(of, ..)| *of == saga), "claims")?;
            present(made.profiles.iter().any(|(of, ..)| *of == saga), "profiles")?;
            made.claims.push((saga, who.user, who.organization));
            for user in made.users.iter_mut().filter(|user| user.saga == saga) {
                user.active = true;
            }
        }
        Effect::DeleteClaims => {
            deletable(undeletable, "claims", false, made.claims.iter().any(|(of, ..)| *of == saga))?;
            made.claims.retain(|(of, ..)| *of != saga);
        }
        // Whose password is wiped is not told here.
        Effect::WipePassword | Effect::Nothing => {}
    }
    Ok(true)
}

fn absent(present: bool, table: &str) -> Result<(), String> {
    if present { Err(format!("{table}: the saga has made one already")) } else { Ok(()) }
}

fn present(present: bool, table: &str) -> Result<(), String> {
    if present { Ok(()) } else { Err(format!("{table}: nothing there to refer to")) }
}

fn deletable(undeletable: &BTreeSet<&'static str>, table: &str, referred: bool, any: bool) -> Result<(), String> {
    match any {
        true if referred => Err(format!("{table}: still referred to")),
        true if undeletable.contains(table) => Err(format!("{table}: deletes are refused")),
        true | false => Ok(()),
    }
}
