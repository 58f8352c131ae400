//! How EC2 answers, and what records have of it.

use keystead_core::api_service::ServiceProtocol;
use keystead_core::port::AuditError;
use keystead_query::Structure;
use serde_json::Value;

use super::answer::{error_xml, response_xml};
use super::error::Ec2Error;

/// The EC2 query protocol.
pub(super) struct Ec2Protocol;

impl ServiceProtocol for Ec2Protocol {
    type Answer = Structure;
    type Error = Ec2Error;

    fn not_recorded(&self, cause: &AuditError) -> Ec2Error {
        Ec2Error::internal(cause)
    }

    fn is_read_only(&self, operation: &str) -> bool {
        operation.starts_with("Describe")
    }

    fn recorded_answer(&self, operation: &str, answer: &Structure) -> Value {
        if self.is_read_only(operation) { Value::Null } else { answer.to_json() }
    }

    /// CloudTrail names EC2's errors with the prefix `Client.` or `Server.`.
    fn recorded_error(&self, error: &Ec2Error) -> (String, Option<String>) {
        let side = if error.status < 500 { "Client" } else { "Server" };
        (format!("{side}.{}", error.code), Some(error.message.clone()))
    }

    fn answer_body(&self, operation: &str, result: &Result<Structure, Ec2Error>, request_id: &str) -> (u16, String) {
        match result {
            Ok(answer) => (200, response_xml(answer, operation, request_id)),
            Err(error) => (error.status, error_xml(error, request_id)),
        }
    }

    fn content_type(&self) -> &'static str {
        "text/xml;charset=UTF-8"
    }
}
