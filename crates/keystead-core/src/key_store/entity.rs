//! The custom key store as it is stored.

use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, CustomKeyStoreId, Region};
use keystead_model::kms::{CustomKeyStoreType, XksProxyConnectivity};

use super::ConnectionState;
use crate::sealing::Sealed;

/// A custom key store.
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
    /// What is behind it. The kind never changes.
    pub kind: CustomKeyStoreKind,
    /// Where its connection stands.
    pub connection: ConnectionState,
    /// Grows with each update.
    pub revision: u64,
}

impl CustomKeyStore {
    /// The value of the `CustomKeyStoreType` member.
    pub fn store_type(&self) -> CustomKeyStoreType {
        match self.kind {
            CustomKeyStoreKind::External(_) => CustomKeyStoreType::ExternalKeyStore,
            CustomKeyStoreKind::CloudHsm(_) => CustomKeyStoreType::AwsCloudhsm,
        }
    }

    /// The proxy of an external key store.
    pub fn external(&self) -> Option<&ExternalKeyStore> {
        match &self.kind {
            CustomKeyStoreKind::External(external) => Some(external),
            CustomKeyStoreKind::CloudHsm(_) => None,
        }
    }

    /// The cluster of an AWS CloudHSM key store.
    pub fn cloud_hsm(&self) -> Option<&CloudHsmKeyStore> {
        match &self.kind {
            CustomKeyStoreKind::External(_) => None,
            CustomKeyStoreKind::CloudHsm(cloud_hsm) => Some(cloud_hsm),
        }
    }
}

/// What is behind a custom key store (KMS API Reference, CustomKeyStoreType).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CustomKeyStoreKind {
    /// `EXTERNAL_KEY_STORE`: an external key manager behind an XKS proxy.
    External(ExternalKeyStore),
    /// `AWS_CLOUDHSM`: a cluster of HSMs.
    CloudHsm(CloudHsmKeyStore),
}

/// The cluster of an AWS CloudHSM key store, and how KMS logs in to its HSMs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CloudHsmKeyStore {
    /// The cluster now.
    pub cluster_id: String,
    /// The trust anchor that the key store was made with, PEM, as given.
    pub trust_anchor: String,
    /// The certificate of the cluster that the key store was made with, PEM in canonical form: equal texts are equal certificates. It
    /// names the backup history, which every later cluster of the key store must share.
    pub cluster_certificate: String,
    /// The [`super::KmsUserPasswords`], sealed for [`crate::sealing::SealedRecord::KmsUserPasswords`].
    pub sealed_passwords: Sealed,
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
