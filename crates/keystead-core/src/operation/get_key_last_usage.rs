//! GetKeyLastUsage.

use keystead_model::Timestamp;
use keystead_model::kms::{GetKeyLastUsageRequest, GetKeyLastUsageResponse, KeyLastUsageData};

use super::key_lookup::{AcceptedForms, authorized_key, key_id_of};
use crate::error::KmsError;
use crate::key::{Key, KeyLastUsage};
use crate::kms::{Call, Kms};

const MILLISECONDS_PER_DAY: i64 = 24 * 60 * 60 * 1000;

/// Tells the last successful cryptographic operation with a key, of those that this server has noted and those that are stored.
///
/// Tracking began when the key was made or, for an older key, when the store came to a version of its schema that has last usages.
pub(super) async fn get_key_last_usage(
    kms: &Kms,
    call: &mut Call<'_>,
    request: GetKeyLastUsageRequest,
) -> Result<GetKeyLastUsageResponse, KmsError> {
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    Ok(GetKeyLastUsageResponse {
        key_id: key.key.arn(),
        key_last_usage: last_usage(kms, &key.key).await?.map(data).unwrap_or_default(),
        tracking_start_date: tracking_start(kms, &key.key).await?,
        key_creation_date: key.key.created,
    })
}

async fn tracking_start(kms: &Kms, key: &Key) -> Result<Timestamp, KmsError> {
    Ok(key.created.max(kms.catalog.store().key_usages_recorded_since().await?))
}

/// Tells policies for how many whole days the key that a request names was not used: `kms:TrailingDaysWithoutKeyUsage`. A key that was never
/// used counts from the day on which its use began to be tracked (unverified).
pub(super) async fn note_days_without_usage(kms: &Kms, call: &mut Call<'_>, key_id: &str) -> Result<(), KmsError> {
    let Some(id) = key_id_of(kms, call, key_id).await? else { return Ok(()) };
    let Some(key) = kms.catalog.key(call.region(), &id).await? else { return Ok(()) };
    let since = match last_usage(kms, &key.key).await? {
        Some(usage) => usage.timestamp,
        None => tracking_start(kms, &key.key).await?,
    };
    let days = call.now.millis().saturating_sub(since.millis()).max(0) / MILLISECONDS_PER_DAY;
    call.computed_condition_keys.push(("kms:TrailingDaysWithoutKeyUsage".to_owned(), days.to_string().into()));
    Ok(())
}

async fn last_usage(kms: &Kms, key: &Key) -> Result<Option<KeyLastUsage>, KmsError> {
    // Noted first: what is noted now and stored before the next line is in one of them at least.
    let noted = kms.usage_tracker.noted(&key.region, &key.id);
    let stored = kms.catalog.store().key_last_usage(&key.region, &key.id).await?;
    Ok([stored, noted].into_iter().flatten().max_by_key(|usage| usage.timestamp))
}

fn data(usage: KeyLastUsage) -> KeyLastUsageData {
    KeyLastUsageData {
        operation: Some(usage.operation),
        timestamp: Some(usage.timestamp),
        cloud_trail_event_id: Some(usage.event_id),
        kms_request_id: Some(usage.request_id),
    }
}
