//! Whether everything is as it must be.
//!
//! What must hold of every row, whatever happened, is written down once, in [`invariants`]; it is checked on [`facts`],
//! plain rows of one moment, and knows nothing of how sagas are planned or stored. The tests check everything with it, and
//! the [`Auditor`] checks what is in production: each minute, in one process of the fleet, through the port [`Evidence`].
//! What breaks an invariant is a [`Finding`].

mod auditor;
mod evidence;
pub mod facts;
pub mod invariants;

pub use auditor::{Auditor, Checked};
pub use evidence::{Evidence, Look, Place, Recorded};
pub use facts::Facts;
pub use invariants::Finding;
