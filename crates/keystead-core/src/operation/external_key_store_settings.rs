//! What CreateCustomKeyStore and UpdateCustomKeyStore check alike before they ask the proxy.

use std::sync::Arc;

use keystead_model::SecretString;
use keystead_model::arn::{CustomKeyStoreId, Region};
use keystead_model::kms::Exception;

use crate::access::{AccountScope, Authorized};
use crate::error::KmsError;
use crate::key_store::{CustomKeyStore, is_fully_qualified_domain_name};
use crate::kms::{Call, Kms};
use crate::port::{CallMetadata, ExternalLink, KeyStoreLink, StoreError, UniqueConstraint};
use crate::quota::{CUSTOM_KEY_STORES, exceeded_message};

/// The version of the XKS proxy API that every path must end in: the pattern allows others, and only this one exists.
const API_VERSION: &str = "/kms/xks/v1";

/// The endpoint's pattern still admits addresses and bare names; the proxy specification asks for a fully qualified domain name.
pub(super) fn check_endpoint(endpoint: &str) -> Result<(), KmsError> {
    let host = endpoint.strip_prefix("https://").unwrap_or(endpoint);
    if is_fully_qualified_domain_name(host) {
        return Ok(());
    }
    Err(KmsError::validation(format!(
        "XksProxyUriEndpoint must be https:// and a fully qualified domain name, not an IP address or a single label; {host} is not."
    )))
}

/// Which exception AWS gives for another version is unverified.
pub(super) fn check_path(path: &str) -> Result<(), KmsError> {
    if path.ends_with(API_VERSION) {
        return Ok(());
    }
    Err(KmsError::validation(format!(
        "XksProxyUriPath must end with {API_VERSION}, the only version of the XKS proxy API."
    )))
}

/// The longest URI that a proxy must serve, in characters (XKS Proxy API specification).
const PROXY_URI_LENGTH_MAX: usize = 256;

/// Endpoint and path, and a key ID, may each be as long as allowed and still be too long together; where AWS refuses that is unverified.
pub(super) fn check_uri_length(endpoint: &str, path: &str, suffix: &str) -> Result<(), KmsError> {
    let length = endpoint.len() + path.len() + suffix.len();
    if length <= PROXY_URI_LENGTH_MAX {
        return Ok(());
    }
    Err(KmsError::validation(format!(
        "XksProxyUriEndpoint, XksProxyUriPath and {suffix} together are {length} characters long; a proxy URI may have at most {PROXY_URI_LENGTH_MAX}."
    )))
}

/// Refuses parameters that belong to AWS CloudHSM key stores.
pub(super) fn refuse_cloudhsm_parameters(given: &[(&str, bool)]) -> Result<(), KmsError> {
    match given.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((name, _)) => Err(KmsError::validation(format!(
            "{name} is not valid for a custom key store of type EXTERNAL_KEY_STORE. Leave it out."
        ))),
    }
}

/// VPC endpoint services are the seam of a later version.
pub(super) fn vpc_endpoint_service_unsupported() -> KmsError {
    KmsError::unsupported(
        "XksProxyConnectivity VPC_ENDPOINT_SERVICE is not served by this version of Keystead. Use PUBLIC_ENDPOINT.",
    )
}

/// The key stores of the account other than `except`; the quota bounds how many there are.
pub(super) async fn other_key_stores(
    kms: &Kms,
    scope: &Authorized<AccountScope>,
    except: Option<&CustomKeyStoreId>,
) -> Result<Vec<CustomKeyStore>, KmsError> {
    let limit = CUSTOM_KEY_STORES as usize + 1;
    let mut all = kms.catalog.store().custom_key_stores(&scope.account, &scope.region, None, limit).await?;
    all.retain(|key_store| Some(&key_store.id) != except);
    Ok(all)
}

/// Refuses a name or a URI that another key store has, before the proxy is asked. The store's unique constraints decide in the end.
pub(super) fn check_unique(others: &[CustomKeyStore], name: &str, endpoint: &str, path: &str) -> Result<(), KmsError> {
    if others.iter().any(|other| other.name == name) {
        return Err(name_in_use(name));
    }
    let same_uri = |other: &&CustomKeyStore| {
        other.external.uri_endpoint.eq_ignore_ascii_case(endpoint) && other.external.uri_path == path
    };
    if others.iter().any(|other| same_uri(&other)) {
        return Err(uri_in_use(endpoint, path));
    }
    Ok(())
}

/// What the operations answer when the store refuses. Texts are unverified.
pub(super) fn store_failure(error: StoreError, key_store: &CustomKeyStore) -> KmsError {
    match error {
        StoreError::Duplicate(UniqueConstraint::CustomKeyStoreName) => name_in_use(&key_store.name),
        StoreError::Duplicate(UniqueConstraint::XksProxyUri) => {
            uri_in_use(&key_store.external.uri_endpoint, &key_store.external.uri_path)
        }
        StoreError::QuotaExceeded { current } => quota_exceeded(current),
        error => error.into(),
    }
}

pub(super) fn quota_exceeded(current: u64) -> KmsError {
    KmsError::new(Exception::LimitExceeded, exceeded_message("Custom key stores", CUSTOM_KEY_STORES, current))
}

fn name_in_use(name: &str) -> KmsError {
    KmsError::new(
        Exception::CustomKeyStoreNameInUse,
        format!(
            "The custom key store name {name} is already assigned to another custom key store in the account. Choose another name."
        ),
    )
}

fn uri_in_use(endpoint: &str, path: &str) -> KmsError {
    KmsError::new(
        Exception::XksProxyUriInUse,
        format!(
            "The proxy URI {endpoint}{path} is already associated with another external key store in this Region. Choose another path."
        ),
    )
}

/// Asks the proxy for its health with settings that are not stored yet.
pub(super) async fn check_health(
    kms: &Kms,
    call: &Call<'_>,
    region: &Region,
    external: &crate::key_store::ExternalKeyStore,
    secret_access_key: SecretString,
) -> Result<(), KmsError> {
    check_uri_length(&external.uri_endpoint, &external.uri_path, "/health")?;
    if !kms.probe_rate.take(&call.caller.principal.account, kms.clock.monotonic_ms()) {
        return Err(KmsError::throttling());
    }
    let link = ExternalLink {
        custom_key_store_id: None,
        region: region.clone(),
        uri_endpoint: external.uri_endpoint.clone(),
        uri_path: external.uri_path.clone(),
        access_key_id: external.access_key_id.clone(),
        secret_access_key,
    };
    let metadata = CallMetadata {
        kms_request_id: &call.caller.origin.request_id,
        kms_operation: call.operation.name,
        aws_principal_arn: None,
        kms_key_arn: None,
    };
    let link = KeyStoreLink::External(Arc::new(link));
    kms.backend.check_health(&link, &metadata).await.map_err(KmsError::key_store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_version_one_is_a_path() {
        assert!(check_path("/kms/xks/v1").is_ok() && check_path("/a/b/kms/xks/v1").is_ok());
        assert!(check_path("/kms/xks/v2").is_err() && check_path("/kms/xks/v11").is_err());
    }
}
