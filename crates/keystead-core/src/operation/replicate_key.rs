//! ReplicateKey.

use std::sync::Arc;

use keystead_model::arn::Region;
use keystead_model::kms::{Exception, ReplicateKeyRequest, ReplicateKeyResponse, Tag};
use serde_json::{Value, json};

use super::key_lookup::{AcceptedForms, authorized_key};
use super::key_metadata::key_metadata;
use super::new_key::{NewKey, ReplicaScope, facts_of_replica};
use super::other_region::{OtherRegionEvent, other_region, record_in_other_region};
use super::policy::{CheckedPolicy, policy_of_new_key};
use super::tags::check_tags;
use crate::access::{AllKeys, Authorized, KmsScope, Subject};
use crate::catalog::{Conflicts, LoadedKey};
use crate::crash_point::{self, CrashPoint};
use crate::error::KmsError;
use crate::key::{
    EffectiveState, Import, Key, KeyFacts, KeyMaterialRecord, KeyOrigin, KeyStatus, Transition, TransitionKind,
    refuse_in_state,
};
use crate::kms::{Call, Kms};
use crate::port::{StoreError, UniqueConstraint};
use crate::quota::exceeded_message;

/// So many requests of CreateKey in the Region of the replica does a replication count as (KMS Developer Guide, "Request quotas").
const CREATE_KEY_REQUESTS: u32 = 2;

/// Makes a replica of a multi-Region primary key in another Region: of the same ID and material, with policy, tags and description of its
/// own. It is Creating at first.
pub(super) async fn replicate_key(
    kms: &Kms,
    call: &mut Call<'_>,
    request: ReplicateKeyRequest,
) -> Result<ReplicateKeyResponse, KmsError> {
    call.defaulted_parameters.extend([("description", "".into()), ("bypassPolicyLockoutSafetyCheck", false.into())]);
    let primary = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    check_state(call, &primary.key)?;
    let region = other_region(kms, &primary.key, "ReplicaRegion", &request.replica_region)?;
    let scope = authorized_scope(call, &primary.key, &region, &request)?;
    kms.charge(call, "CreateKey", CREATE_KEY_REQUESTS, &region)?;
    let properties = Properties::of_request(kms, call, &scope, &primary.key, &request).await?;
    let replica = insert_replica(kms, call, &scope, &primary, &properties).await?;
    crash_point::reached(CrashPoint::RecordReplica);
    // However short the state is, the answer tells it (KMS API Reference, ReplicateKey).
    let replica_key_metadata = key_metadata(&replica, EffectiveState::Creating, None, call.now);
    let event = OtherRegionEvent {
        event_name: "CreateKey",
        key: &replica,
        request_parameters: create_key_parameters(&replica, &request),
        answer: json!({ "KeyMetadata": &replica_key_metadata }),
    };
    record_in_other_region(kms, call, event).await?;
    Ok(ReplicateKeyResponse { replica_key_metadata, replica_policy: replica.policy, replica_tags: replica.tags })
}

fn check_state(call: &Call<'_>, primary: &Key) -> Result<(), KmsError> {
    refuse_in_state(call.operation.name, EffectiveState::of(primary, true, call.now), primary)
}

/// Leave to create keys in the Region of the replica and, if it is to have tags, to tag them (KMS core digest 2.2).
fn authorized_scope<'a>(
    call: &Call<'_>,
    primary: &'a Key,
    region: &Region,
    request: &ReplicateKeyRequest,
) -> Result<Authorized<ReplicaScope<'a>>, KmsError> {
    let scope = KmsScope { account: primary.account, region: region.clone() };
    if request.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
        call.authorize_in(region, "kms:TagResource", Subject::Region, AllKeys(scope.clone()))?;
    }
    call.authorize_in(region, "kms:CreateKey", Subject::Region, ReplicaScope::of(scope, primary))
}

/// What the caller chooses of a replica.
struct Properties {
    description: String,
    policy: CheckedPolicy,
    tags: Vec<Tag>,
}

impl Properties {
    /// Nothing of it is the primary key's unless it is said again.
    async fn of_request(
        kms: &Kms,
        call: &Call<'_>,
        scope: &KmsScope,
        primary: &Key,
        request: &ReplicateKeyRequest,
    ) -> Result<Self, KmsError> {
        let tags = request.tags.clone().unwrap_or_default();
        check_tags(&tags)?;
        let replica = NewKey { scope, facts: KeyFacts { tags: &tags, ..facts_of_replica(primary) } };
        let (given, bypass) = (request.policy.as_deref(), request.bypass_policy_lockout_safety_check);
        let policy = policy_of_new_key(kms, call, &replica, given, bypass).await?;
        Ok(Self { description: request.description.clone().unwrap_or_default(), policy, tags })
    }
}

/// Stores the replica of a primary key that has not changed meanwhile; tries again from the start if it has.
async fn insert_replica(
    kms: &Kms,
    call: &Call<'_>,
    scope: &Authorized<ReplicaScope<'_>>,
    primary: &Authorized<Arc<LoadedKey>>,
    properties: &Properties,
) -> Result<Key, KmsError> {
    let quota = kms.settings.resource_quotas.kms_keys;
    let mut conflicts = Conflicts::new(&*kms.entropy);
    loop {
        let stored = kms.catalog.store().key(&primary.key.region, &primary.key.id).await?;
        let stored = stored.ok_or_else(|| KmsError::not_found(format!("Key '{}' does not exist", primary.arn)))?;
        check_state(call, &stored)?;
        let replica = replica_of(kms, call, &stored, &scope.region, properties)?;
        crash_point::reached(CrashPoint::InsertReplica);
        match kms.catalog.insert_replica(primary, scope, &stored, &replica, quota).await {
            Ok(()) => return Ok(replica),
            Err(StoreError::Conflict) => conflicts.wait().await?,
            Err(StoreError::Duplicate(UniqueConstraint::KeyId)) => return Err(already_exists(&replica)),
            Err(StoreError::QuotaExceeded { current }) => {
                let message = exceeded_message("KMS keys", quota, current);
                return Err(KmsError::new(Exception::LimitExceeded, message));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// The new key. Shared with the primary key are ID, key spec, key usage, origin, material and rotation (KMS core digest 5.7).
fn replica_of(
    kms: &Kms,
    call: &Call<'_>,
    primary: &Key,
    region: &Region,
    properties: &Properties,
) -> Result<Key, KmsError> {
    let until = call.now.plus(kms.settings.key_transition_min);
    let mut replica = Key {
        region: region.clone(),
        created: call.now,
        description: properties.description.clone(),
        multi_region: primary.multi_region.as_ref().map(|set| set.of_new_replica(region)),
        status: KeyStatus::Enabled,
        transition: Some(Transition { kind: TransitionKind::Creating, until }),
        tags: properties.tags.clone(),
        materials: Vec::new(),
        revision: 1,
        ..primary.clone()
    };
    properties.policy.put_into(&mut replica);
    replica.materials = match primary.origin {
        KeyOrigin::External => materials_to_import(primary),
        KeyOrigin::AwsKms | KeyOrigin::ExternalKeyStore { .. } | KeyOrigin::AwsCloudhsm { .. } => {
            materials_for(kms, primary, &replica)?
        }
    };
    Ok(replica)
}

/// The same materials, sealed for the replica.
fn materials_for(kms: &Kms, primary: &Key, replica: &Key) -> Result<Vec<KeyMaterialRecord>, KmsError> {
    let (from, to) = (primary.arn().to_string(), replica.arn().to_string());
    let resealed = primary.materials.iter().map(|material| {
        let reseal = |sealed| kms.catalog.reseal_material(&from, &to, &material.id, sealed, &*kms.entropy);
        Ok(KeyMaterialRecord { sealed: material.sealed.as_ref().map(reseal).transpose()?, ..material.clone() })
    });
    resealed.collect()
}

/// Imported material is never copied: the replica knows which ones ciphertexts may need, and waits for the owner to import each (KMS
/// Developer Guide, "Importing key material into multi-Region keys"). Ciphertexts do not need what waits for a rotation; the primary key
/// alone knows that.
fn materials_to_import(primary: &Key) -> Vec<KeyMaterialRecord> {
    let permanent = primary.materials.iter().filter(|material| material.state.is_permanent());
    let import = || Some(Import { valid_to: None, description: None });
    permanent.map(|material| KeyMaterialRecord { sealed: None, import: import(), ..material.clone() }).collect()
}

/// The text is unverified.
fn already_exists(replica: &Key) -> KmsError {
    KmsError::new(Exception::AlreadyExists, format!("Key '{}' already exists", replica.arn()))
}

/// What is recorded in the Region of the replica. Which members AWS records there is unverified: those of a CreateKey.
fn create_key_parameters(replica: &Key, request: &ReplicateKeyRequest) -> Value {
    let mut parameters = json!({
        "description": replica.description,
        "keySpec": replica.spec,
        "customerMasterKeySpec": replica.spec,
        "keyUsage": replica.usage,
        "origin": replica.origin.origin_type(),
        "multiRegion": true,
        "bypassPolicyLockoutSafetyCheck": request.bypass_policy_lockout_safety_check.unwrap_or(false),
        "tags": replica.tags.iter().map(recorded_tag).collect::<Vec<_>>(),
    });
    if let (Some(policy), Value::Object(parameters)) = (&request.policy, &mut parameters) {
        parameters.insert("policy".to_owned(), policy.as_str().into());
    }
    parameters
}

fn recorded_tag(tag: &Tag) -> Value {
    json!({ "tagKey": tag.tag_key, "tagValue": tag.tag_value })
}
