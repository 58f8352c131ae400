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
use keystead_core::api_service::{ApiService, ServiceAnswer, ServiceAudit, ServiceEvent};
use keystead_core::kms::{Caller, RequestOrigin};
use keystead_query::{Parameters, Structure};
use serde_json::Value;

use self::call::Call;
use crate::answer::{CONTENT_TYPE, error_xml, response_xml};
use crate::error::IdentityError;
use crate::recorded;
use crate::user_session;

/// Source: IAM service model.
const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";
const VERSION: &str = "2010-05-08";
/// What is recorded of a request that names no operation served here.
const UNKNOWN: &str = "Unknown";

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
        operation: Option<&'static operation::Operation>,
        asked: Option<String>,
        mut parameters: Parameters,
        caller: &Caller,
        recorded: &mut Value,
    ) -> Result<Option<Structure>, IdentityError> {
        let asked = asked.ok_or_else(|| {
            IdentityError::new("MissingAction", 400, "The request must contain the parameter Action.")
        })?;
        let version = parameters.required("Version")?;
        let operation = operation.filter(|_| version == VERSION).ok_or_else(|| {
            let message = match not_served::reason(&asked) {
                Some(reason) => format!("{asked} is not served. {reason}"),
                None => format!("Could not find operation {asked} for version {version}"),
            };
            IdentityError::new("InvalidAction", 400, message)
        })?;
        // Of what is not served nobody knows which parameters are secret.
        *recorded = recorded::recorded(recorded::recordable(&parameters));
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
        let (operation, request_parameters, result) = match Parameters::parse(body) {
            Ok(mut parameters) => {
                let mut recorded = Value::Null;
                let asked = parameters.take("Action");
                let operation = asked.as_deref().and_then(operation::named);
                let result = self.serve(operation, asked, parameters, caller, &mut recorded).await;
                (operation, recorded, result)
            }
            Err(error) => (None, Value::Null, Err(error.into())),
        };
        let name = operation.map_or(UNKNOWN, |operation| operation.name);
        let event = event(name, request_parameters, &result);
        let request_id = &caller.origin.request_id;
        match self.audit.record(event, caller).await {
            Ok(()) => answer(name, result, request_id),
            Err(error) => answer(name, Err(IdentityError::internal(&error)), request_id),
        }
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

fn event(name: &str, request_parameters: Value, result: &Result<Option<Structure>, IdentityError>) -> ServiceEvent {
    let read_only = operation::is_read_only(name);
    ServiceEvent {
        event_name: name.to_owned(),
        read_only,
        request_parameters,
        response_elements: match result {
            Ok(Some(answer)) if !read_only => answer.recorded(),
            Ok(_) | Err(_) => Value::Null,
        },
        error: result.as_ref().err().map(|error| (error.code.to_owned(), Some(error.message.clone()))),
    }
}

fn answer(name: &str, result: Result<Option<Structure>, IdentityError>, request_id: &str) -> ServiceAnswer {
    let (status, body) = match result {
        Ok(answer) => (200, response_xml(answer.as_ref(), name, NAMESPACE, request_id)),
        Err(error) => (error.status, error_xml(&error, NAMESPACE, request_id)),
    };
    ServiceAnswer { status, content_type: CONTENT_TYPE, body: body.into_bytes() }
}
