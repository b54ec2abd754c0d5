//! The second step: the organization.

use std::time::Duration;

use saga::{Attempt, Compensated, Executed, Retry, Step, StepName};

use crate::{Effect, OrganizationName, SignUp};

/// Inserts the organization that the user founds.
#[derive(Debug)]
pub struct CreateOrganization;

impl Step<SignUp> for CreateOrganization {
    const NAME: StepName = StepName::new("create_organization");
    const TIMEOUT: Duration = super::TIMEOUT;
    const RETRY: Retry = Retry::STANDARD;

    async fn execute(&self, attempt: &Attempt<SignUp>) -> Executed<Effect> {
        let applicant = &attempt.data.applicant;
        let given = applicant.organization_name.clone();
        let name = given.unwrap_or_else(|| OrganizationName::of(applicant.full_name.as_ref()));
        Executed::Done(attempt.data.records(Effect::CreateOrganization { name }))
    }

    async fn compensate(&self, attempt: &Attempt<SignUp>) -> Compensated<Effect> {
        Compensated::Done(attempt.data.records(Effect::DeleteOrganization))
    }
}
