//! UpdateCustomKeyStore.

use keystead_model::SecretString;
use keystead_model::arn::CustomKeyStoreId;
use keystead_model::kms::{CustomKeyStoreType, UpdateCustomKeyStoreRequest, XksProxyConnectivity};

use super::cloudhsm_key_store_settings::{
    check_active, check_configuration, check_password, check_related, existing_cluster, refuse_external_parameters,
};
use super::custom_key_store_lookup::{invalid_state, not_found, stored_key_store};
use super::custom_key_store_settings::{
    check_name, note_key_store, other_key_stores, refuse_foreign_parameters, store_failure,
};
use super::external_key_store_settings::{
    check_endpoint, check_health, check_path, check_uri, vpc_endpoint_service_unsupported,
};
use super::key_lookup::authorized_account;
use crate::access::{Authorized, KmsScope};
use crate::catalog::Conflicts;
use crate::error::KmsError;
use crate::key_store::{
    CloudHsmKeyStore, ConnectionState, CustomKeyStore, CustomKeyStoreKind, ExternalKeyStore, KmsUserPasswords, copy_of,
    seal_into,
};
use crate::kms::{Call, Kms};
use crate::port::StoreError;
use crate::sealing::SealedRecord;

/// When a property may be changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Editable {
    /// External: name, credential, path. In CONNECTING, DISCONNECTING and FAILED unverified: FAILED allows the repair, the transient
    /// states do not.
    UnlessTransient,
    /// CloudHSM: the name.
    WhenConnectedOrDisconnected,
    /// External: endpoint, connectivity. CloudHSM: cluster, password.
    WhenDisconnected,
}

impl Editable {
    fn allowed_in(self, state: ConnectionState) -> bool {
        match self {
            Self::UnlessTransient => !state.is_transient(),
            Self::WhenConnectedOrDisconnected => {
                matches!(state, ConnectionState::Connected | ConnectionState::Disconnected)
            }
            Self::WhenDisconnected => state == ConnectionState::Disconnected,
        }
    }

    fn when(self) -> &'static str {
        match self {
            Self::UnlessTransient => "when it is CONNECTED, DISCONNECTED or FAILED",
            Self::WhenConnectedOrDisconnected => "when it is CONNECTED or DISCONNECTED",
            Self::WhenDisconnected => "when it is DISCONNECTED",
        }
    }
}

/// The properties that a request changes, and when they may be changed (external key stores digest 3.4, CloudHSM key stores digest 1.3).
fn changes(request: &UpdateCustomKeyStoreRequest, kind: &CustomKeyStoreKind) -> Vec<(&'static str, Editable)> {
    let (name, credential, path) = (
        request.new_custom_key_store_name.is_some(),
        request.xks_proxy_authentication_credential.is_some(),
        request.xks_proxy_uri_path.is_some(),
    );
    let table = match kind {
        CustomKeyStoreKind::External(_) => vec![
            ("NewCustomKeyStoreName", name, Editable::UnlessTransient),
            ("XksProxyAuthenticationCredential", credential, Editable::UnlessTransient),
            ("XksProxyUriPath", path, Editable::UnlessTransient),
            ("XksProxyUriEndpoint", request.xks_proxy_uri_endpoint.is_some(), Editable::WhenDisconnected),
            ("XksProxyConnectivity", request.xks_proxy_connectivity.is_some(), Editable::WhenDisconnected),
        ],
        CustomKeyStoreKind::CloudHsm(_) => vec![
            ("NewCustomKeyStoreName", name, Editable::WhenConnectedOrDisconnected),
            ("KeyStorePassword", request.key_store_password.is_some(), Editable::WhenDisconnected),
            ("CloudHsmClusterId", request.cloud_hsm_cluster_id.is_some(), Editable::WhenDisconnected),
        ],
    };
    table.into_iter().filter(|(_, given, _)| *given).map(|(member, _, editable)| (member, editable)).collect()
}

/// Changes properties of a custom key store, all or none.
pub(super) async fn update_custom_key_store(
    kms: &Kms,
    call: &mut Call<'_>,
    request: UpdateCustomKeyStoreRequest,
) -> Result<(), KmsError> {
    let scope = authorized_account(call)?;
    let id = &request.custom_key_store_id;
    let mut conflicts = Conflicts::new(&*kms.entropy);
    loop {
        let mut key_store = stored_key_store(kms, &scope, id).await?;
        note_key_store(call, &key_store);
        refuse_parameters_of_the_other_type(&request, &key_store.kind)?;
        check_parameters(&request)?;
        check_state(&request, &key_store)?;
        match key_store.kind.clone() {
            CustomKeyStoreKind::External(external) => {
                update_external(kms, call, &scope, &request, &mut key_store, external).await?;
            }
            CustomKeyStoreKind::CloudHsm(cloud_hsm) => {
                update_cloud_hsm(kms, &scope, &request, &mut key_store, cloud_hsm).await?;
            }
        }
        match kms.catalog.update_key_store(&key_store).await {
            Ok(()) => return Ok(()),
            Err(StoreError::Conflict) => conflicts.wait().await?,
            Err(StoreError::NotFound) => return Err(not_found(id)),
            Err(error) => return Err(store_failure(kms, error, &key_store)),
        }
    }
}

fn refuse_parameters_of_the_other_type(
    request: &UpdateCustomKeyStoreRequest,
    kind: &CustomKeyStoreKind,
) -> Result<(), KmsError> {
    match kind {
        CustomKeyStoreKind::CloudHsm(_) => refuse_external_parameters(request),
        CustomKeyStoreKind::External(_) => refuse_foreign_parameters(
            CustomKeyStoreType::ExternalKeyStore,
            &[
                ("CloudHsmClusterId", request.cloud_hsm_cluster_id.is_some()),
                ("KeyStorePassword", request.key_store_password.is_some()),
            ],
        ),
    }
}

/// A new password is not tried on any HSM: connecting tells. A request that changes nothing succeeds (unverified).
async fn update_cloud_hsm(
    kms: &Kms,
    scope: &Authorized<KmsScope>,
    request: &UpdateCustomKeyStoreRequest,
    key_store: &mut CustomKeyStore,
    mut cloud_hsm: CloudHsmKeyStore,
) -> Result<(), KmsError> {
    if let Some(name) = &request.new_custom_key_store_name {
        check_name(&other_key_stores(kms, scope, Some(&key_store.id)).await?, name)?;
        key_store.name.clone_from(name);
    }
    if let Some(cluster_id) = &request.cloud_hsm_cluster_id {
        let cluster = existing_cluster(kms, &key_store.account, &key_store.region, cluster_id).await?;
        check_active(&cluster)?;
        check_related(&cluster, &cloud_hsm)?;
        check_configuration(kms, &cluster).await?;
        cloud_hsm.cluster_id.clone_from(cluster_id);
    }
    if let Some(password) = &request.key_store_password {
        let passwords = told_by_owner(kms, &key_store.id, &cloud_hsm, password);
        key_store.kind = CustomKeyStoreKind::CloudHsm(cloud_hsm);
        return seal_into(kms, key_store, &passwords);
    }
    key_store.kind = CustomKeyStoreKind::CloudHsm(cloud_hsm);
    Ok(())
}

/// What KMS knows once the owner has told the password. That what it knew before cannot be read is no reason to refuse: to tell the
/// password is how the owner repairs that.
fn told_by_owner(
    kms: &Kms,
    id: &CustomKeyStoreId,
    cloud_hsm: &CloudHsmKeyStore,
    password: &SecretString,
) -> KmsUserPasswords {
    match kms.catalog.kms_user_passwords(id, cloud_hsm) {
        Ok(mut passwords) => {
            passwords.replace_current(copy_of(password));
            passwords
        }
        Err(error) => {
            tracing::warn!(%error, custom_key_store_id = %id, "what was known of the passwords of kmsuser is replaced");
            KmsUserPasswords::new(copy_of(password))
        }
    }
}

/// The proxy must have answered under the new settings.
async fn update_external(
    kms: &Kms,
    call: &Call<'_>,
    scope: &Authorized<KmsScope>,
    request: &UpdateCustomKeyStoreRequest,
    key_store: &mut CustomKeyStore,
    mut external: ExternalKeyStore,
) -> Result<(), KmsError> {
    if changes(request, &key_store.kind).is_empty() {
        // What AWS answers to an update of nothing is unverified.
        return Err(KmsError::validation("Specify at least one property of the custom key store to update."));
    }
    if let Some(name) = &request.new_custom_key_store_name {
        key_store.name.clone_from(name);
    }
    apply_external(kms, call, request, &key_store.id, &mut external)?;
    let others = other_key_stores(kms, scope, Some(&key_store.id)).await?;
    check_name(&others, &key_store.name)?;
    check_uri(&others, &external.uri_endpoint, &external.uri_path)?;
    // Whether a change of the name alone asks the proxy is unverified; it does not here.
    if changes_proxy(request) {
        let secret = match &request.xks_proxy_authentication_credential {
            Some(credential) => copy_of(&credential.raw_secret_access_key),
            None => kms.catalog.proxy_secret(&key_store.id, &external)?,
        };
        check_health(kms, call, &key_store.region, &external, secret).await?;
    }
    key_store.kind = CustomKeyStoreKind::External(external);
    Ok(())
}

/// What can be refused once it is known that the parameters are those of the key store's type.
fn check_parameters(request: &UpdateCustomKeyStoreRequest) -> Result<(), KmsError> {
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
    if let Some(password) = &request.key_store_password {
        check_password(password)?;
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
    let refused =
        changes(request, &key_store.kind).into_iter().find(|(_, editable)| !editable.allowed_in(key_store.connection));
    match refused {
        None => Ok(()),
        Some((name, editable)) => Err(invalid_state(key_store, &format!("{name} can be changed {}.", editable.when()))),
    }
}

fn apply_external(
    kms: &Kms,
    call: &Call<'_>,
    request: &UpdateCustomKeyStoreRequest,
    id: &CustomKeyStoreId,
    external: &mut ExternalKeyStore,
) -> Result<(), KmsError> {
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
        let record = SealedRecord::XksProxyCredential(id.as_str());
        let secret = credential.raw_secret_access_key.expose().as_bytes();
        external.sealed_secret_access_key = kms.catalog.root_key().seal(record, secret, &*kms.entropy)?;
        external.access_key_id.clone_from(&credential.access_key_id);
        external.credential_set = call.now;
    }
    Ok(())
}
