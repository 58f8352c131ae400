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
use keystead_core::api_service::{
    AnonymousAnswer, ApiService, ServiceAnswer, ServiceAudit, ServiceProtocol, UNKNOWN_OPERATION,
};
use keystead_core::audit::AuditResource;
use keystead_core::kms::{Caller, RequestOrigin};
use keystead_oidc::Issuers;
use serde_json::Value;

use self::call::Call;
use self::operation::Operation;
use crate::error::IdentityError;
use crate::protocol::IdentityProtocol;
use crate::recorded::{recorded, recorded_of_unknown_caller};
use crate::request::Request;

/// Source: STS service model. CloudTrail records answers of STS although its operations change nothing: who got which access key ID must be
/// known.
const PROTOCOL: IdentityProtocol = IdentityProtocol {
    version: "2011-06-15",
    namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
    is_read_only: |_| true,
    records_answer: |name| operation::named(name).is_some_and(|operation| operation.gives_credentials),
};
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

/// The operation that a request asks for, if it is served; from then on records have its parameters.
fn served(request: &mut Request<Operation>) -> Result<&'static Operation, IdentityError> {
    let operation = request.take_operation(PROTOCOL.version, |_| None)?.served()?;
    request.reveal();
    Ok(operation)
}

#[async_trait]
impl ApiService for StsService {
    fn signing_name(&self) -> &'static str {
        "sts"
    }

    async fn invoke(&self, _operation: Option<&str>, body: &[u8], caller: &Caller) -> ServiceAnswer {
        let (name, recorded, result) = match Request::read(body, operation::named) {
            Ok(mut request) => {
                let name = request.operation.map_or(UNKNOWN_OPERATION, |operation| operation.name);
                let result = match served(&mut request) {
                    Ok(operation) => {
                        operation::dispatch(operation, &self.call(&caller.origin), caller, request.parameters).await
                    }
                    Err(error) => Err(error),
                };
                (name, recorded(request.recordable), result.map(Some))
            }
            Err(error) => (UNKNOWN_OPERATION, Value::Null, Err(error)),
        };
        // A role is told of in its own account as well, once somebody has assumed it.
        let role = recorded.get("roleArn").and_then(Value::as_str).filter(|_| result.is_ok());
        let roles = role.and_then(role_resource).into_iter().collect();
        let event = PROTOCOL.event(name, recorded, &result);
        let written = self.audit.record_about(event, caller, roles).await;
        PROTOCOL.answer(name, result, written, &caller.origin.request_id)
    }

    /// AssumeRoleWithWebIdentity: its token says who calls.
    async fn invoke_anonymous(&self, body: &[u8], origin: &RequestOrigin) -> Option<AnonymousAnswer> {
        let mut request = Request::read(body, operation::named).ok()?;
        let name = request.operation.filter(|operation| operation.unsigned)?.name;
        let (outcome, vouched) = match served(&mut request) {
            Ok(_) => web_identity::assume_role_with_web_identity(&self.call(origin), request.parameters).await,
            Err(error) => (Err(error), web_identity::Vouched::default()),
        };
        let outcome = outcome.map(Some);
        let account = vouched.account;
        let authenticated = account.is_some();
        let shown = if authenticated {
            recorded(request.recordable)
        } else {
            recorded_of_unknown_caller(&request.recordable, RECORDED_OF_UNKNOWN_CALLERS)
        };
        let event = PROTOCOL.event(name, shown, &outcome);
        let written = self.audit.write(event, vouched.user_identity(), account.as_ref(), origin).await;
        Some(AnonymousAnswer { answer: PROTOCOL.answer(name, outcome, written, &origin.request_id), authenticated })
    }

    async fn refuse(
        &self,
        operation: Option<&str>,
        error: KmsError,
        access_key_id: Option<&str>,
        origin: &RequestOrigin,
    ) -> ServiceAnswer {
        self.audit.answer_refusal(&PROTOCOL, operation, error, access_key_id, origin).await
    }
}

/// A role as records list it (CloudTrail User Guide, "Logging IAM and AWS STS API calls with CloudTrail").
fn role_resource(arn: &str) -> Option<AuditResource> {
    let account_id = NamedPrincipal::parse(arn)?.account().to_string();
    Some(AuditResource { account_id, resource_type: "AWS::IAM::Role", arn: arn.to_owned() })
}
