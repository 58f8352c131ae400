//! UpdateCustomKeyStore.

use keystead_model::SecretString;
use keystead_model::kms::{UpdateCustomKeyStoreRequest, XksProxyConnectivity};

use super::custom_key_store_lookup::{invalid_state, not_found, stored_key_store};
use super::external_key_store_settings::{
    check_endpoint, check_health, check_path, check_unique, other_key_stores, refuse_cloudhsm_parameters,
    store_failure, vpc_endpoint_service_unsupported,
};
use super::key_lookup::authorized_account;
use crate::catalog::Conflicts;
use crate::error::KmsError;
use crate::key_store::{ConnectionState, CustomKeyStore};
use crate::kms::{Call, Kms};
use crate::port::StoreError;
use crate::sealing::SealedRecord;

/// When a property may be changed (external key stores digest 3.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Editable {
    /// Name, credential, path. In CONNECTING, DISCONNECTING and FAILED unverified: FAILED allows the repair, the transient states do not.
    UnlessTransient,
    /// Endpoint, connectivity.
    WhenDisconnected,
}

impl Editable {
    fn allowed_in(self, state: ConnectionState) -> bool {
        match self {
            Self::UnlessTransient => !state.is_transient(),
            Self::WhenDisconnected => state == ConnectionState::Disconnected,
        }
    }
}

/// Changes properties of an external key store, all or none, once the proxy has answered under the new ones.
pub(super) async fn update_custom_key_store(
    kms: &Kms,
    call: &mut Call<'_>,
    request: UpdateCustomKeyStoreRequest,
) -> Result<(), KmsError> {
    let scope = authorized_account(kms, call)?;
    check_parameters(&request)?;
    let id = &request.custom_key_store_id;
    let mut conflicts = Conflicts::new(&*kms.entropy);
    loop {
        let mut key_store = stored_key_store(kms, &scope, id).await?;
        call.note("customKeyStoreName", key_store.name.as_str());
        check_state(&request, &key_store)?;
        apply(kms, call, &request, &mut key_store)?;
        let others = other_key_stores(kms, &scope, Some(id)).await?;
        let external = &key_store.external;
        check_unique(&others, &key_store.name, &external.uri_endpoint, &external.uri_path)?;
        // Whether a change of the name alone asks the proxy is unverified; it does not here.
        if changes_proxy(&request) {
            let secret = secret_access_key(kms, &request, &key_store)?;
            check_health(kms, call, &key_store.region, external, secret).await?;
        }
        match kms.catalog.update_key_store(&key_store).await {
            Ok(()) => return Ok(()),
            Err(StoreError::Conflict) => conflicts.wait().await?,
            Err(StoreError::NotFound) => return Err(not_found(id)),
            Err(error) => return Err(store_failure(error, &key_store)),
        }
    }
}

/// What can be refused without looking at the key store.
fn check_parameters(request: &UpdateCustomKeyStoreRequest) -> Result<(), KmsError> {
    refuse_cloudhsm_parameters(&[
        ("CloudHsmClusterId", request.cloud_hsm_cluster_id.is_some()),
        ("KeyStorePassword", request.key_store_password.is_some()),
    ])?;
    if request.xks_proxy_connectivity == Some(XksProxyConnectivity::VpcEndpointService) {
        return Err(vpc_endpoint_service_unsupported());
    }
    // An empty service name goes with the change to PUBLIC_ENDPOINT.
    let service_name = request.xks_proxy_vpc_endpoint_service_name.as_ref().is_some_and(|name| !name.is_empty());
    if service_name || request.xks_proxy_vpc_endpoint_service_owner.is_some() {
        return Err(KmsError::validation(
            "XksProxyVpcEndpointServiceName and XksProxyVpcEndpointServiceOwner are only valid with XksProxyConnectivity VPC_ENDPOINT_SERVICE.",
        ));
    }
    if let Some(endpoint) = &request.xks_proxy_uri_endpoint {
        check_endpoint(endpoint)?;
    }
    if let Some(path) = &request.xks_proxy_uri_path {
        check_path(path)?;
    }
    if request.new_custom_key_store_name.is_none() && !changes_proxy(request) {
        // What AWS answers to an update of nothing is unverified.
        return Err(KmsError::validation("Specify at least one property of the custom key store to update."));
    }
    Ok(())
}

fn changes_proxy(request: &UpdateCustomKeyStoreRequest) -> bool {
    request.xks_proxy_authentication_credential.is_some()
        || request.xks_proxy_uri_path.is_some()
        || request.xks_proxy_uri_endpoint.is_some()
        || request.xks_proxy_connectivity.is_some()
}

fn check_state(request: &UpdateCustomKeyStoreRequest, key_store: &CustomKeyStore) -> Result<(), KmsError> {
    let properties = [
        ("NewCustomKeyStoreName", request.new_custom_key_store_name.is_some(), Editable::UnlessTransient),
        (
            "XksProxyAuthenticationCredential",
            request.xks_proxy_authentication_credential.is_some(),
            Editable::UnlessTransient,
        ),
        ("XksProxyUriPath", request.xks_proxy_uri_path.is_some(), Editable::UnlessTransient),
        ("XksProxyUriEndpoint", request.xks_proxy_uri_endpoint.is_some(), Editable::WhenDisconnected),
        ("XksProxyConnectivity", request.xks_proxy_connectivity.is_some(), Editable::WhenDisconnected),
    ];
    for (name, given, editable) in properties {
        if given && !editable.allowed_in(key_store.connection) {
            let when = match editable {
                Editable::UnlessTransient => "when it is CONNECTED, DISCONNECTED or FAILED",
                Editable::WhenDisconnected => "when it is DISCONNECTED",
            };
            return Err(invalid_state(key_store, &format!("{name} can be changed {when}.")));
        }
    }
    Ok(())
}

fn apply(
    kms: &Kms,
    call: &Call<'_>,
    request: &UpdateCustomKeyStoreRequest,
    key_store: &mut CustomKeyStore,
) -> Result<(), KmsError> {
    if let Some(name) = &request.new_custom_key_store_name {
        key_store.name.clone_from(name);
    }
    let external = &mut key_store.external;
    if let Some(endpoint) = &request.xks_proxy_uri_endpoint {
        external.uri_endpoint.clone_from(endpoint);
    }
    if let Some(path) = &request.xks_proxy_uri_path {
        external.uri_path.clone_from(path);
    }
    if let Some(connectivity) = request.xks_proxy_connectivity {
        external.connectivity = connectivity;
    }
    if let Some(credential) = &request.xks_proxy_authentication_credential {
        let record = SealedRecord::XksProxyCredential(key_store.id.as_str());
        let secret = credential.raw_secret_access_key.expose().as_bytes();
        external.sealed_secret_access_key = kms.catalog.root_key().seal(record, secret, &*kms.entropy)?;
        external.access_key_id.clone_from(&credential.access_key_id);
        external.credential_set = call.now;
    }
    Ok(())
}

/// The new secret, or the stored one.
fn secret_access_key(
    kms: &Kms,
    request: &UpdateCustomKeyStoreRequest,
    key_store: &CustomKeyStore,
) -> Result<SecretString, KmsError> {
    match &request.xks_proxy_authentication_credential {
        Some(credential) => Ok(SecretString::from(credential.raw_secret_access_key.expose().to_owned())),
        None => kms.catalog.proxy_secret(key_store),
    }
}
