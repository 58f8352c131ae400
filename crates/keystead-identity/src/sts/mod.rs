//! The AWS STS API, version 2011-06-15: temporary credentials.

mod assume_role;
mod call;
mod caller_identity;
mod credentials;
mod operation;
mod role;
mod session_policies;
mod session_tags;
mod session_token;
mod text;
mod web_identity;

use std::sync::Arc;

use async_trait::async_trait;
use keystead_core::Kms;
use keystead_core::KmsError;
use keystead_core::access::NamedPrincipal;
use keystead_core::api_service::{AnonymousAnswer, ApiService, ServiceAnswer, ServiceAudit, ServiceEvent};
use keystead_core::audit::AuditResource;
use keystead_core::kms::{Caller, RequestOrigin};
use keystead_oidc::Issuers;
use keystead_query::{Parameters, Structure};
use serde_json::Value;

use self::call::Call;
use self::operation::Operation;
use crate::answer::{CONTENT_TYPE, error_xml, response_xml};
use crate::error::IdentityError;
use crate::recorded::{recordable, recorded, recorded_of_unknown_caller};

/// Source: STS service model.
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const VERSION: &str = "2011-06-15";
/// What is recorded of a request that names no operation of STS.
const UNKNOWN: &str = "Unknown";
/// What is recorded of a request that nobody has vouched for yet, as records name it.
const RECORDED_OF_UNKNOWN_CALLERS: &[&str] = &["roleArn", "roleSessionName", "durationSeconds", "providerId"];

/// STS.
pub struct StsService {
    kms: Arc<Kms>,
    audit: ServiceAudit,
    issuers: Arc<Issuers>,
}

impl StsService {
    /// The source of its audit records.
    pub const EVENT_SOURCE: &str = "sts.amazonaws.com";

    /// The service over the store and clock of `kms`. The records of `audit` are of [`StsService::EVENT_SOURCE`]; web identity tokens are
    /// taken of `issuers`.
    pub fn new(kms: Arc<Kms>, audit: ServiceAudit, issuers: Arc<Issuers>) -> Self {
        Self { kms, audit, issuers }
    }

    fn call<'a>(&'a self, origin: &'a RequestOrigin) -> Call<'a> {
        Call { kms: &self.kms, issuers: &self.issuers, origin, now: self.kms.clock().now() }
    }
}

/// A request as far as it is read before anything is decided.
struct Request {
    operation: Option<&'static Operation>,
    /// What the request calls the operation.
    asked: Option<String>,
    parameters: Parameters,
    /// Nothing until the operation is known to be served: of others nobody knows which parameters are secret.
    recordable: Value,
}

impl Request {
    fn read(body: &[u8]) -> Result<Self, IdentityError> {
        let mut parameters = Parameters::parse(body)?;
        let asked = parameters.take("Action");
        let operation = asked.as_deref().and_then(operation::named);
        Ok(Self { operation, asked, parameters, recordable: Value::Null })
    }

    /// The operation, if it is served in this version.
    fn operation(&mut self) -> Result<&'static Operation, IdentityError> {
        let asked = self.asked.take().ok_or_else(|| {
            IdentityError::new("MissingAction", 400, "The request must contain the parameter Action.")
        })?;
        let version = self.parameters.required("Version")?;
        let operation = self.operation.filter(|_| version == VERSION).ok_or_else(|| {
            let message = format!("Could not find operation {asked} for version {version}");
            IdentityError::new("InvalidAction", 400, message)
        })?;
        let served = operation.served()?;
        self.recordable = recordable(&self.parameters);
        Ok(served)
    }
}

#[async_trait]
impl ApiService for StsService {
    fn signing_name(&self) -> &'static str {
        "sts"
    }

    async fn invoke(&self, _operation: Option<&str>, body: &[u8], caller: &Caller) -> ServiceAnswer {
        let (name, recorded, result) = match Request::read(body) {
            Ok(mut request) => {
                let name = request.operation.map_or(UNKNOWN, |operation| operation.name);
                let result = match request.operation() {
                    Ok(operation) => {
                        operation::dispatch(operation, &self.call(&caller.origin), caller, request.parameters).await
                    }
                    Err(error) => Err(error),
                };
                (name, recorded(request.recordable), result)
            }
            Err(error) => (UNKNOWN, Value::Null, Err(error)),
        };
        // A role is told of in its own account as well, once somebody has assumed it.
        let role = recorded.get("roleArn").and_then(Value::as_str).filter(|_| result.is_ok());
        let roles = role.and_then(role_resource).into_iter().collect();
        let event = event(name, recorded, &result);
        let request_id = &caller.origin.request_id;
        match self.audit.record_about(event, caller, roles).await {
            Ok(()) => answer(name, result, request_id),
            Err(error) => answer(name, Err(IdentityError::internal(&error)), request_id),
        }
    }

    /// AssumeRoleWithWebIdentity: its token says who calls.
    async fn invoke_anonymous(&self, body: &[u8], origin: &RequestOrigin) -> Option<AnonymousAnswer> {
        let mut request = Request::read(body).ok()?;
        let name = request.operation.filter(|operation| operation.unsigned)?.name;
        let (outcome, vouched) = match request.operation() {
            Ok(_) => web_identity::assume_role_with_web_identity(&self.call(origin), request.parameters).await,
            Err(error) => (Err(error), web_identity::Vouched::default()),
        };
        let account = vouched.account;
        let authenticated = account.is_some();
        let shown = if authenticated {
            recorded(request.recordable)
        } else {
            recorded_of_unknown_caller(&request.recordable, RECORDED_OF_UNKNOWN_CALLERS)
        };
        let event = event(name, shown, &outcome);
        let written = self.audit.write(event, vouched.user_identity(), account.as_ref(), origin).await;
        let outcome = written.map_err(|error| IdentityError::internal(&error)).and(outcome);
        Some(AnonymousAnswer { answer: answer(name, outcome, &origin.request_id), authenticated })
    }

    async fn refuse(
        &self,
        operation: Option<&str>,
        error: KmsError,
        access_key_id: Option<&str>,
        origin: &RequestOrigin,
    ) -> ServiceAnswer {
        let name = operation.unwrap_or(UNKNOWN);
        let result = Err(IdentityError::from(error));
        let event = event(name, Value::Null, &result);
        match self.audit.record_refusal(event, access_key_id, origin).await {
            Ok(()) => answer(name, result, &origin.request_id),
            Err(error) => answer(name, Err(IdentityError::internal(&error)), &origin.request_id),
        }
    }
}

/// A role as records list it (CloudTrail User Guide, "Logging IAM and AWS STS API calls with CloudTrail").
fn role_resource(arn: &str) -> Option<AuditResource> {
    let account_id = NamedPrincipal::parse(arn)?.account().to_string();
    Some(AuditResource { account_id, resource_type: "AWS::IAM::Role", arn: arn.to_owned() })
}

/// CloudTrail records answers of STS although its operations change nothing: who got which access key ID must be known.
fn event(name: &str, request_parameters: Value, result: &Result<Structure, IdentityError>) -> ServiceEvent {
    let gives_credentials = operation::named(name).is_some_and(|operation| operation.gives_credentials);
    ServiceEvent {
        event_name: name.to_owned(),
        read_only: true,
        request_parameters,
        response_elements: match result {
            Ok(answer) if gives_credentials => answer.recorded(),
            Ok(_) | Err(_) => Value::Null,
        },
        error: result.as_ref().err().map(|error| (error.code.to_owned(), Some(error.message.clone()))),
    }
}

fn answer(name: &str, result: Result<Structure, IdentityError>, request_id: &str) -> ServiceAnswer {
    let (status, body) = match result {
        Ok(answer) => (200, response_xml(Some(&answer), name, NAMESPACE, request_id)),
        Err(error) => (error.status, error_xml(&error, NAMESPACE, request_id)),
    };
    ServiceAnswer { status, content_type: CONTENT_TYPE, body: body.into_bytes() }
}
