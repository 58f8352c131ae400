//! What services do alike once a request is done or refused: they record it, and then answer it, each in the words of its protocol.

use serde_json::Value;

use super::{ServiceAnswer, ServiceAudit, ServiceEvent};
use crate::error::KmsError;
use crate::kms::{Caller, RequestOrigin};
use crate::port::AuditError;

/// What records name a request that names no operation of the service.
pub const UNKNOWN_OPERATION: &str = "Unknown";

/// How a service words its answers, and what records have of them.
pub trait ServiceProtocol: Sync {
    /// What an operation answers.
    type Answer: Send + Sync;
    /// What the service answers instead.
    type Error: From<KmsError> + Send + Sync;

    /// For an answer that must not leave, because its record could not be written.
    fn not_recorded(&self, cause: &AuditError) -> Self::Error;
    /// Whether an operation changes nothing.
    fn is_read_only(&self, operation: &str) -> bool;
    /// An answer as a record shows it, `null` if it shows nothing of it.
    fn recorded_answer(&self, operation: &str, answer: &Self::Answer) -> Value;
    /// Code and message of an error as a record has them.
    fn recorded_error(&self, error: &Self::Error) -> (String, Option<String>);
    /// The HTTP status and the body of an answer.
    fn answer_body(
        &self,
        operation: &str,
        result: &Result<Self::Answer, Self::Error>,
        request_id: &str,
    ) -> (u16, String);
    /// The `Content-Type` of answers.
    fn content_type(&self) -> &'static str;

    /// What is recorded of a request. `operation` is [`UNKNOWN_OPERATION`] if it names none; `request_parameters` are without secrets.
    fn event(
        &self,
        operation: &str,
        request_parameters: Value,
        result: &Result<Self::Answer, Self::Error>,
    ) -> ServiceEvent {
        let (response_elements, error) = match result {
            Ok(answer) => (self.recorded_answer(operation, answer), None),
            Err(error) => (Value::Null, Some(self.recorded_error(error))),
        };
        let (event_name, read_only) = (operation.to_owned(), self.is_read_only(operation));
        ServiceEvent { event_name, read_only, request_parameters, response_elements, error }
    }

    /// The answer, once the record is written; without the record there is no other answer than that.
    fn answer(
        &self,
        operation: &str,
        result: Result<Self::Answer, Self::Error>,
        recorded: Result<(), AuditError>,
        request_id: &str,
    ) -> ServiceAnswer {
        let result = recorded.map_err(|cause| self.not_recorded(&cause)).and(result);
        let (status, body) = self.answer_body(operation, &result, request_id);
        ServiceAnswer { status, content_type: self.content_type(), body: body.into_bytes() }
    }
}

impl ServiceAudit {
    /// Records and answers a verified request.
    pub async fn answer<P: ServiceProtocol>(
        &self,
        protocol: &P,
        operation: &str,
        request_parameters: Value,
        result: Result<P::Answer, P::Error>,
        caller: &Caller,
    ) -> ServiceAnswer {
        let recorded = self.record(protocol.event(operation, request_parameters, &result), caller).await;
        protocol.answer(operation, result, recorded, &caller.origin.request_id)
    }

    /// Records and answers a request that was refused before the service could see it.
    pub async fn answer_refusal<P: ServiceProtocol>(
        &self,
        protocol: &P,
        operation: Option<&str>,
        error: KmsError,
        access_key_id: Option<&str>,
        origin: &RequestOrigin,
    ) -> ServiceAnswer {
        let operation = operation.unwrap_or(UNKNOWN_OPERATION);
        let result = Err(error.into());
        let event = protocol.event(operation, Value::Null, &result);
        let recorded = self.record_refusal(event, access_key_id, origin).await;
        protocol.answer(operation, result, recorded, &origin.request_id)
    }
}
