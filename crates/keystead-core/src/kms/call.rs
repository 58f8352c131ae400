//! One call while it is served.

use std::sync::atomic::{AtomicBool, Ordering};

use keystead_model::Timestamp;
use keystead_model::arn::Region;
use keystead_model::shape::Operation;
use keystead_policy::ContextValue;
use serde_json::Value;

use super::{Caller, Output};
use crate::access::{AccessRequest, Authorized, KmsConditionKeys, Resource, Subject, authorize};
use crate::audit::AuditResource;
use crate::error::KmsError;
use crate::operation::GrantReference;

/// One call of an operation while it is served: the caller, and what the audit record is to say besides.
pub(crate) struct Call<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) operation: &'static Operation,
    pub(crate) now: Timestamp,
    /// Length of the request's body in bytes.
    pub(crate) body_length: usize,
    /// The validated members of the request; `null` of one that is not valid. May hold plaintexts.
    pub(crate) input: &'a Value,
    pub(crate) resources: Option<Vec<AuditResource>>,
    pub(crate) additional_event_data: serde_json::Map<String, Value>,
    /// Condition keys that are not in the request itself, with their values.
    pub(crate) computed_condition_keys: Vec<(String, ContextValue)>,
    /// What the grant tokens of the request stand for.
    pub(crate) grant_tokens: Vec<GrantReference>,
    /// Whether something of the request was authorized.
    allowed: AtomicBool,
    /// Request parameters to record although the caller left them to their default.
    pub(crate) defaulted_parameters: Vec<(&'static str, Value)>,
}

impl<'a> Call<'a> {
    /// A call that nothing is known of yet but its request.
    pub(crate) fn new(
        caller: &'a Caller,
        operation: &'static Operation,
        input: &'a Value,
        body_length: usize,
        now: Timestamp,
    ) -> Self {
        Self {
            caller,
            operation,
            now,
            body_length,
            input,
            resources: None,
            additional_event_data: serde_json::Map::new(),
            computed_condition_keys: Vec::new(),
            grant_tokens: Vec::new(),
            allowed: AtomicBool::new(false),
            defaulted_parameters: Vec::new(),
        }
    }
}

impl Call<'_> {
    /// The Region that is asked.
    pub(crate) fn region(&self) -> &Region {
        &self.caller.region
    }

    /// Notes a key that the call is about.
    pub(crate) fn note_resource(&mut self, resource: AuditResource) {
        let resources = self.resources.get_or_insert_default();
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }

    /// Notes a member of `additionalEventData`.
    pub(crate) fn note(&mut self, name: &str, value: impl Into<Value>) {
        self.additional_event_data.insert(name.to_owned(), value.into());
    }

    /// What the request tells policies when `action` is asked of such a thing.
    pub(crate) fn condition_keys<'b>(&'b self, action: &'b str, subject: Subject) -> KmsConditionKeys<'b> {
        KmsConditionKeys {
            operation: self.operation.name,
            action,
            subject,
            caller_account: &self.caller.principal.account,
            input: self.input,
            computed: &self.computed_condition_keys,
        }
    }

    /// Leave for an action of the request on something that has no grants.
    pub(crate) fn authorize<T: Resource>(
        &self,
        action: &str,
        subject: Subject,
        resource: T,
    ) -> Result<Authorized<T>, KmsError> {
        self.authorize_in(self.region(), action, subject, resource)
    }

    /// The same where the action is done in another Region than the one that is asked.
    pub(crate) fn authorize_in<T: Resource>(
        &self,
        region: &Region,
        action: &str,
        subject: Subject,
        resource: T,
    ) -> Result<Authorized<T>, KmsError> {
        let keys = self.condition_keys(action, subject);
        let request = AccessRequest { region, ..self.caller.access_request(self.now, &keys) };
        authorize(&request, action, resource).inspect(|allowed| self.note_allowed(allowed))
    }

    /// Notes that something of the request was authorized. Without that there is no answer but an error.
    pub(crate) fn note_allowed<T>(&self, _: &Authorized<T>) {
        self.allowed.store(true, Ordering::Relaxed);
    }

    /// The second line behind the types: what asked nobody for leave does not answer, whatever it is.
    pub(super) fn allowed_output(&self, output: Output) -> Result<Output, KmsError> {
        if self.allowed.load(Ordering::Relaxed) {
            return Ok(output);
        }
        Err(KmsError::internal(&format!("{} answers and was never authorized", self.operation.name)))
    }

    /// `kms:` and the operation's name.
    pub(crate) fn action(&self) -> String {
        format!("kms:{}", self.operation.name)
    }
}
