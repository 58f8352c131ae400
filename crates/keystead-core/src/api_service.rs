//! The services of the AWS API beside KMS that this server answers for: CloudHSM for clusters, EC2 for the network around them, IAM and STS for
//! who may use it all.

mod protocol;

use std::sync::Arc;

use async_trait::async_trait;
use keystead_model::arn::{AccountId, Region};
use serde_json::Value;

pub use self::protocol::{ServiceProtocol, UNKNOWN_OPERATION};
use crate::audit::{AuditRecord, AuditResource, UserIdentity};
use crate::error::KmsError;
use crate::kms::{Caller, RequestOrigin, new_uuid};
use crate::port::{AuditError, AuditLog, Clock, Entropy};

/// A service that the front end hands requests to, once their signature is verified.
///
/// It does with each what [`crate::Kms::invoke`] does: validate, authorize, act, record, answer; and it words its answers in its own
/// protocol.
#[async_trait]
pub trait ApiService: Send + Sync + 'static {
    /// The service in the scope of a signature, such as `cloudhsm`.
    fn signing_name(&self) -> &'static str;

    /// Serves a request. `operation` is what the head names; a protocol that names it in the body passes none.
    async fn invoke(&self, operation: Option<&str>, body: &[u8], caller: &Caller) -> ServiceAnswer;

    /// Serves a request without a signature, of an operation whose caller proves in another way who it is. `None` if the body names no such
    /// operation of this service: then the request is one without credentials.
    async fn invoke_anonymous(&self, _body: &[u8], _origin: &RequestOrigin) -> Option<AnonymousAnswer> {
        None
    }

    /// Records and answers a request that was refused before the service could see it, such as one whose signature does not verify.
    async fn refuse(
        &self,
        operation: Option<&str>,
        error: KmsError,
        access_key_id: Option<&str>,
        origin: &RequestOrigin,
    ) -> ServiceAnswer;
}

/// What goes back to the caller.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// What goes back to a caller who signed nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnonymousAnswer {
    /// The answer.
    pub answer: ServiceAnswer,
    /// Whether the caller has proved who it is. It may be refused all the same.
    pub authenticated: bool,
}

/// Writes the audit records of one service.
pub struct ServiceAudit {
    /// Such as `cloudhsm.amazonaws.com`.
    pub event_source: &'static str,
    /// The Region that this server is.
    pub region: Region,
    /// Where the records go.
    pub audit_log: Arc<dyn AuditLog>,
    /// Dates them.
    pub clock: Arc<dyn Clock>,
    /// Gives them their IDs.
    pub entropy: Arc<dyn Entropy>,
}

/// What a service records of a request.
#[derive(Clone, Debug)]
pub struct ServiceEvent {
    /// The operation, or `Unknown`.
    pub event_name: String,
    /// Whether it changes nothing.
    pub read_only: bool,
    /// The request's members without secrets.
    pub request_parameters: Value,
    /// What a mutation answered, without secrets; `null` for reads and failures.
    pub response_elements: Value,
    /// Code and message of a failure.
    pub error: Option<(String, Option<String>)>,
}

impl ServiceAudit {
    /// Records a verified request. Its answer must not leave before this returns `Ok`.
    pub async fn record(&self, event: ServiceEvent, caller: &Caller) -> Result<(), AuditError> {
        let identity = UserIdentity::of(&caller.principal, &caller.access_key_id);
        self.write(event, identity, Some(&caller.principal.account), &caller.origin).await
    }

    /// The same for a request about these resources. Those of other accounts are recorded there as well, unless the request was denied.
    pub async fn record_about(
        &self,
        event: ServiceEvent,
        caller: &Caller,
        resources: Vec<AuditResource>,
    ) -> Result<(), AuditError> {
        let identity = UserIdentity::of(&caller.principal, &caller.access_key_id);
        let mut record = self.record_of(event, identity, Some(&caller.principal.account), &caller.origin);
        record.resources = Some(resources).filter(|resources| !resources.is_empty());
        let of_others = record.records_of_other_accounts(|| new_uuid(&*self.entropy));
        for record in std::iter::once(record).chain(of_others) {
            self.audit_log.write(record).await?;
        }
        Ok(())
    }

    /// Records a request whose caller is not known; the access key ID is what the request claims.
    pub async fn record_refusal(
        &self,
        event: ServiceEvent,
        access_key_id: Option<&str>,
        origin: &RequestOrigin,
    ) -> Result<(), AuditError> {
        self.write(event, UserIdentity::unknown(access_key_id), None, origin).await
    }

    /// Records a request of this caller; `account` is the one that the record belongs to.
    pub async fn write(
        &self,
        event: ServiceEvent,
        identity: UserIdentity,
        account: Option<&AccountId>,
        origin: &RequestOrigin,
    ) -> Result<(), AuditError> {
        self.audit_log.write(self.record_of(event, identity, account, origin)).await
    }

    fn record_of(
        &self,
        event: ServiceEvent,
        identity: UserIdentity,
        account: Option<&AccountId>,
        origin: &RequestOrigin,
    ) -> AuditRecord {
        let event_id = new_uuid(&*self.entropy);
        let mut record =
            AuditRecord::of_call(&event.event_name, &self.region, self.clock.now(), event_id, event.read_only);
        record.event_source = self.event_source;
        record.set_origin(origin);
        record.user_identity = identity;
        record.recipient_account_id = account.map(AccountId::to_string);
        record.request_parameters = event.request_parameters;
        record.response_elements = event.response_elements;
        if let Some((code, message)) = event.error {
            record.set_error(code, message.as_deref());
        }
        record
    }
}
