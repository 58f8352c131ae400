//! UpdatePrimaryRegion.

use std::sync::Arc;

use keystead_model::Timestamp;
use keystead_model::arn::{KeyArn, Region};
use keystead_model::kms::UpdatePrimaryRegionRequest;
use serde_json::json;

use super::key_lookup::{AcceptedForms, authorize_key, authorized_key};
use super::other_region::{OtherRegionEvent, other_region, record_in_other_region};
use crate::access::Authorized;
use crate::catalog::LoadedKey;
use crate::crash_point::{self, CrashPoint};
use crate::error::KmsError;
use crate::key::{EffectiveState, Key, Transition, TransitionKind, refuse_in_state, refuse_state};
use crate::kms::{Call, Kms};

/// Makes a replica the primary key, and the primary key a replica. Both are Updating for a while, in which they still encrypt and decrypt.
pub(super) async fn update_primary_region(
    kms: &Kms,
    call: &mut Call<'_>,
    request: UpdatePrimaryRegionRequest,
) -> Result<(), KmsError> {
    let primary = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    refuse_in_state(call.operation.name, EffectiveState::of(&primary.key, true, call.now), &primary.key)?;
    let region = other_region(kms, &primary.key, "PrimaryRegion", &request.primary_region)?;
    let replica = authorized_replica(kms, call, &primary.key, &region).await?;
    kms.charge(call, call.operation.name, 1, &region)?;
    let change = Change {
        operation: call.operation.name,
        from: &primary.key.region,
        to: &region,
        now: call.now,
        until: call.now.plus(kms.settings.key_transition_min),
    };
    crash_point::reached(CrashPoint::SwapRoles);
    kms.catalog.change_related_keys(&primary, &*kms.entropy, |keys| change.make(keys)).await?;
    crash_point::reached(CrashPoint::RecordSwap);
    let event = OtherRegionEvent {
        event_name: call.operation.name,
        key: &replica.key,
        request_parameters: json!({ "keyId": &replica.arn, "primaryRegion": &region }),
        answer: json!({ "KeyId": &replica.arn }),
    };
    record_in_other_region(kms, call, event).await
}

/// The replica in that Region. The caller must have leave to do this with it as well as with the primary key (KMS core digest 2.2).
async fn authorized_replica(
    kms: &Kms,
    call: &Call<'_>,
    primary: &Key,
    region: &Region,
) -> Result<Authorized<Arc<LoadedKey>>, KmsError> {
    let replica = kms.catalog.key(region, &primary.id).await?.filter(|key| key.key.account == primary.account);
    let replica = replica.ok_or_else(|| no_replica(primary, region))?;
    authorize_key(kms, call, &call.action(), replica).await.map_err(|refused| refused.error)
}

/// The text is that of a key that does not exist (that AWS gives it here is unverified).
fn no_replica(primary: &Key, region: &Region) -> KmsError {
    KmsError::not_found(format!("Key '{}' does not exist", KeyArn::new(region.clone(), primary.account, primary.id)))
}

/// One change of a primary Region.
struct Change<'a> {
    operation: &'a str,
    from: &'a Region,
    to: &'a Region,
    now: Timestamp,
    until: Timestamp,
}

impl Change<'_> {
    /// Swaps the roles of two of the related keys. What the others tell of their set follows from these two.
    fn make(&self, keys: &mut [Key]) -> Result<(), KmsError> {
        if let (Some(primary), false) = (keys.first(), keys.iter().any(|key| key.region == *self.to)) {
            return Err(no_replica(primary, self.to));
        }
        for key in keys.iter_mut().filter(|key| key.region == *self.from || key.region == *self.to) {
            self.check_state(key)?;
            key.multi_region = key.multi_region.as_ref().map(|set| set.with_primary_in(&key.region, self.to));
            key.transition = Some(Transition { kind: TransitionKind::Updating, until: self.until });
        }
        Ok(())
    }

    /// Both keys must be in a state for it (KMS Developer Guide, "Change the primary key in a set of multi-Region keys").
    fn check_state(&self, key: &Key) -> Result<(), KmsError> {
        let state = EffectiveState::of(key, true, self.now);
        if key.region == *self.from {
            refuse_in_state(self.operation, state, key)
        } else {
            refuse_state(self.operation, state, key)
        }
    }
}
