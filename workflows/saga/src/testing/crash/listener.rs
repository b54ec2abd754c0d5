//! Those who are told, with a crash point after it.

use std::sync::Arc;

use super::goes_on;
use crate::{Advanced, Listener, StepName};

/// A listener that may halt once it has been told.
#[derive(Clone)]
pub struct Told(pub Arc<dyn Listener>);

impl Listener for Told {
    fn advanced(&self, news: &Advanced) {
        self.0.advanced(news);
        goes_on(news.saga);
    }

    fn will_tell(&self, step: &StepName) -> bool {
        self.0.will_tell(step)
    }
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Told")
    }
}
