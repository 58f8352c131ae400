//! The audit record of a call, and the answer that waits for it.

use keystead_model::kms::Exception;
use serde_json::{Value, json};

use super::{Answer, Call, Kms, Output};
use crate::audit::{AuditRecord, AuditResource, UserIdentity, response_elements};
use crate::error::KmsError;

impl Kms {
    /// The answer, once its record is written; without the record there is no other answer than that.
    pub(super) async fn recorded(&self, mut record: AuditRecord, result: Result<Output, KmsError>) -> Answer {
        let of_others = record.records_of_other_accounts(|| self.new_uuid());
        for record in std::iter::once(record).chain(of_others) {
            if let Err(error) = self.audit_log.write(record).await {
                return KmsError::from(error).into();
            }
        }
        result.into()
    }

    /// What is recorded of a call that is served. `parameters` are its members without secrets.
    pub(super) fn record_of(
        &self,
        mut call: Call<'_>,
        mut parameters: Value,
        result: &Result<Output, KmsError>,
    ) -> AuditRecord {
        for (name, value) in std::mem::take(&mut call.defaulted_parameters) {
            if parameters.is_null() {
                parameters = Value::Object(serde_json::Map::new());
            }
            if let Value::Object(parameters) = &mut parameters {
                parameters.entry(name).or_insert(value);
            }
        }
        let name = call.operation.name;
        let read_only = keystead_model::operation::read_only(name);
        let mut record = AuditRecord::of_call(name, call.region(), call.now, self.new_uuid(), read_only);
        record.set_origin(&call.caller.origin);
        record.user_identity = UserIdentity::of(&call.caller.principal, &call.caller.access_key_id);
        record.recipient_account_id = Some(call.caller.principal.account.to_string());
        record.request_parameters = parameters;
        record.additional_event_data = call.additional_event_data;
        match result {
            Ok(output) if !read_only => {
                record.response_elements = recorded_output(output, call.resources.as_deref());
            }
            Ok(_) => {}
            Err(error) => fill_error(&mut record, error),
        }
        record.resources = call.resources;
        record
    }
}

/// Fills in how a request failed.
pub(super) fn fill_error(record: &mut AuditRecord, error: &KmsError) {
    // CloudTrail shortens this one name (unverified for KMS); the others are recorded in full.
    let code = if error.exception == Exception::AccessDenied { "AccessDenied" } else { error.exception.name() };
    record.set_error(code.to_owned(), error.message.as_deref());
    if let Some(cause) = error.cause {
        record.additional_event_data.insert("errorCause".to_owned(), cause.into());
    }
}

/// A mutation without an answer of its own records the key it changed.
fn recorded_output(output: &Output, resources: Option<&[AuditResource]>) -> Value {
    match output {
        Output::Body { recorded: Some(answer), .. } => response_elements(answer),
        Output::Body { recorded: None, .. } | Output::EmptyStructure => Value::Null,
        Output::Nothing => resources
            .and_then(|resources| resources.iter().find(|resource| resource.resource_type == "AWS::KMS::Key"))
            .map_or(Value::Null, |key| json!({ "keyId": key.arn })),
    }
}
