//! CreateKey.

use std::sync::Arc;

use keystead_model::arn::{CustomKeyStoreId, KeyArn, KeyId};
use keystead_model::kms::{CreateKeyRequest, CreateKeyResponse, Exception, KeySpec, KeyUsageType, OriginType, Tag};

use super::cloudhsm_key_store_settings::check_zones;
use super::custom_key_store_lookup::{invalid_state, key_store_of_account, not_found};
use super::external_key_store_settings::check_uri_length;
use super::key_lookup::authorized_account;
use super::key_metadata::key_metadata;
use super::policy::{check_policy, default_policy};
use super::tags::check_tags;
use crate::access::{AccountScope, Authorized, authorize};
use crate::audit::AuditResource;
use crate::catalog::{Conflicts, LoadedKeyStore, LoadedLink};
use crate::crash_point::{self, CrashPoint};
use crate::error::{KmsError, cause};
use crate::key::{
    EffectiveState, Key, KeyMaterial, KeyMaterialRecord, KeyOrigin, KeyStatus, MaterialId, discard_backing_key,
    generate_backing_key,
};
use crate::key_store::{CustomKeyStore, HsmFailure, KEY_STORE_NOT_CONNECTED_MESSAGE, ProxyFailure};
use crate::kms::{Call, Kms};
use crate::port::{CallMetadata, ExternalKeyMetadata, StoreError, UniqueConstraint};
use crate::quota::{KMS_KEYS, exceeded_message};
use crate::sealing::SealedRecord;

/// Creates a symmetric encryption key with material of its own, in an external key store if asked to, or with material in HSMs.
pub(super) async fn create_key(
    kms: &Kms,
    call: &mut Call<'_>,
    request: CreateKeyRequest,
) -> Result<CreateKeyResponse, KmsError> {
    let scope = authorized_account(kms, call)?;
    if request.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
        // Tags at creation need this leave, too, on all keys of the account (KMS core digest 2.2).
        authorize(&call.caller.principal, "kms:TagResource", scope.clone(), &call.context())?;
    }
    note_defaults(call);
    check_key_type(&request)?;
    let tags = request.tags.clone().unwrap_or_default();
    check_tags(&tags)?;
    let policy = match &request.policy {
        Some(policy) => check_policy(policy).map(|()| policy.clone())?,
        None => default_policy(&scope.account),
    };
    let properties = Properties { description: request.description.clone().unwrap_or_default(), policy, tags };
    let mut conflicts = Conflicts::new(&*kms.entropy);
    let (key, home) = loop {
        let id = new_key_id(kms);
        let home = match request.origin.unwrap_or(OriginType::AwsKms) {
            OriginType::AwsKms => in_no_key_store(&request)?,
            OriginType::ExternalKeyStore => in_external_key_store(kms, call, &scope, &request).await?,
            OriginType::AwsCloudhsm => in_cloudhsm_key_store(kms, call, &scope, &request, id).await?,
            OriginType::External => {
                return Err(KmsError::unsupported("Origin EXTERNAL is not served by this version of Keystead."));
            }
        };
        let key = new_key(kms, call, &scope, id, home.origin.clone(), properties.clone())?;
        crash_point::reached(CrashPoint::CreateKeyInsert);
        let Err(error) = kms.catalog.insert_key(&key, KMS_KEYS).await else { break (key, home) };
        home.give_up(kms).await;
        match error {
            // The key store was disconnected while proxy or HSMs were asked: look again, and say so.
            StoreError::Conflict => conflicts.wait().await?,
            error => return Err(insert_failure(error, &key)),
        }
    };
    crash_point::reached(CrashPoint::CreateKeyInserted);
    call.note_resource(AuditResource::key(&key.account, &key.arn().to_string()));
    let key_store = home.key_store.as_ref().map(|loaded| &loaded.key_store);
    Ok(CreateKeyResponse { key_metadata: key_metadata(&key, EffectiveState::Enabled, key_store) })
}

/// Where a new key is to live.
struct Home {
    origin: KeyOrigin,
    key_store: Option<Arc<LoadedKeyStore>>,
}

impl Home {
    /// The key could not be stored: what was made for it elsewhere goes.
    async fn give_up(&self, kms: &Kms) {
        let link = self.key_store.as_ref().map(|key_store| &key_store.link);
        if let (KeyOrigin::AwsCloudhsm { backing_key_id, .. }, Some(LoadedLink::CloudHsm(link))) = (&self.origin, link)
        {
            discard_backing_key(kms, link, backing_key_id).await;
        }
    }
}

/// What CloudTrail records of a CreateKey although the caller left it to its default.
fn note_defaults(call: &mut Call<'_>) {
    call.defaulted_parameters.extend([
        ("description", "".into()),
        ("keySpec", KeySpec::SymmetricDefault.as_str().into()),
        ("customerMasterKeySpec", KeySpec::SymmetricDefault.as_str().into()),
        ("keyUsage", KeyUsageType::EncryptDecrypt.as_str().into()),
        ("origin", OriginType::AwsKms.as_str().into()),
        ("multiRegion", false.into()),
        ("bypassPolicyLockoutSafetyCheck", false.into()),
        ("tags", serde_json::Value::Array(Vec::new())),
    ]);
}

/// Symmetric encryption keys of one Region are what this version makes.
fn check_key_type(request: &CreateKeyRequest) -> Result<(), KmsError> {
    let spec = match (request.key_spec, request.customer_master_key_spec) {
        (Some(_), Some(_)) => {
            return Err(KmsError::validation(
                "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.",
            ));
        }
        (Some(spec), None) | (None, Some(spec)) => spec,
        (None, None) => KeySpec::SymmetricDefault,
    };
    let usage = match (request.key_usage, spec) {
        (Some(usage), _) => usage,
        (None, KeySpec::SymmetricDefault) => KeyUsageType::EncryptDecrypt,
        (None, _) => {
            return Err(KmsError::validation(
                "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
            ));
        }
    };
    if spec != KeySpec::SymmetricDefault {
        let what = match request.origin {
            Some(OriginType::ExternalKeyStore | OriginType::AwsCloudhsm) => {
                "is not supported in a custom key store: use SYMMETRIC_DEFAULT."
            }
            _ => "is not served by this version of Keystead.",
        };
        return Err(KmsError::unsupported(format!("KeySpec {spec} {what}")));
    }
    if usage != KeyUsageType::EncryptDecrypt {
        if request.origin == Some(OriginType::AwsCloudhsm) {
            return Err(KmsError::unsupported(format!(
                "KeyUsage {usage} is not supported in an AWS CloudHSM key store: use ENCRYPT_DECRYPT."
            )));
        }
        return Err(KmsError::validation(format!("KeyUsage {usage} is not compatible with KeySpec {spec}")));
    }
    if request.multi_region == Some(true) {
        return Err(KmsError::unsupported(match request.origin {
            Some(OriginType::ExternalKeyStore) => "A key in an external key store cannot be a multi-Region key.",
            Some(OriginType::AwsCloudhsm) => "A key in an AWS CloudHSM key store cannot be a multi-Region key.",
            _ => "MultiRegion is not served by this version of Keystead.",
        }));
    }
    Ok(())
}

fn in_no_key_store(request: &CreateKeyRequest) -> Result<Home, KmsError> {
    if request.xks_key_id.is_some() {
        return Err(KmsError::validation("XksKeyId is only valid with Origin EXTERNAL_KEY_STORE."));
    }
    if request.custom_key_store_id.is_some() {
        return Err(KmsError::validation(
            "CustomKeyStoreId is only valid with Origin AWS_CLOUDHSM or EXTERNAL_KEY_STORE.",
        ));
    }
    Ok(Home { origin: KeyOrigin::AwsKms, key_store: None })
}

/// Has the HSMs make the key material (CloudHSM key stores digest 3.1). Which exceptions AWS gives for wrong combinations is unverified.
async fn in_cloudhsm_key_store(
    kms: &Kms,
    call: &mut Call<'_>,
    scope: &Authorized<AccountScope>,
    request: &CreateKeyRequest,
    key_id: KeyId,
) -> Result<Home, KmsError> {
    if request.xks_key_id.is_some() {
        return Err(KmsError::validation("XksKeyId is only valid with Origin EXTERNAL_KEY_STORE."));
    }
    let id = request.custom_key_store_id.as_ref();
    let id = id.ok_or_else(|| KmsError::validation("CustomKeyStoreId is required with Origin AWS_CLOUDHSM."))?;
    let key_store = key_store_of_account(kms, scope, id).await?;
    let LoadedLink::CloudHsm(link) = &key_store.link else {
        return Err(wrong_type(&key_store.key_store, OriginType::AwsCloudhsm));
    };
    if !key_store.key_store.connection.is_connected() {
        return Err(invalid_state(&key_store.key_store, "Connect it before you create KMS keys in it.")
            .with_cause(cause::KEY_STORE_NOT_CONNECTED));
    }
    let cluster = kms.hsm_clusters.describe_cluster(&link.account, &link.region, &link.cluster_id).await?;
    check_zones(&cluster.ok_or_else(|| KmsError::hsm_create_key(HsmFailure::ClusterNotFound))?)?;
    let label = KeyArn::new(scope.region.clone(), scope.account, key_id).to_string();
    let backing_key_id = generate_backing_key(kms, link, label).await?;
    // A JSON text, as CloudTrail has it; without `keyHandle`: a handle is of one login to one HSM.
    call.note("backingKey", serde_json::json!({ "backingKeyId": backing_key_id.to_string() }).to_string());
    call.note("clusterId", link.cluster_id.as_str());
    let origin = KeyOrigin::AwsCloudhsm { custom_key_store_id: id.clone(), backing_key_id };
    Ok(Home { origin, key_store: Some(key_store) })
}

/// A custom key store of the type that goes with another origin.
fn wrong_type(key_store: &CustomKeyStore, origin: OriginType) -> KmsError {
    KmsError::validation(format!(
        "Custom key store {} is of type {}, which does not go with Origin {origin}.",
        key_store.id,
        key_store.store_type()
    ))
}

/// Checks the external key with the proxy, once: KMS never asks for its metadata again.
async fn in_external_key_store(
    kms: &Kms,
    call: &mut Call<'_>,
    scope: &Authorized<AccountScope>,
    request: &CreateKeyRequest,
) -> Result<Home, KmsError> {
    let required = |member: &str| KmsError::validation(format!("{member} is required with Origin EXTERNAL_KEY_STORE."));
    let id: &CustomKeyStoreId = request.custom_key_store_id.as_ref().ok_or_else(|| required("CustomKeyStoreId"))?;
    let xks_key_id = request.xks_key_id.clone().ok_or_else(|| required("XksKeyId"))?;
    let key_store = key_store_of_account(kms, scope, id).await?;
    let (Some(external), LoadedLink::External(link)) = (key_store.key_store.external(), &key_store.link) else {
        return Err(wrong_type(&key_store.key_store, OriginType::ExternalKeyStore));
    };
    if !key_store.key_store.connection.is_connected() {
        return Err(KmsError::new(Exception::CustomKeyStoreInvalidState, KEY_STORE_NOT_CONNECTED_MESSAGE)
            .with_cause(cause::KEY_STORE_NOT_CONNECTED));
    }
    check_uri_length(&external.uri_endpoint, &external.uri_path, &format!("/keys/{xks_key_id}/metadata"))?;
    let metadata = CallMetadata {
        kms_request_id: &call.caller.origin.request_id,
        kms_operation: call.operation.name,
        aws_principal_arn: Some(&call.caller.principal.arn),
        kms_key_arn: None,
    };
    let external_key = kms.backend.key_metadata(link, &xks_key_id, &metadata).await.map_err(KmsError::create_key)?;
    check_external_key(&external_key)?;
    let origin = KeyOrigin::ExternalKeyStore { custom_key_store_id: id.clone(), xks_key_id };
    Ok(Home { origin, key_store: Some(key_store) })
}

/// The order of the checks, and how a list is printed, are unverified.
fn check_external_key(key: &ExternalKeyMetadata) -> Result<(), KmsError> {
    // What follows repeats these words of the proxy's, so they must be words.
    if !std::iter::once(&key.key_spec).chain(&key.key_usage).chain([&key.key_status]).all(|word| is_word(word)) {
        return Err(KmsError::create_key(ProxyFailure::MalformedResponse));
    }
    let wrong = |message: String, cause: &'static str| {
        Err(KmsError::new(Exception::XksKeyInvalidConfiguration, message).with_cause(cause))
    };
    if key.key_spec != "AES_256" {
        return wrong(
            format!(
                "The key spec of the external key must be AES_256. The key spec of specified external key is {}.",
                key.key_spec
            ),
            cause::EXTERNAL_KEY_SPEC,
        );
    }
    if key.key_status != "ENABLED" {
        return wrong(
            format!(
                "The status of the external key must be ENABLED. The status of specified external key is {}.",
                key.key_status
            ),
            ProxyFailure::InvalidState.row().cause,
        );
    }
    if !["ENCRYPT", "DECRYPT"].iter().all(|usage| key.key_usage.iter().any(|has| has == usage)) {
        return wrong(
            format!(
                "The key usage of the external key must include ENCRYPT and DECRYPT. The key use of specified external key is {}.",
                key.key_usage.join(", ")
            ),
            ProxyFailure::InvalidKeyUsage.row().cause,
        );
    }
    Ok(())
}

/// Upper-case letters, digits and underscores, as the specification's values are.
fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn new_key_id(kms: &Kms) -> KeyId {
    let mut random = [0; 16];
    kms.entropy.fill(&mut random);
    KeyId::from_random(random)
}

/// What the caller chooses of a key.
#[derive(Clone)]
struct Properties {
    description: String,
    policy: String,
    tags: Vec<Tag>,
}

fn new_key(
    kms: &Kms,
    call: &Call<'_>,
    scope: &AccountScope,
    id: KeyId,
    origin: KeyOrigin,
    properties: Properties,
) -> Result<Key, KmsError> {
    let Properties { description, policy, tags } = properties;
    let arn = KeyArn::new(scope.region.clone(), scope.account, id).to_string();
    let material = match &origin {
        KeyOrigin::AwsCloudhsm { backing_key_id, .. } => {
            KeyMaterialRecord { id: MaterialId::of_backing_key(id.as_str(), backing_key_id), sealed: None }
        }
        KeyOrigin::AwsKms | KeyOrigin::ExternalKeyStore { .. } => new_material(kms, id, &arn)?,
    };
    Ok(Key {
        account: scope.account,
        region: scope.region.clone(),
        id,
        created: call.now,
        description,
        origin,
        status: KeyStatus::Enabled,
        policy,
        tags,
        material,
        revision: 1,
    })
}

fn new_material(kms: &Kms, id: KeyId, arn: &str) -> Result<KeyMaterialRecord, KmsError> {
    let material = KeyMaterial::generate(&*kms.entropy);
    let material_id = MaterialId::derive(id.as_str(), &material);
    let name = material_id.to_string();
    let record = SealedRecord::KeyMaterial(arn, &name);
    let sealed = kms.catalog.root_key().seal(record, material.expose(), &*kms.entropy)?;
    Ok(KeyMaterialRecord { id: material_id, sealed: Some(sealed) })
}

/// Texts other than the quota's shape are unverified.
fn insert_failure(error: StoreError, key: &Key) -> KmsError {
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
        (StoreError::QuotaExceeded { current }, _) => {
            KmsError::new(Exception::LimitExceeded, exceeded_message("KMS keys", KMS_KEYS, current))
        }
        (error, _) => error.into(),
    }
}
