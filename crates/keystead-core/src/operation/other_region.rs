//! What ReplicateKey and UpdatePrimaryRegion have to do with a Region besides the one that is asked.

use keystead_model::arn::Region;
use serde_json::Value;

use crate::access::Principal;
use crate::audit::{AuditRecord, AuditResource, UserIdentity, response_elements};
use crate::error::KmsError;
use crate::key::Key;
use crate::kms::{Call, Kms};

/// The Region that a request names, if this service has it and the key is not there. Which exceptions AWS gives is unverified.
pub(super) fn other_region(kms: &Kms, key: &Key, member: &str, named: &Region) -> Result<Region, KmsError> {
    if *named == key.region {
        return Err(KmsError::validation(format!(
            "{member} {named} is the Region of the primary key {}. Name another Region.",
            key.arn()
        )));
    }
    kms.region_named(named.as_str()).cloned().ok_or_else(|| {
        let regions = kms.regions().map(Region::as_str).collect::<Vec<_>>().join(", ");
        KmsError::validation(format!("{member} {named} is not a Region of this service. Its Regions are: {regions}."))
    })
}

/// What a call did in another Region than the one that was asked.
pub(super) struct OtherRegionEvent<'a> {
    /// The operation.
    pub(super) event_name: &'static str,
    /// The key there.
    pub(super) key: &'a Key,
    /// As they are recorded.
    pub(super) request_parameters: Value,
    /// As the API writes it.
    pub(super) answer: Value,
}

/// Writes the record of the other Region: the caller's and of the same request, made by KMS in the caller's name (KMS Developer Guide,
/// CloudTrail entries of UpdatePrimaryRegion; that it is so for ReplicateKey is unverified).
pub(super) async fn record_in_other_region(
    kms: &Kms,
    call: &Call<'_>,
    event: OtherRegionEvent<'_>,
) -> Result<(), KmsError> {
    let OtherRegionEvent { event_name, key, request_parameters, answer } = event;
    let mut record = AuditRecord::of_call(event_name, &key.region, call.now, kms.new_uuid(), false);
    record.set_origin(&call.caller.origin);
    record.user_identity = invoked_by_kms(&call.caller.principal, &call.caller.access_key_id);
    record.recipient_account_id = Some(call.caller.principal.account.to_string());
    record.request_parameters = request_parameters;
    record.response_elements = response_elements(&answer);
    record.resources = Some(vec![AuditResource::key(&key.account, &key.arn().to_string())]);
    Ok(kms.audit_log.write(record).await?)
}

fn invoked_by_kms(principal: &Principal, access_key_id: &str) -> UserIdentity {
    UserIdentity { invoked_by: Some("kms.amazonaws.com"), ..UserIdentity::of(principal, access_key_id) }
}
