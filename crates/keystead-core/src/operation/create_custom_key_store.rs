//! CreateCustomKeyStore.

use keystead_model::SecretString;
use keystead_model::arn::CustomKeyStoreId;
use keystead_model::kms::{
    CreateCustomKeyStoreRequest, CreateCustomKeyStoreResponse, CustomKeyStoreType, XksProxyConnectivity,
};

use super::external_key_store_settings::{
    check_endpoint, check_health, check_path, check_unique, other_key_stores, quota_exceeded,
    refuse_cloudhsm_parameters, store_failure, vpc_endpoint_service_unsupported,
};
use super::key_lookup::authorized_account;
use crate::error::KmsError;
use crate::key_store::{ConnectionState, CustomKeyStore, ExternalKeyStore};
use crate::kms::{Call, Kms};
use crate::quota::CUSTOM_KEY_STORES;
use crate::sealing::SealedRecord;

/// Creates an external key store, once its proxy has answered. It is DISCONNECTED at first.
///
/// The order (external key stores digest 3.3): shape, quota, name, URI, health of the proxy, store.
pub(super) async fn create_custom_key_store(
    kms: &Kms,
    call: &mut Call<'_>,
    request: CreateCustomKeyStoreRequest,
) -> Result<CreateCustomKeyStoreResponse, KmsError> {
    let scope = authorized_account(kms, call)?;
    let settings = proxy_settings(request)?;
    let others = other_key_stores(kms, &scope, None).await?;
    if others.len() as u64 >= CUSTOM_KEY_STORES {
        return Err(quota_exceeded(others.len() as u64));
    }
    check_unique(&others, &settings.name, &settings.uri_endpoint, &settings.uri_path)?;

    let mut random = [0; 9];
    kms.entropy.fill(&mut random);
    let id = CustomKeyStoreId::from_random(random);
    let record = SealedRecord::XksProxyCredential(id.as_str());
    let sealed = kms.catalog.root_key().seal(record, settings.secret_access_key.expose().as_bytes(), &*kms.entropy)?;
    let key_store = CustomKeyStore {
        account: scope.account,
        region: scope.region.clone(),
        id,
        name: settings.name,
        created: call.now,
        external: ExternalKeyStore {
            connectivity: XksProxyConnectivity::PublicEndpoint,
            uri_endpoint: settings.uri_endpoint,
            uri_path: settings.uri_path,
            access_key_id: settings.access_key_id,
            sealed_secret_access_key: sealed,
            credential_set: call.now,
        },
        connection: ConnectionState::Disconnected,
        revision: 1,
    };
    check_health(kms, call, &key_store.region, &key_store.external, settings.secret_access_key).await?;
    let store = kms.catalog.store();
    store
        .insert_custom_key_store(&key_store, CUSTOM_KEY_STORES)
        .await
        .map_err(|error| store_failure(error, &key_store))?;
    Ok(CreateCustomKeyStoreResponse { custom_key_store_id: key_store.id })
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
    if request.custom_key_store_type != Some(CustomKeyStoreType::ExternalKeyStore) {
        return Err(KmsError::unsupported(
            "CustomKeyStoreType AWS_CLOUDHSM, which is the default, is not served by this version of Keystead. Use EXTERNAL_KEY_STORE.",
        ));
    }
    refuse_cloudhsm_parameters(&[
        ("CloudHsmClusterId", request.cloud_hsm_cluster_id.is_some()),
        ("TrustAnchorCertificate", request.trust_anchor_certificate.is_some()),
        ("KeyStorePassword", request.key_store_password.is_some()),
    ])?;
    let required = |member: &str| {
        KmsError::validation(format!("{member} is required for a custom key store of type EXTERNAL_KEY_STORE."))
    };
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
