//! Rows of the application's `observability_events`, where it has that table.

use super::Store;
use super::parameter::{self, Jsons, Texts};
use super::statement::statement;
use crate::rules::Id;
use crate::rules::event::observation::Observation;
use crate::rules::refusal::failure::Failure;

statement!(
    "observations_write",
    ObservationsWrite { booking: Id, sources: Texts, event_types: Texts, severities: Texts, contexts: Jsons }
);

impl Store {
    pub fn has_observations(&self) -> bool {
        self.attachment.has_own("observability_events")
    }

    /// Writes what was observed of a booking; the caller has asked whether somebody wants it.
    pub fn observations_write(&self, booking: Id, observed: &[Observation]) -> Result<(), Failure> {
        if observed.is_empty() || !self.has_observations() {
            return Ok(());
        }
        self.run(
            ObservationsWrite {
                booking,
                sources: parameter::texts(observed.iter().map(|row| row.source)),
                event_types: parameter::texts(observed.iter().map(|row| row.event_type)),
                severities: parameter::texts(observed.iter().map(|row| row.severity)),
                contexts: parameter::jsons(observed.iter().map(|row| row.context.clone()).collect()),
            },
            |_| (),
        )?;
        Ok(())
    }
}
