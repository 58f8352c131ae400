//! Where a new key is to live: with KMS alone, in an external key store, or in an AWS CloudHSM key store.

use std::sync::Arc;

use keystead_model::arn::{CustomKeyStoreId, KeyArn, KeyId};
use keystead_model::kms::{CreateKeyRequest, Exception, OriginType};

use super::cloudhsm_key_store_settings::check_zones;
use super::custom_key_store_lookup::{invalid_state, key_store_of_account};
use super::external_key_store_settings::check_uri_length;
use crate::access::{Authorized, KmsScope};
use crate::catalog::{LoadedKeyStore, LoadedLink};
use crate::error::{KmsError, cause};
use crate::key::{KeyOrigin, discard_backing_key, generate_backing_key};
use crate::key_store::{CustomKeyStore, HsmFailure, KEY_STORE_NOT_CONNECTED_MESSAGE, ProxyFailure};
use crate::kms::{Call, Kms};
use crate::port::{CallMetadata, ExternalKeyMetadata};

/// Where a new key is to live.
pub(super) struct Home {
    pub(super) origin: KeyOrigin,
    pub(super) key_store: Option<Arc<LoadedKeyStore>>,
}

impl Home {
    /// Finds the place that the request names, and has HSMs make the material, or checks the external key, if it is one of theirs.
    pub(super) async fn of_request(
        kms: &Kms,
        call: &mut Call<'_>,
        scope: &Authorized<KmsScope>,
        request: &CreateKeyRequest,
        key_id: KeyId,
    ) -> Result<Self, KmsError> {
        match request.origin.unwrap_or(OriginType::AwsKms) {
            OriginType::AwsKms => in_no_key_store(request, KeyOrigin::AwsKms),
            OriginType::External => in_no_key_store(request, KeyOrigin::External),
            OriginType::ExternalKeyStore => in_external_key_store(kms, call, scope, request).await,
            OriginType::AwsCloudhsm => in_cloudhsm_key_store(kms, call, scope, request, key_id).await,
        }
    }

    /// The key could not be stored: what was made for it elsewhere goes.
    pub(super) async fn give_up(&self, kms: &Kms) {
        let link = self.key_store.as_ref().map(|key_store| &key_store.link);
        if let (KeyOrigin::AwsCloudhsm { backing_key_id, .. }, Some(LoadedLink::CloudHsm(link))) = (&self.origin, link)
        {
            discard_backing_key(kms, link, backing_key_id).await;
        }
    }
}

fn in_no_key_store(request: &CreateKeyRequest, origin: KeyOrigin) -> Result<Home, KmsError> {
    if request.xks_key_id.is_some() {
        return Err(KmsError::validation("XksKeyId is only valid with Origin EXTERNAL_KEY_STORE."));
    }
    if request.custom_key_store_id.is_some() {
        return Err(KmsError::validation(
            "CustomKeyStoreId is only valid with Origin AWS_CLOUDHSM or EXTERNAL_KEY_STORE.",
        ));
    }
    Ok(Home { origin, key_store: None })
}

/// Has the HSMs make the key material (CloudHSM key stores digest 3.1). Which exceptions AWS gives for wrong combinations is unverified.
async fn in_cloudhsm_key_store(
    kms: &Kms,
    call: &mut Call<'_>,
    scope: &Authorized<KmsScope>,
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
    scope: &Authorized<KmsScope>,
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
    let endpoint = call.caller.origin.vpc_endpoint.as_deref();
    let metadata = CallMetadata {
        kms_request_id: &call.caller.origin.request_id,
        kms_operation: call.operation.name,
        aws_principal_arn: Some(&call.caller.principal.arn),
        aws_source_vpc: endpoint.map(|endpoint| endpoint.vpc_id.as_str()),
        aws_source_vpce: endpoint.map(|endpoint| endpoint.vpc_endpoint_id.as_str()),
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
