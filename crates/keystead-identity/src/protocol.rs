//! How IAM and STS answer, and what records have of it.

use keystead_core::api_service::ServiceProtocol;
use keystead_core::port::AuditError;
use keystead_query::Structure;
use serde_json::Value;

use crate::answer::{error_xml, response_xml};
use crate::error::IdentityError;

/// The query protocol of one of the two.
pub(crate) struct IdentityProtocol {
    /// The version that every request names.
    pub(crate) version: &'static str,
    /// The namespace of its XML.
    pub(crate) namespace: &'static str,
    /// Whether an operation changes nothing.
    pub(crate) is_read_only: fn(&str) -> bool,
    /// Whether records have the answers of an operation.
    pub(crate) records_answer: fn(&str) -> bool,
}

/// An operation that tells nothing but that it is done answers nothing.
impl ServiceProtocol for IdentityProtocol {
    type Answer = Option<Structure>;
    type Error = IdentityError;

    fn not_recorded(&self, cause: &AuditError) -> IdentityError {
        IdentityError::internal(cause)
    }

    fn is_read_only(&self, operation: &str) -> bool {
        (self.is_read_only)(operation)
    }

    fn recorded_answer(&self, operation: &str, answer: &Option<Structure>) -> Value {
        match answer {
            Some(answer) if (self.records_answer)(operation) => answer.recorded(),
            Some(_) | None => Value::Null,
        }
    }

    fn recorded_error(&self, error: &IdentityError) -> (String, Option<String>) {
        (error.code.to_owned(), Some(error.message.clone()))
    }

    fn answer_body(
        &self,
        operation: &str,
        result: &Result<Option<Structure>, IdentityError>,
        request_id: &str,
    ) -> (u16, String) {
        match result {
            Ok(answer) => (200, response_xml(answer.as_ref(), operation, self.namespace, request_id)),
            Err(error) => (error.status, error_xml(error, self.namespace, request_id)),
        }
    }

    fn content_type(&self) -> &'static str {
        "text/xml"
    }
}
