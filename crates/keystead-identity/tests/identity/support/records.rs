//! An audit log in memory.

use std::sync::Mutex;

use async_trait::async_trait;
use keystead_core::audit::AuditRecord;
use keystead_core::port::{AuditError, AuditLog};
use serde_json::Value;

/// What was recorded, in order.
#[derive(Default)]
pub(crate) struct Records(Mutex<Vec<Value>>);

#[async_trait]
impl AuditLog for Records {
    async fn write(&self, record: AuditRecord) -> Result<(), AuditError> {
        self.0.lock().unwrap().push(serde_json::to_value(record).unwrap());
        Ok(())
    }
}

impl Records {
    /// All of them.
    pub(crate) fn all(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }

    /// Those of an event.
    pub(crate) fn of(&self, event_name: &str) -> Vec<Value> {
        self.all().into_iter().filter(|record| record["eventName"] == event_name).collect()
    }
}
