//! Custom key stores.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::arn::CustomKeyStoreId;
use crate::wire_enum::wire_enum;
use crate::{SecretString, Timestamp, integer};

wire_enum! {
    /// What kind of key manager backs a key store.
    CustomKeyStoreType {
        AwsCloudhsm = "AWS_CLOUDHSM",
        ExternalKeyStore = "EXTERNAL_KEY_STORE",
    }
}

wire_enum! {
    /// How KMS reaches an external key store's proxy.
    XksProxyConnectivity {
        PublicEndpoint = "PUBLIC_ENDPOINT",
        VpcEndpointService = "VPC_ENDPOINT_SERVICE",
    }
}

wire_enum! {
    /// Where a key store's link stands.
    ConnectionStateType {
        Connected = "CONNECTED",
        Connecting = "CONNECTING",
        Failed = "FAILED",
        Disconnected = "DISCONNECTED",
        Disconnecting = "DISCONNECTING",
    }
}

wire_enum! {
    /// Why a key store's link is `FAILED`.
    ConnectionErrorCodeType {
        InvalidCredentials = "INVALID_CREDENTIALS",
        ClusterNotFound = "CLUSTER_NOT_FOUND",
        NetworkErrors = "NETWORK_ERRORS",
        InternalError = "INTERNAL_ERROR",
        InsufficientCloudhsmHsms = "INSUFFICIENT_CLOUDHSM_HSMS",
        UserLockedOut = "USER_LOCKED_OUT",
        UserNotFound = "USER_NOT_FOUND",
        UserLoggedIn = "USER_LOGGED_IN",
        SubnetNotFound = "SUBNET_NOT_FOUND",
        InsufficientFreeAddressesInSubnet = "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET",
        XksProxyAccessDenied = "XKS_PROXY_ACCESS_DENIED",
        XksProxyNotReachable = "XKS_PROXY_NOT_REACHABLE",
        XksVpcEndpointServiceNotFound = "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND",
        XksProxyInvalidResponse = "XKS_PROXY_INVALID_RESPONSE",
        XksProxyInvalidConfiguration = "XKS_PROXY_INVALID_CONFIGURATION",
        XksVpcEndpointServiceInvalidConfiguration = "XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION",
        XksProxyTimedOut = "XKS_PROXY_TIMED_OUT",
        XksProxyInvalidTlsConfiguration = "XKS_PROXY_INVALID_TLS_CONFIGURATION",
    }
}

/// What KMS signs its requests to a proxy with. Both parts are needed even if one changes.
///
/// The model marks both as sensitive: `Debug` shows neither.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct XksProxyAuthenticationCredential {
    /// 20..=30 characters of the base32 alphabet. `DescribeCustomKeyStores` returns it.
    pub access_key_id: String,
    /// 43..=64 characters, used as they stand.
    pub raw_secret_access_key: SecretString,
}

impl fmt::Debug for XksProxyAuthenticationCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XksProxyAuthenticationCredential").finish_non_exhaustive()
    }
}

/// `CreateCustomKeyStore`: a new key store, disconnected.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct CreateCustomKeyStoreRequest {
    /// 1..=256 characters, unique in the account and Region.
    pub custom_key_store_name: String,
    /// CloudHSM only: the cluster's certificate, PEM.
    pub trust_anchor_certificate: Option<String>,
    /// `AWS_CLOUDHSM` if absent.
    pub custom_key_store_type: Option<CustomKeyStoreType>,
    /// CloudHSM only: password of the `kmsuser` account, 7..=32 characters.
    pub key_store_password: Option<SecretString>,
    /// CloudHSM only: the cluster.
    pub cloud_hsm_cluster_id: Option<String>,
    /// External only: `https://` and the proxy's host name.
    pub xks_proxy_uri_endpoint: Option<String>,
    /// External only: the path up to and with `/kms/xks/v1`.
    pub xks_proxy_uri_path: Option<String>,
    /// External only: the proxy's VPC endpoint service.
    pub xks_proxy_vpc_endpoint_service_name: Option<String>,
    /// External only: the account that owns the endpoint service, 12 digits.
    pub xks_proxy_vpc_endpoint_service_owner: Option<String>,
    /// External only: what KMS signs its requests to the proxy with.
    pub xks_proxy_authentication_credential: Option<XksProxyAuthenticationCredential>,
    /// External only: how KMS reaches the proxy.
    pub xks_proxy_connectivity: Option<XksProxyConnectivity>,
}

/// The new key store.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateCustomKeyStoreResponse {
    /// Its id.
    pub custom_key_store_id: CustomKeyStoreId,
}

/// `UpdateCustomKeyStore`: changes what is given, all or nothing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct UpdateCustomKeyStoreRequest {
    /// The key store.
    pub custom_key_store_id: CustomKeyStoreId,
    /// 1..=256 characters, unique in the account and Region.
    pub new_custom_key_store_name: Option<String>,
    /// CloudHSM only: password of the `kmsuser` account, 7..=32 characters.
    pub key_store_password: Option<SecretString>,
    /// CloudHSM only: the cluster.
    pub cloud_hsm_cluster_id: Option<String>,
    /// External only: `https://` and the proxy's host name.
    pub xks_proxy_uri_endpoint: Option<String>,
    /// External only: the path up to and with `/kms/xks/v1`.
    pub xks_proxy_uri_path: Option<String>,
    /// External only: the proxy's VPC endpoint service.
    /// May be empty, which clears it, when a store goes to `PUBLIC_ENDPOINT`; null counts as absent.
    pub xks_proxy_vpc_endpoint_service_name: Option<String>,
    /// External only: the account that owns the endpoint service, 12 digits.
    pub xks_proxy_vpc_endpoint_service_owner: Option<String>,
    /// External only: what KMS signs its requests to the proxy with.
    pub xks_proxy_authentication_credential: Option<XksProxyAuthenticationCredential>,
    /// External only: how KMS reaches the proxy.
    pub xks_proxy_connectivity: Option<XksProxyConnectivity>,
}

/// `ConnectCustomKeyStore`: begins to connect; the answer does not wait for it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct ConnectCustomKeyStoreRequest {
    /// The key store.
    pub custom_key_store_id: CustomKeyStoreId,
}

/// `DisconnectCustomKeyStore`: makes the store's keys unusable until it is connected again.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct DisconnectCustomKeyStoreRequest {
    /// The key store.
    pub custom_key_store_id: CustomKeyStoreId,
}

/// `DeleteCustomKeyStore`: removes a disconnected key store without keys.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct DeleteCustomKeyStoreRequest {
    /// The key store.
    pub custom_key_store_id: CustomKeyStoreId,
}

/// `DescribeCustomKeyStores`: all key stores of the account and Region, or one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct DescribeCustomKeyStoresRequest {
    /// Only the key store of this id.
    pub custom_key_store_id: Option<CustomKeyStoreId>,
    /// Only the key store of this name.
    pub custom_key_store_name: Option<String>,
    /// The most entries to return.
    #[serde(default, deserialize_with = "integer::optional")]
    pub limit: Option<u32>,
    /// `NextMarker` of the page before.
    pub marker: Option<String>,
}

/// One page of key stores.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeCustomKeyStoresResponse {
    /// The key stores.
    pub custom_key_stores: Vec<CustomKeyStoresListEntry>,
    /// Where the next page begins; only if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    /// Whether there are more entries.
    pub truncated: bool,
}

/// One key store in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CustomKeyStoresListEntry {
    /// Its id.
    pub custom_key_store_id: CustomKeyStoreId,
    /// Its name.
    pub custom_key_store_name: String,
    /// CloudHSM only: the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_hsm_cluster_id: Option<String>,
    /// CloudHSM only: the cluster's certificate, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_anchor_certificate: Option<String>,
    /// Where its link stands.
    pub connection_state: ConnectionStateType,
    /// Why the link failed; only in state `FAILED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_error_code: Option<ConnectionErrorCodeType>,
    /// When it was created.
    pub creation_date: Timestamp,
    /// What backs it.
    pub custom_key_store_type: CustomKeyStoreType,
    /// External only: how the proxy is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xks_proxy_configuration: Option<XksProxyConfiguration>,
}

/// How an external key store's proxy is reached. The secret access key is never returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct XksProxyConfiguration {
    /// Over the internet or a VPC endpoint service.
    pub connectivity: XksProxyConnectivity,
    /// The id of the credential in use.
    pub access_key_id: String,
    /// `https://` and the proxy's host name.
    pub uri_endpoint: String,
    /// The path up to and with `/kms/xks/v1`.
    pub uri_path: String,
    /// VPC only: the endpoint service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_endpoint_service_name: Option<String>,
    /// VPC only: the account that owns the endpoint service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_endpoint_service_owner: Option<String>,
}
