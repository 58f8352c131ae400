//! The CloudHSM v2 API: the way of every request through it.

use std::sync::Arc;

use async_trait::async_trait;
use keystead_core::KmsError;
use keystead_core::api_service::{ApiService, ServiceAnswer, ServiceAudit, ServiceEvent};
use keystead_core::audit::{request_parameters, response_elements};
use keystead_core::kms::{Caller, RequestOrigin};
use keystead_core::port::AuditError;
use keystead_model::shape::{self, Operation};
use keystead_model::validate::validate;
use serde_json::{Map, Value};

use crate::CloudHsm;
use crate::error::CloudHsmError;
use crate::operation::{self, Call};

/// The source of its audit records.
const EVENT_SOURCE: &str = "cloudhsm.amazonaws.com";
/// The service in the scope of a signature (digest 5).
const SIGNING_NAME: &str = "cloudhsm";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
/// What the audit record names where no operation is known.
const UNKNOWN: &str = "Unknown";

/// Members that no record shows: certificates are long, and the first password is a secret. As records write them.
const NEVER_RECORDED: &[&str] = &["signedCert", "trustAnchor", "certificates", "preCoPassword"];

/// The CloudHSM v2 API over [`CloudHsm`].
pub struct CloudHsmService {
    cloud_hsm: Arc<CloudHsm>,
    audit: ServiceAudit,
}

impl CloudHsmService {
    /// The API of these clusters. The source of its records is `cloudhsm.amazonaws.com`, whatever `audit` says.
    pub fn new(cloud_hsm: Arc<CloudHsm>, audit: ServiceAudit) -> Self {
        Self { cloud_hsm, audit: ServiceAudit { event_source: EVENT_SOURCE, ..audit } }
    }
}

/// What a caller gets instead of an answer.
struct Failure {
    code: &'static str,
    status: u16,
    message: Option<String>,
    /// `Message` for the service's own exceptions, `message` for those of the front end.
    message_member: &'static str,
}

impl From<CloudHsmError> for Failure {
    fn from(error: CloudHsmError) -> Self {
        let (code, status) = (error.exception.name(), error.exception.status());
        Self { code, status, message: Some(error.message), message_member: "Message" }
    }
}

impl From<KmsError> for Failure {
    fn from(error: KmsError) -> Self {
        let (code, status) = (error.exception.name(), error.exception.status());
        Self { code, status, message: error.message, message_member: "message" }
    }
}

impl Failure {
    fn answer(self) -> ServiceAnswer {
        let mut body = Map::new();
        body.insert("__type".to_owned(), self.code.into());
        if let Some(message) = self.message {
            body.insert(self.message_member.to_owned(), message.into());
        }
        ServiceAnswer { status: self.status, content_type: CONTENT_TYPE, body: Value::Object(body).to_string().into() }
    }
}

#[async_trait]
impl ApiService for CloudHsmService {
    fn signing_name(&self) -> &'static str {
        SIGNING_NAME
    }

    async fn invoke(&self, operation: Option<&str>, body: &[u8], caller: &Caller) -> ServiceAnswer {
        let Some(operation) = operation.and_then(shape::cloudhsm_operation) else {
            return self.unknown_operation(operation, caller).await;
        };
        let mut parameters = Value::Null;
        let result = match read_input(operation, body) {
            Ok(input) => {
                parameters = without_secrets(request_parameters(operation, &input));
                let call = Call { caller, operation };
                operation::dispatch(&self.cloud_hsm, &call, input).await
            }
            Err(error) => Err(error),
        };
        let recorded = self.audit.record(event_of(operation, parameters, &result), caller).await;
        answer(recorded, result.map_err(Failure::from))
    }

    async fn refuse(
        &self,
        operation: Option<&str>,
        error: KmsError,
        access_key_id: Option<&str>,
        origin: &RequestOrigin,
    ) -> ServiceAnswer {
        let event = refusal_event(operation.and_then(shape::cloudhsm_operation), &error);
        let recorded = self.audit.record_refusal(event, access_key_id, origin).await;
        answer(recorded, Err(error.into()))
    }
}

impl CloudHsmService {
    async fn unknown_operation(&self, named: Option<&str>, caller: &Caller) -> ServiceAnswer {
        let message = format!(
            "{} is no operation of CloudHSM V2. Name one in X-Amz-Target, such as BaldrApiService.DescribeClusters.",
            named.unwrap_or("The request's target")
        );
        let error = KmsError::new(keystead_model::kms::Exception::UnknownOperation, message);
        let recorded = self.audit.record(refusal_event(None, &error), caller).await;
        answer(recorded, Err(error.into()))
    }
}

/// The answer, once its record is written; without the record there is no other answer than that.
fn answer(recorded: Result<(), AuditError>, result: Result<Value, Failure>) -> ServiceAnswer {
    let result = match recorded {
        Ok(()) => result,
        Err(error) => Err(CloudHsmError::internal(&error).into()),
    };
    match result {
        Ok(body) => ServiceAnswer { status: 200, content_type: CONTENT_TYPE, body: body.to_string().into() },
        Err(failure) => failure.answer(),
    }
}

fn event_of(operation: &Operation, parameters: Value, result: &Result<Value, CloudHsmError>) -> ServiceEvent {
    let read_only = is_read_only(operation);
    let response = match result {
        Ok(answer) if !read_only => without_secrets(response_elements(answer)),
        Ok(_) | Err(_) => Value::Null,
    };
    ServiceEvent {
        event_name: operation.name.to_owned(),
        read_only,
        request_parameters: parameters,
        response_elements: response,
        error: result.as_ref().err().map(|error| (error.exception.name().to_owned(), Some(error.message.clone()))),
    }
}

/// The record of a request that no operation saw.
fn refusal_event(operation: Option<&Operation>, error: &KmsError) -> ServiceEvent {
    ServiceEvent {
        event_name: operation.map_or(UNKNOWN, |operation| operation.name).to_owned(),
        read_only: operation.is_some_and(is_read_only),
        request_parameters: Value::Null,
        response_elements: Value::Null,
        error: Some((error.exception.name().to_owned(), error.message.clone())),
    }
}

fn is_read_only(operation: &Operation) -> bool {
    ["Describe", "Get", "List"].iter().any(|verb| operation.name.starts_with(verb))
}

/// The record without what must not be in it, at whatever depth.
fn without_secrets(recorded: Value) -> Value {
    match recorded {
        Value::Object(members) => {
            let kept = members.into_iter().filter(|(name, _)| !NEVER_RECORDED.contains(&name.as_str()));
            kept.map(|(name, value)| (name, without_secrets(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.into_iter().map(without_secrets).collect(),
        other => other,
    }
}

/// Parses and validates a request body; an empty body is an empty request.
///
/// That a broken constraint is `CloudHsmInvalidRequestException` is unverified: the model has no other name for it.
fn read_input(operation: &Operation, body: &[u8]) -> Result<Value, CloudHsmError> {
    let input = if body.is_empty() {
        Value::Object(Map::new())
    } else {
        serde_json::from_slice(body).map_err(|_| {
            CloudHsmError::invalid_request(
                "The request body is not JSON. Send the operation's members as one JSON object.",
            )
        })?
    };
    match validate(operation.input, &input) {
        Ok(()) => Ok(input),
        Err(invalid) => Err(CloudHsmError::invalid_request(invalid.message())),
    }
}
