//! The IAM API, version 2010-05-08.

mod access_key_last_used;
mod access_keys;
mod account_summary;
mod attached_policies;
mod authorization_details;
mod boundaries;
mod call;
mod deletion;
mod entity;
mod entity_tags;
mod group_members;
mod groups;
mod identity;
mod identity_members;
mod inline_policies;
mod managed_policies;
mod names;
mod not_kept;
mod not_served;
mod oidc_lookup;
mod oidc_providers;
mod operation;
mod page;
mod policy_document;
mod policy_entities;
mod policy_lookup;
mod policy_versions;
mod quota;
mod roles;
mod simulation;
mod stored;
mod tags;
mod trust_policy;
mod users;

use std::sync::Arc;

use async_trait::async_trait;
use keystead_core::Kms;
use keystead_core::KmsError;
use keystead_core::api_service::{ApiService, ServiceAnswer, ServiceAudit, UNKNOWN_OPERATION};
use keystead_core::kms::{Caller, RequestOrigin};
use keystead_query::{Parameters, Structure};
use serde_json::Value;

use self::call::Call;
use self::operation::Operation;
use crate::error::IdentityError;
use crate::protocol::IdentityProtocol;
use crate::recorded::recorded;
use crate::request::Request;
use crate::user_session;

/// Source: IAM service model.
const PROTOCOL: IdentityProtocol = IdentityProtocol {
    version: "2010-05-08",
    namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
    is_read_only: operation::is_read_only,
    records_answer: |operation| !operation::is_read_only(operation),
};

/// IAM, so far as people need it to run a KMS.
pub struct IamService {
    kms: Arc<Kms>,
    audit: ServiceAudit,
}

impl IamService {
    /// The source of its audit records.
    pub const EVENT_SOURCE: &str = "iam.amazonaws.com";

    /// The service over the store and clock of `kms`. The records of `audit` are of [`IamService::EVENT_SOURCE`].
    pub fn new(kms: Arc<Kms>, audit: ServiceAudit) -> Self {
        Self { kms, audit }
    }

    async fn serve(
        &self,
        operation: &'static Operation,
        parameters: Parameters,
        caller: &Caller,
    ) -> Result<Option<Structure>, IdentityError> {
        if user_session::is_of_user(&caller.principal) {
            // IAM User Guide, "Compare AWS STS credentials": none of IAM without MFA, which is not served here. The error is unverified.
            let message = "The security token included in the request is invalid";
            return Err(IdentityError::new("InvalidClientTokenId", 403, message));
        }
        operation::dispatch(operation, &Call::new(&self.kms, caller, operation.name), parameters).await
    }
}

#[async_trait]
impl ApiService for IamService {
    fn signing_name(&self) -> &'static str {
        "iam"
    }

    async fn invoke(&self, _operation: Option<&str>, body: &[u8], caller: &Caller) -> ServiceAnswer {
        let (name, request_parameters, result) = match Request::read(body, operation::named) {
            Ok(mut request) => {
                let name = request.operation.map_or(UNKNOWN_OPERATION, |operation| operation.name);
                let result = match request.take_operation(PROTOCOL.version, not_served::reason) {
                    Ok(operation) => {
                        request.reveal();
                        self.serve(operation, request.parameters, caller).await
                    }
                    Err(error) => Err(error),
                };
                (name, recorded(request.recordable), result)
            }
            Err(error) => (UNKNOWN_OPERATION, Value::Null, Err(error)),
        };
        self.audit.answer(&PROTOCOL, name, request_parameters, result, caller).await
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
