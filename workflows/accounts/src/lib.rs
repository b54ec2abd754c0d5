//! Accounts: who is signed in, and the tokens that say so.
//!
//! Everything here is decided from what is handed in; nothing reads a clock or a database. In the order in which it is
//! worth reading:
//!
//! 1. [`Session`] — what a sign-in begins, and [`Holder`], whom it stands for.
//! 2. [`RefreshToken`] — what continues a session, and [`Rotation`], what it means when one is presented.
//! 3. [`AccessToken`] — what says for ten minutes who somebody is, and [`Issuer`], who makes and verifies it.
//! 4. [`Keyring`] — the keys that sign, one after the other, each sealed by a [`MasterKey`].
//! 5. [`User`] and [`UserAction`] — what operators see of users, and do to them.
//! 6. [`Sessions`], [`Accounts`], [`Users`] and [`SigningKeys`] — the ports to the database.

mod access;
mod account;
mod generation;
mod keyring;
mod master_key;
mod ports;
mod public_key;
mod refresh;
mod role;
mod rotation;
mod session;
mod signing_key;
mod user;

pub use access::{ACCESS_LIFE, Access, AccessToken, Issuer, LEEWAY, NotSigned, Refused};
pub use account::{Account, Credentials};
pub use generation::Generation;
pub use keyring::{Due, JwkSet, Keyring, PUBLISHED_BEFORE, ROTATE_EVERY, StoredKey};
pub use master_key::{MasterKey, OpenError, SealedKey};
pub use ports::{Accounts, Refreshed, Sessions, SigningKeys, Users};
pub use public_key::{Jwk, KeyId, MalformedPublicKey, PublicKey};
pub use refresh::{RefreshToken, RefreshTokenError};
pub use role::{Role, UnknownRole};
pub use rotation::{GRACE, IDLE, LONGEST, Rotation, Standing, expires_at};
pub use session::{Holder, NewSession, Proof, REDEEM, Session, SessionId};
pub use signing_key::{NotGenerated, SigningKey};
pub use user::{Impossible, Membership, UnknownUserAction, User, UserAction, UserEvent, UserOrder, UserStatus};
