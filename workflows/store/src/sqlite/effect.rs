//! What each effect writes. Ids, e-mail and names come from the saga's own row.

use signup::Effect;

pub(super) const SQL: &[(&str, &str)] = &[
    ("effect.create_user", CREATE_USER),
    ("effect.create_identity", CREATE_IDENTITY),
    ("effect.wipe", WIPE),
    ("effect.delete_user", DELETE_USER),
    ("effect.create_organization", CREATE_ORGANIZATION),
    ("effect.delete_organization", DELETE_ORGANIZATION),
    ("effect.create_profile", CREATE_PROFILE),
    ("effect.delete_profile", DELETE_PROFILE),
    ("effect.write_claims", WRITE_CLAIMS),
    ("effect.activate_user", ACTIVATE_USER),
    ("effect.delete_claims", DELETE_CLAIMS),
];

/// A statement that reads the saga from `held`, which is empty unless the fence holds.
macro_rules! fenced {
    ($statement:literal) => {
        concat!(
            "WITH held AS (SELECT * FROM sagas WHERE id = $1 AND epoch = $2 AND seq = $3",
            " AND state = $6 AND step = $7 AND code IS $8)",
            $statement
        )
    };
}

/// No conflict target: whichever constraint says no, the step is refused. (`WHERE TRUE` tells the parser that `ON` is
/// not a join's.)
const CREATE_USER: &str = fenced!(
    "
INSERT INTO users (id, saga_id, email, email_key, password_hash, status, created_at)
SELECT user_id, id, email, email_key, $5, 'provisional', $4 FROM held WHERE TRUE
    ON CONFLICT DO NOTHING"
);

const CREATE_IDENTITY: &str = fenced!(
    "
INSERT INTO identities (user_id, saga_id, provider, created_at)
SELECT user_id, id, 'email', $4 FROM held"
);

/// Wipes the sealed password: that is all of a decoy's user.
const WIPE: &str = fenced!("DELETE FROM sealed_passwords WHERE saga_id IN (SELECT id FROM held)");

/// Identities go with their user.
const DELETE_USER: &str = fenced!("DELETE FROM users WHERE saga_id IN (SELECT id FROM held)");

const CREATE_ORGANIZATION: &str = fenced!(
    "
INSERT INTO organizations (id, saga_id, name, created_at)
SELECT organization_id, id, $5, $4 FROM held"
);

const DELETE_ORGANIZATION: &str = fenced!("DELETE FROM organizations WHERE saga_id IN (SELECT id FROM held)");

const CREATE_PROFILE: &str = fenced!(
    "
INSERT INTO profiles (id, saga_id, user_id, organization_id, full_name, role, created_at)
SELECT profile_id, id, user_id, organization_id, full_name, 'owner', $4 FROM held"
);

const DELETE_PROFILE: &str = fenced!("DELETE FROM profiles WHERE saga_id IN (SELECT id FROM held)");

/// Copied from the profile. Without one there is no organization to name, which a constraint refuses.
const WRITE_CLAIMS: &str = fenced!(
    "
INSERT INTO claims (user_id, saga_id, organization_id, role, created_at)
SELECT held.user_id, held.id, p.organization_id, p.role, $4 FROM held LEFT JOIN profiles p ON p.saga_id = held.id"
);

const ACTIVATE_USER: &str = fenced!("UPDATE users SET status = 'active' WHERE saga_id IN (SELECT id FROM held)");

const DELETE_CLAIMS: &str = fenced!("DELETE FROM claims WHERE saga_id IN (SELECT id FROM held)");

/// The statements that write an effect.
#[derive(Default)]
pub(super) struct Statements<'e> {
    /// Writes nothing if the effect conflicts with what is there.
    pub(super) first: Option<&'static str>,
    /// The others.
    pub(super) then: &'static [&'static str],
    /// What they write that the saga's own row does not have.
    pub(super) argument: Option<&'e str>,
}

pub(super) fn statements(effect: &Effect) -> Statements<'_> {
    let (first, then, argument): (_, &'static [_], _) = match effect {
        Effect::CreateUser { hash } => (Some(CREATE_USER), &[CREATE_IDENTITY, WIPE], Some(hash.as_str())),
        Effect::DeleteUser => (None, &[DELETE_USER], None),
        Effect::CreateOrganization { name } => (None, &[CREATE_ORGANIZATION], Some(name.as_str())),
        Effect::DeleteOrganization => (None, &[DELETE_ORGANIZATION], None),
        Effect::CreateProfile => (None, &[CREATE_PROFILE], None),
        Effect::DeleteProfile => (None, &[DELETE_PROFILE], None),
        Effect::WriteClaims => (None, &[WRITE_CLAIMS, ACTIVATE_USER], None),
        Effect::DeleteClaims => (None, &[DELETE_CLAIMS], None),
        Effect::WipePassword => (None, &[WIPE], None),
        Effect::Nothing => (None, &[], None),
    };
    Statements { first, then, argument }
}
