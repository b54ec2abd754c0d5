//! What each effect writes. Ids, e-mail and names come from the saga's own row.

use saga::SagaId;
use saga::store::Error;
use signup::Effect;
use sqlx::SqliteConnection;

use super::value::{self, Millis};

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

/// No conflict target: whichever constraint says no, the step is refused.
const CREATE_USER: &str = "
INSERT INTO users (id, saga_id, email, email_key, password_hash, status, created_at)
SELECT user_id, id, email, email_key, ?2, 'provisional', ?3 FROM sagas WHERE id = ?1
    ON CONFLICT DO NOTHING";

const CREATE_IDENTITY: &str = "
INSERT INTO identities (user_id, saga_id, provider, created_at)
SELECT user_id, id, 'email', ?2 FROM sagas WHERE id = ?1";

/// Wipes the sealed password.
pub(super) const WIPE: &str = "DELETE FROM sealed_passwords WHERE saga_id = ?1";

/// Identities go with their user.
const DELETE_USER: &str = "DELETE FROM users WHERE saga_id = ?1";

const CREATE_ORGANIZATION: &str = "
INSERT INTO organizations (id, saga_id, name, created_at)
SELECT organization_id, id, ?2, ?3 FROM sagas WHERE id = ?1";

const DELETE_ORGANIZATION: &str = "DELETE FROM organizations WHERE saga_id = ?1";

const CREATE_PROFILE: &str = "
INSERT INTO profiles (id, saga_id, user_id, organization_id, full_name, role, created_at)
SELECT profile_id, id, user_id, organization_id, full_name, 'owner', ?2 FROM sagas WHERE id = ?1";

const DELETE_PROFILE: &str = "DELETE FROM profiles WHERE saga_id = ?1";

const WRITE_CLAIMS: &str = "
INSERT INTO claims (user_id, saga_id, organization_id, role, created_at)
SELECT user_id, saga_id, organization_id, role, ?2 FROM profiles WHERE saga_id = ?1";

const ACTIVATE_USER: &str = "UPDATE users SET status = 'active' WHERE saga_id = ?1";

const DELETE_CLAIMS: &str = "DELETE FROM claims WHERE saga_id = ?1";

/// Applies an effect. False if it conflicts with what is there; nothing is written then.
pub(super) async fn apply(
    db: &mut SqliteConnection,
    saga: SagaId,
    effect: &Effect,
    now: Millis,
) -> Result<bool, Error> {
    let id = saga.uuid();
    match effect {
        Effect::CreateUser { hash } => {
            let insert = sqlx::query(CREATE_USER).bind(id).bind(hash.as_str()).bind(now);
            if insert.execute(&mut *db).await.map_err(value::error)?.rows_affected() == 0 {
                return Ok(false);
            }
            run(db, sqlx::query(CREATE_IDENTITY).bind(id).bind(now)).await?;
            run(db, sqlx::query(WIPE).bind(id)).await?;
        }
        Effect::DeleteUser => run(db, sqlx::query(DELETE_USER).bind(id)).await?,
        Effect::CreateOrganization { name } => {
            run(db, sqlx::query(CREATE_ORGANIZATION).bind(id).bind(name.as_str()).bind(now)).await?;
        }
        Effect::DeleteOrganization => run(db, sqlx::query(DELETE_ORGANIZATION).bind(id)).await?,
        Effect::CreateProfile => run(db, sqlx::query(CREATE_PROFILE).bind(id).bind(now)).await?,
        Effect::DeleteProfile => run(db, sqlx::query(DELETE_PROFILE).bind(id)).await?,
        Effect::WriteClaims => {
            // Claims are copied from the profile: without one, nothing would be written and nothing would complain.
            let insert = sqlx::query(WRITE_CLAIMS).bind(id).bind(now);
            if insert.execute(&mut *db).await.map_err(value::error)?.rows_affected() == 0 {
                return Err(Error::Rejected("claims: there is no profile to take them from".into()));
            }
            run(db, sqlx::query(ACTIVATE_USER).bind(id)).await?;
        }
        Effect::DeleteClaims => run(db, sqlx::query(DELETE_CLAIMS).bind(id)).await?,
        Effect::Nothing => {}
    }
    Ok(true)
}

type Query = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

async fn run(db: &mut SqliteConnection, query: Query) -> Result<(), Error> {
    query.execute(db).await.map(drop).map_err(value::error)
}
