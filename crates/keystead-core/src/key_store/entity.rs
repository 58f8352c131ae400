//! The custom key store as it is stored.

use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, CustomKeyStoreId, Region};
use keystead_model::kms::XksProxyConnectivity;

use super::ConnectionState;
use crate::sealing::Sealed;

/// A custom key store. Only external key stores exist so far; the AWS CloudHSM kind will make `external` one variant of two.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CustomKeyStore {
    /// The account that owns it.
    pub account: AccountId,
    /// The Region it lives in.
    pub region: Region,
    /// `cks-` and 17 hexadecimal digits.
    pub id: CustomKeyStoreId,
    /// 1..=256 characters, unique in the account and Region.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// How the proxy is reached.
    pub external: ExternalKeyStore,
    /// Where its connection stands.
    pub connection: ConnectionState,
    /// Grows with each update.
    pub revision: u64,
}

/// How the XKS proxy of an external key store is reached, and how KMS authenticates to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExternalKeyStore {
    /// How KMS reaches the proxy.
    pub connectivity: XksProxyConnectivity,
    /// `https://` and a host name, as given.
    pub uri_endpoint: String,
    /// The path that ends in `/kms/xks/v1`.
    pub uri_path: String,
    /// The access key ID of the proxy authentication credential.
    pub access_key_id: String,
    /// Its secret, sealed for [`crate::sealing::SealedRecord::XksProxyCredential`].
    pub sealed_secret_access_key: Sealed,
    /// When the credential was set, for the credential's age.
    pub credential_set: Timestamp,
}
