//! What a client sends to sign up.

use saga::SagaId;
use signup::{Applicant, EmailAddress, FIRST_STEP, FullName, Mac, OrganizationName, Password, Proposal, Purpose};
use utoipa::ToSchema;

use super::idempotency::Key;
use crate::Api;
use crate::fields::Fields;
use crate::problem::Problem;

/// Who signs up. Fields other than these are refused.
#[derive(Debug, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSignup {
    /// The address they will sign in with. Addresses that differ in case alone are the same.
    #[schema(value_type = String, format = "email", max_length = 254, example = "grace@example.com")]
    email: EmailAddress,
    /// 8 to 256 characters, any characters, taken exactly as they are. Not one that is easily guessed.
    #[schema(
        value_type = String, format = "password", write_only, min_length = 8, max_length = 256,
        example = "correct horse battery staple"
    )]
    password: Password,
    /// Their name, in one line.
    #[schema(
        value_type = Option<String>, min_length = 1, max_length = 200, example = "Grace Hopper",
        pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+$"
    )]
    full_name: Option<FullName>,
    /// The name of the organization they found, in one line. Without one it is named after their full name, or
    /// `My organization` if that is not given either.
    #[schema(
        value_type = Option<String>, min_length = 1, max_length = 200, example = "Compilers",
        pattern = r"^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+$"
    )]
    organization_name: Option<OrganizationName>,
}

impl NewSignup {
    /// Reads every field, and tells of all that are wrong.
    pub(super) fn read(mut fields: Fields) -> Result<Self, Problem> {
        let email = fields.required("email", |text| EmailAddress::parse(&text));
        let full_name = fields.optional("full_name", |text| FullName::parse(&text));
        let organization_name = fields.optional("organization_name", |text| OrganizationName::parse(&text));
        let words: Vec<&str> = [
            email.as_ref().map(EmailAddress::as_written),
            full_name.as_ref().map(FullName::as_str),
            organization_name.as_ref().map(OrganizationName::as_str),
        ]
        .into_iter()
        .flatten()
        .collect();
        let password = fields.required("password", |text| Password::parse(text, &words));
        let errors = fields.finish();
        match (email, password) {
            (Some(email), Some(password)) if errors.is_empty() => {
                Ok(Self { email, password, full_name, organization_name })
            }
            _ => Err(Problem::InvalidFields { errors }),
        }
    }

    /// What the store is asked to accept: with fresh ids, and the password sealed.
    pub(super) fn propose(self, api: &Api, key: Option<Key<'_>>) -> Proposal {
        let saga = SagaId::new(&*api.clock, &*api.random);
        let sealed = api.sealer.seal(saga, &self.password);
        let idempotency = key.map(|key| key.marks(&api.hash_key, self.mac(api)));
        let applicant = Applicant::new(self.email, self.full_name, self.organization_name, &*api.clock, &*api.random);
        let (version, told) = (api.outline.version, api.listener.will_tell(&FIRST_STEP));
        Proposal { saga, version, applicant, sealed, idempotency, duplicates: api.duplicates, told }
    }

    /// A keyed hash by which the same request is known again. A name is never empty, so an empty part is none.
    ///
    /// Of the password it holds 16 bits alone: enough to tell one from another nearly always, and too little for
    /// whoever has the key to find the password faster than by its slow hash.
    fn mac(&self, api: &Api) -> Mac {
        let full_name = self.full_name.as_ref().map_or("", FullName::as_str);
        let organization_name = self.organization_name.as_ref().map_or("", OrganizationName::as_str);
        let Mac(password) = api.hash_key.mac(Purpose::RequestPassword, &[self.password.expose().as_bytes()]);
        let parts = [self.email.key().as_bytes(), &password[..2], full_name.as_bytes(), organization_name.as_bytes()];
        api.hash_key.mac(Purpose::RequestBody, &parts)
    }
}
