//! CreateCustomKeyStore.

use keystead_model::SecretString;
use keystead_model::arn::CustomKeyStoreId;
use keystead_model::kms::{
    CreateCustomKeyStoreRequest, CreateCustomKeyStoreResponse, CustomKeyStoreType, XksProxyConnectivity,
};

use super::cloudhsm_key_store_settings::{
    ClusterSettings, check_active, check_configuration, check_not_in_use, check_trust_anchor, cluster_certificate,
    existing_cluster,
};
use super::custom_key_store_settings::{
    check_name, check_quota, other_key_stores, refuse_foreign_parameters, required, store_failure,
};
use super::external_key_store_settings::{
    check_endpoint, check_health, check_path, check_uri, vpc_endpoint_service_unsupported,
};
use super::key_lookup::authorized_account;
use crate::access::{Authorized, KmsScope};
use crate::error::KmsError;
use crate::key_store::{
    CloudHsmKeyStore, ConnectionState, CustomKeyStore, CustomKeyStoreKind, ExternalKeyStore, KmsUserPasswords, copy_of,
    same_secret,
};
use crate::kms::{Call, Kms};
use crate::port::StoreError;
use crate::sealing::SealedRecord;

/// Creates a custom key store of either type. It is DISCONNECTED at first.
pub(super) async fn create_custom_key_store(
    kms: &Kms,
    call: &mut Call<'_>,
    request: CreateCustomKeyStoreRequest,
) -> Result<CreateCustomKeyStoreResponse, KmsError> {
    let scope = authorized_account(call)?;
    let custom_key_store_id = match request.custom_key_store_type.unwrap_or(CustomKeyStoreType::AwsCloudhsm) {
        CustomKeyStoreType::AwsCloudhsm => create_cloud_hsm(kms, call, &scope, request).await?,
        CustomKeyStoreType::ExternalKeyStore => create_external(kms, call, &scope, request).await?,
    };
    Ok(CreateCustomKeyStoreResponse { custom_key_store_id })
}

/// Creates an AWS CloudHSM key store. The password is not tried, nor whether there is a kmsuser: connecting tells.
///
/// The order (CloudHSM key stores digest 1.2, unverified): shape, parameters of the type, the same key store again, name, quota, cluster,
/// its state, its use, trust anchor, configuration, store.
async fn create_cloud_hsm(
    kms: &Kms,
    call: &Call<'_>,
    scope: &Authorized<KmsScope>,
    request: CreateCustomKeyStoreRequest,
) -> Result<CustomKeyStoreId, KmsError> {
    let name = request.custom_key_store_name.clone();
    let settings = ClusterSettings::read(request)?;
    let others = other_key_stores(kms, scope, None).await?;
    if let Some(same) = same_again(kms, &others, &name, &settings)? {
        return Ok(same);
    }
    check_name(&others, &name)?;
    check_quota(kms, &others)?;
    let cluster = existing_cluster(kms, &scope.account, &scope.region, &settings.cluster_id).await?;
    check_active(&cluster)?;
    let cluster_certificate = cluster_certificate(&cluster)?;
    check_not_in_use(&others, &cluster, &cluster_certificate)?;
    check_trust_anchor(&cluster, &settings.trust_anchor)?;
    check_configuration(kms, &cluster).await?;

    let id = new_id(kms);
    let passwords = KmsUserPasswords::new(copy_of(&settings.password));
    let kind = CustomKeyStoreKind::CloudHsm(CloudHsmKeyStore {
        cluster_id: settings.cluster_id.clone(),
        trust_anchor: settings.trust_anchor.clone(),
        cluster_certificate,
        sealed_passwords: kms.catalog.seal_kms_user_passwords(&id, &passwords, &*kms.entropy)?,
    });
    let key_store = new_key_store(call, scope, id, name, kind);
    match kms.catalog.insert_key_store(scope, &key_store, kms.settings.resource_quotas.custom_key_stores).await {
        Ok(()) => Ok(key_store.id),
        Err(error @ StoreError::Duplicate(_)) => {
            // The same request may have come twice at the same time.
            let others = other_key_stores(kms, scope, None).await?;
            let same = same_again(kms, &others, &key_store.name, &settings)?;
            same.ok_or_else(|| store_failure(kms, error, &key_store))
        }
        Err(error) => Err(store_failure(kms, error, &key_store)),
    }
}

/// A disconnected key store that has all the same properties: no other one is made then. That the password is one of them is unverified.
fn same_again(
    kms: &Kms,
    others: &[CustomKeyStore],
    name: &str,
    settings: &ClusterSettings,
) -> Result<Option<CustomKeyStoreId>, KmsError> {
    for other in others.iter().filter(|other| other.connection == ConnectionState::Disconnected && other.name == name) {
        let Some(cloud_hsm) = other.cloud_hsm().filter(|cloud_hsm| settings.are_those_of(cloud_hsm)) else { continue };
        let passwords = kms.catalog.kms_user_passwords(&other.id, cloud_hsm)?;
        if same_secret(&passwords.current, &settings.password) {
            return Ok(Some(other.id.clone()));
        }
    }
    Ok(None)
}

/// Creates an external key store, once its proxy has answered.
///
/// The order (external key stores digest 3.3): shape, quota, name, URI, health of the proxy, store.
async fn create_external(
    kms: &Kms,
    call: &Call<'_>,
    scope: &Authorized<KmsScope>,
    request: CreateCustomKeyStoreRequest,
) -> Result<CustomKeyStoreId, KmsError> {
    let settings = proxy_settings(request)?;
    let others = other_key_stores(kms, scope, None).await?;
    check_quota(kms, &others)?;
    check_name(&others, &settings.name)?;
    check_uri(&others, &settings.uri_endpoint, &settings.uri_path)?;

    let id = new_id(kms);
    let record = SealedRecord::XksProxyCredential(id.as_str());
    let sealed = kms.catalog.root_key().seal(record, settings.secret_access_key.expose().as_bytes(), &*kms.entropy)?;
    let external = ExternalKeyStore {
        connectivity: XksProxyConnectivity::PublicEndpoint,
        uri_endpoint: settings.uri_endpoint,
        uri_path: settings.uri_path,
        access_key_id: settings.access_key_id,
        sealed_secret_access_key: sealed,
        credential_set: call.now,
    };
    check_health(kms, call, &scope.region, &external, settings.secret_access_key).await?;
    let key_store = new_key_store(call, scope, id, settings.name, CustomKeyStoreKind::External(external));
    kms.catalog
        .insert_key_store(scope, &key_store, kms.settings.resource_quotas.custom_key_stores)
        .await
        .map_err(|error| store_failure(kms, error, &key_store))?;
    Ok(key_store.id)
}

fn new_id(kms: &Kms) -> CustomKeyStoreId {
    let mut random = [0; 9];
    kms.entropy.fill(&mut random);
    CustomKeyStoreId::from_random(random)
}

fn new_key_store(
    call: &Call<'_>,
    scope: &KmsScope,
    id: CustomKeyStoreId,
    name: String,
    kind: CustomKeyStoreKind,
) -> CustomKeyStore {
    CustomKeyStore {
        account: scope.account,
        region: scope.region.clone(),
        id,
        name,
        created: call.now,
        kind,
        connection: ConnectionState::Disconnected,
        revision: 1,
    }
}

struct ProxySettings {
    name: String,
    uri_endpoint: String,
    uri_path: String,
    access_key_id: String,
    secret_access_key: SecretString,
}

/// Which exception AWS gives for a wrong combination of parameters is unverified: `ValidationException` here.
fn proxy_settings(request: CreateCustomKeyStoreRequest) -> Result<ProxySettings, KmsError> {
    refuse_foreign_parameters(
        CustomKeyStoreType::ExternalKeyStore,
        &[
            ("CloudHsmClusterId", request.cloud_hsm_cluster_id.is_some()),
            ("TrustAnchorCertificate", request.trust_anchor_certificate.is_some()),
            ("KeyStorePassword", request.key_store_password.is_some()),
        ],
    )?;
    let required = |member: &str| required(CustomKeyStoreType::ExternalKeyStore, member);
    match request.xks_proxy_connectivity.ok_or_else(|| required("XksProxyConnectivity"))? {
        XksProxyConnectivity::PublicEndpoint => {}
        XksProxyConnectivity::VpcEndpointService => return Err(vpc_endpoint_service_unsupported()),
    }
    for (name, given) in [
        ("XksProxyVpcEndpointServiceName", request.xks_proxy_vpc_endpoint_service_name.is_some()),
        ("XksProxyVpcEndpointServiceOwner", request.xks_proxy_vpc_endpoint_service_owner.is_some()),
    ] {
        if given {
            return Err(KmsError::validation(format!(
                "{name} is only valid with XksProxyConnectivity VPC_ENDPOINT_SERVICE."
            )));
        }
    }
    let uri_endpoint = request.xks_proxy_uri_endpoint.ok_or_else(|| required("XksProxyUriEndpoint"))?;
    let uri_path = request.xks_proxy_uri_path.ok_or_else(|| required("XksProxyUriPath"))?;
    let credential =
        request.xks_proxy_authentication_credential.ok_or_else(|| required("XksProxyAuthenticationCredential"))?;
    check_endpoint(&uri_endpoint)?;
    check_path(&uri_path)?;
    Ok(ProxySettings {
        name: request.custom_key_store_name,
        uri_endpoint,
        uri_path,
        access_key_id: credential.access_key_id,
        secret_access_key: credential.raw_secret_access_key,
    })
}
