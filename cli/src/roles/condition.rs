//! How the database is, for whoever asks whether the process is ready.

use ::api::{Component, Condition, Trouble};
use async_trait::async_trait;
use store::Unready;

use crate::database::Pulse;

#[async_trait]
impl Component for Pulse {
    fn name(&self) -> &'static str {
        "database"
    }

    async fn condition(&self) -> Condition {
        match self.ready().await {
            Ok(()) => Condition::Well,
            Err(Unready::Away(cause)) => Condition::Down(Trouble { shown: "it does not answer", cause }),
            Err(Unready::Schema(cause)) => {
                Condition::Down(Trouble { shown: "its schema is not one that this program works with", cause })
            }
        }
    }
}
