//! What CreateCustomKeyStore and UpdateCustomKeyStore check alike of an external key store before they ask its proxy.

use std::sync::Arc;

use keystead_model::SecretString;
use keystead_model::arn::Region;
use keystead_model::kms::Exception;

use crate::error::KmsError;
use crate::key_store::{CustomKeyStore, ExternalKeyStore, is_fully_qualified_domain_name};
use crate::kms::{Call, Kms};
use crate::port::{CallMetadata, ExternalLink, KeyStoreLink};

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

/// VPC endpoint services are the seam of a later version.
pub(super) fn vpc_endpoint_service_unsupported() -> KmsError {
    KmsError::unsupported(
        "XksProxyConnectivity VPC_ENDPOINT_SERVICE is not served by this version of Keystead. Use PUBLIC_ENDPOINT.",
    )
}

/// Refuses a URI that another key store has, before the proxy is asked. The store's unique constraint decides in the end.
pub(super) fn check_uri(others: &[CustomKeyStore], endpoint: &str, path: &str) -> Result<(), KmsError> {
    let in_use = others
        .iter()
        .filter_map(CustomKeyStore::external)
        .any(|other| other.uri_endpoint.eq_ignore_ascii_case(endpoint) && other.uri_path == path);
    if in_use { Err(uri_in_use(endpoint, path)) } else { Ok(()) }
}

/// `XksProxyUriInUseException`.
pub(super) fn uri_in_use(endpoint: &str, path: &str) -> KmsError {
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
    external: &ExternalKeyStore,
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
        aws_source_vpc: None,
        aws_source_vpce: None,
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
