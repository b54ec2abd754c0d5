//! Rows out of nowhere: an account, so that a sign-up can lose its e-mail to it; and what a store with a bug would
//! hold, so that whatever checks stores can be checked itself.

use saga::plan::EventKind;
use saga::store::Event;
use saga::{Active, End, State, StepName};
use signup::Proposal;

use super::{Memory, Row, event};
use auditor::facts::UserFact;

const STEPS: [StepName; 4] = [
    StepName::new("create_user"),
    StepName::new("create_organization"),
    StepName::new("create_profile"),
    StepName::new("update_claims"),
];

impl Memory {
    /// Makes an account as if this proposal had been accepted and completed, whatever stands against it.
    pub fn plant_account(&self, proposal: &Proposal) {
        let now = self.clock.now();
        let (saga, who) = (proposal.saga, &proposal.applicant);
        let mut tables = self.lock();
        let mut row = Row::accepted(proposal, State::Ended(End::Completed), now);
        row.ended_at = Some(now);
        row.journal.extend((1..).zip(STEPS).map(|(seq, step)| Event {
            seq,
            step: Some(step),
            attempt: 1,
            ..event(EventKind::Done, now)
        }));
        tables.sagas.insert(saga, row);
        tables.made.users.push(UserFact {
            saga,
            id: who.user,
            email_key: who.email.key().to_owned(),
            password_hash: "$argon2id$planted".to_owned(),
            active: true,
        });
        tables.made.identities.push((saga, who.user, "email".to_owned()));
        tables.made.organizations.push((saga, who.organization));
        tables.names.insert(who.organization, "Planted".to_owned());
        tables.made.profiles.push((saga, who.user, who.organization));
        tables.made.claims.push((saga, who.user, who.organization));
    }

    /// Accepts this proposal, whatever stands against it.
    pub fn plant_saga(&self, proposal: &Proposal) {
        let row = Row::accepted(proposal, State::Active(Active::Running(signup::FIRST_STEP)), self.clock.now());
        self.lock().sagas.insert(proposal.saga, row);
        self.plant_secret(proposal);
    }

    /// Keeps this proposal's sealed password, whatever has become of its saga.
    pub fn plant_secret(&self, proposal: &Proposal) {
        self.lock().sealed.insert(proposal.saga, (proposal.sealed.clone(), self.clock.now()));
    }
}
