//! CreateKey.

use keystead_model::arn::{AccountId, KeyArn, KeyId};
use keystead_model::kms::{
    CreateKeyRequest, CreateKeyResponse, Exception, KeySpec, KeyUsageType, MultiRegionKeyType, OriginType, Tag,
};

use super::custom_key_store_lookup::not_found;
use super::key_lookup::authorized_account;
use super::key_metadata::key_metadata;
use super::new_key::NewKey;
use super::new_key_home::Home;
use super::new_key_type::NewKeyType;
use super::policy::{CheckedPolicy, policy_of_new_key};
use super::tags::check_tags;
use crate::access::{AllKeys, KmsScope, Subject};
use crate::audit::AuditResource;
use crate::catalog::Conflicts;
use crate::crash_point::{self, CrashPoint};
use crate::error::KmsError;
use crate::key::{
    EffectiveState, Key, KeyFacts, KeyMaterialRecord, KeyOrigin, KeyStatus, MaterialId, MultiRegion, RotationSettings,
    generate_material,
};
use crate::kms::{Call, Kms};
use crate::port::{StoreError, UniqueConstraint};
use crate::quota::exceeded_message;

/// Creates a key of any type: with material of its own, without any until it is imported, in an external key store, or with material in
/// HSMs.
pub(super) async fn create_key(
    kms: &Kms,
    call: &mut Call<'_>,
    request: CreateKeyRequest,
) -> Result<CreateKeyResponse, KmsError> {
    let scope = authorized_account(call)?;
    if request.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
        // Tags at creation need this leave, too.
        call.authorize("kms:TagResource", Subject::Region, AllKeys(KmsScope::clone(&scope)))?;
    }
    note_defaults(call, &request);
    let key_type = NewKeyType::of_request(&request)?;
    let tags = request.tags.clone().unwrap_or_default();
    check_tags(&tags)?;
    let new_key_of_caller = NewKey { scope: &scope, facts: facts_of_new_key(&request, key_type, &tags) };
    let policy = policy_of_new_key(
        kms,
        call,
        &new_key_of_caller,
        request.policy.as_deref(),
        request.bypass_policy_lockout_safety_check,
    )
    .await?;
    let properties =
        Properties { key_type, description: request.description.clone().unwrap_or_default(), policy, tags };
    let mut conflicts = Conflicts::new(&*kms.entropy);
    let (key, home) = loop {
        let id = new_key_id(kms, key_type.multi_region);
        let home = Home::of_request(kms, call, &scope, &request, id).await?;
        let key = new_key(kms, call, &scope, id, home.origin.clone(), properties.clone()).await?;
        crash_point::reached(CrashPoint::CreateKeyInsert);
        let Err(error) = kms.catalog.insert_key(&scope, &key, kms.settings.resource_quotas.kms_keys).await else {
            break (key, home);
        };
        home.give_up(kms).await;
        match error {
            // The key store was disconnected while proxy or HSMs were asked: look again, and say so.
            StoreError::Conflict => conflicts.wait().await?,
            error => return Err(insert_failure(kms, error, &key)),
        }
    };
    crash_point::reached(CrashPoint::CreateKeyInserted);
    call.note_resource(AuditResource::key(&key.account, &key.arn().to_string()));
    let key_store = home.key_store.as_ref().map(|loaded| &loaded.key_store);
    // Its key store was connected when it was stored.
    let state = EffectiveState::of(&key, true, call.now);
    Ok(CreateKeyResponse { key_metadata: key_metadata(&key, state, key_store, call.now) })
}

/// What CloudTrail records of a CreateKey although the caller left it to its default.
fn note_defaults(call: &mut Call<'_>, request: &CreateKeyRequest) {
    let spec = request.key_spec.or(request.customer_master_key_spec).unwrap_or(KeySpec::SymmetricDefault);
    call.defaulted_parameters.extend([
        ("description", "".into()),
        ("keySpec", spec.as_str().into()),
        ("customerMasterKeySpec", spec.as_str().into()),
        ("keyUsage", KeyUsageType::EncryptDecrypt.as_str().into()),
        ("origin", OriginType::AwsKms.as_str().into()),
        ("multiRegion", false.into()),
        ("bypassPolicyLockoutSafetyCheck", false.into()),
        ("tags", serde_json::Value::Array(Vec::new())),
    ]);
}

fn facts_of_new_key<'a>(request: &CreateKeyRequest, key_type: NewKeyType, tags: &'a [Tag]) -> KeyFacts<'a> {
    KeyFacts {
        spec: key_type.spec,
        usage: key_type.usage,
        origin: request.origin.unwrap_or(OriginType::AwsKms),
        multi_region: key_type.multi_region.then_some(MultiRegionKeyType::Primary),
        tags,
    }
}

/// A single-Region ID, or one that shows a multi-Region key.
fn new_key_id(kms: &Kms, multi_region: bool) -> KeyId {
    let mut random = [0; 16];
    kms.entropy.fill(&mut random);
    if multi_region { KeyId::from_random_multi_region(random) } else { KeyId::from_random(random) }
}

/// What the caller chooses of a key.
#[derive(Clone)]
struct Properties {
    key_type: NewKeyType,
    description: String,
    policy: CheckedPolicy,
    tags: Vec<Tag>,
}

async fn new_key(
    kms: &Kms,
    call: &Call<'_>,
    scope: &KmsScope,
    id: KeyId,
    origin: KeyOrigin,
    properties: Properties,
) -> Result<Key, KmsError> {
    let Properties { key_type, description, policy, tags } = properties;
    let NewKeyType { spec, usage, multi_region } = key_type;
    let arn = KeyArn::new(scope.region.clone(), scope.account, id).to_string();
    let materials = match &origin {
        KeyOrigin::AwsCloudhsm { backing_key_id, .. } => {
            vec![KeyMaterialRecord::first(MaterialId::of_backing_key(id.as_str(), backing_key_id), None)]
        }
        KeyOrigin::AwsKms | KeyOrigin::ExternalKeyStore { .. } => {
            vec![first_material(kms, scope.account, spec, id, &arn).await?]
        }
        KeyOrigin::External => Vec::new(),
    };
    Ok(Key {
        account: scope.account,
        region: scope.region.clone(),
        id,
        created: call.now,
        description,
        spec,
        usage,
        origin,
        multi_region: multi_region.then(|| MultiRegion::new_primary(scope.region.clone())),
        status: KeyStatus::Enabled,
        transition: None,
        policy: policy.text,
        policy_principals: policy.principals,
        tags,
        materials,
        rotation: RotationSettings::default(),
        revision: 1,
    })
}

async fn first_material(
    kms: &Kms,
    account: AccountId,
    spec: KeySpec,
    id: KeyId,
    arn: &str,
) -> Result<KeyMaterialRecord, KmsError> {
    let material = generate_material(kms, account, spec).await?;
    let bytes = material.expose().map_err(|error| KmsError::internal(&error))?;
    let material_id = MaterialId::derive(id.as_str(), &bytes);
    let sealed = kms.catalog.seal_material(arn, &material_id, &material, &*kms.entropy)?;
    Ok(KeyMaterialRecord::first(material_id, Some(sealed)))
}

/// Texts other than the quota's shape are unverified.
fn insert_failure(kms: &Kms, error: StoreError, key: &Key) -> KmsError {
    match (error, &key.origin) {
        (
            StoreError::Duplicate(UniqueConstraint::XksKeyId),
            KeyOrigin::ExternalKeyStore { xks_key_id, custom_key_store_id },
        ) => KmsError::new(
            Exception::XksKeyAlreadyInUse,
            format!(
                "External key {xks_key_id} is already associated with a KMS key in custom key store {custom_key_store_id}."
            ),
        ),
        (
            StoreError::NotFound,
            KeyOrigin::ExternalKeyStore { custom_key_store_id, .. }
            | KeyOrigin::AwsCloudhsm { custom_key_store_id, .. },
        ) => not_found(custom_key_store_id),
        (StoreError::QuotaExceeded { current }, _) => KmsError::new(
            Exception::LimitExceeded,
            exceeded_message("KMS keys", kms.settings.resource_quotas.kms_keys, current),
        ),
        (error, _) => error.into(),
    }
}
