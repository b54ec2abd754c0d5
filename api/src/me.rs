//! What users see and change of themselves. Each endpoint is a file.

pub(crate) mod password;
pub(crate) mod show;
