//! What CreateCustomKeyStore, UpdateCustomKeyStore, ConnectCustomKeyStore and CreateKey check of the cluster behind an AWS CloudHSM key
//! store.
//!
//! Source: KMS API Reference, the six operations' errors; CloudHSM key stores digest 1.2. The texts are unverified.

use keystead_model::SecretString;
use keystead_model::arn::{AccountId, Region};
use keystead_model::kms::{CreateCustomKeyStoreRequest, CustomKeyStoreType, Exception, UpdateCustomKeyStoreRequest};

use super::custom_key_store_settings::{refuse_foreign_parameters, required};
use crate::error::KmsError;
use crate::key_store::{
    CloudHsmKeyStore, CustomKeyStore, HsmFailure, canonical_certificate, is_kms_user_password, same_certificate,
};
use crate::kms::Kms;
use crate::port::HsmCluster;

const TYPE: CustomKeyStoreType = CustomKeyStoreType::AwsCloudhsm;

/// In how many Availability Zones an active HSM is needed to make or change a key store, or to make a key.
const ZONES_MIN: usize = 2;

/// The parameters of a request that belong to external key stores, and whether they are given.
macro_rules! external_parameters {
    ($request:ident) => {
        [
            ("XksProxyConnectivity", $request.xks_proxy_connectivity.is_some()),
            ("XksProxyUriEndpoint", $request.xks_proxy_uri_endpoint.is_some()),
            ("XksProxyUriPath", $request.xks_proxy_uri_path.is_some()),
            ("XksProxyVpcEndpointServiceName", $request.xks_proxy_vpc_endpoint_service_name.is_some()),
            ("XksProxyVpcEndpointServiceOwner", $request.xks_proxy_vpc_endpoint_service_owner.is_some()),
            ("XksProxyAuthenticationCredential", $request.xks_proxy_authentication_credential.is_some()),
        ]
    };
}

/// The parameters of CreateCustomKeyStore for this type of key store.
pub(super) struct ClusterSettings {
    pub(super) cluster_id: String,
    pub(super) trust_anchor: String,
    pub(super) password: SecretString,
}

impl ClusterSettings {
    /// What of a request can be checked by looking at it alone.
    pub(super) fn read(request: CreateCustomKeyStoreRequest) -> Result<Self, KmsError> {
        refuse_foreign_parameters(TYPE, &external_parameters!(request))?;
        let settings = Self {
            cluster_id: request.cloud_hsm_cluster_id.ok_or_else(|| required(TYPE, "CloudHsmClusterId"))?,
            trust_anchor: request.trust_anchor_certificate.ok_or_else(|| required(TYPE, "TrustAnchorCertificate"))?,
            password: request.key_store_password.ok_or_else(|| required(TYPE, "KeyStorePassword"))?,
        };
        check_password(&settings.password)?;
        Ok(settings)
    }

    /// Whether a key store has all the same properties but the password.
    pub(super) fn are_those_of(&self, cloud_hsm: &CloudHsmKeyStore) -> bool {
        let same_anchor = cloud_hsm.trust_anchor == self.trust_anchor
            || same_certificate(&cloud_hsm.trust_anchor, &self.trust_anchor);
        cloud_hsm.cluster_id == self.cluster_id && same_anchor
    }
}

/// Refuses parameters of UpdateCustomKeyStore that belong to external key stores.
pub(super) fn refuse_external_parameters(request: &UpdateCustomKeyStoreRequest) -> Result<(), KmsError> {
    refuse_foreign_parameters(TYPE, &external_parameters!(request))
}

/// The shape bounds the length; that a password has letters and digits alone is a rule of the HSM user. The password itself is not
/// repeated.
pub(super) fn check_password(password: &SecretString) -> Result<(), KmsError> {
    if is_kms_user_password(password.expose()) {
        return Ok(());
    }
    Err(KmsError::validation(
        "KeyStorePassword must be the password of the kmsuser crypto user: 7 to 32 characters, letters A-Z and a-z and digits only.",
    ))
}

/// `CloudHsmClusterNotFoundException` unless the account has the cluster.
pub(super) async fn existing_cluster(
    kms: &Kms,
    account: &AccountId,
    region: &Region,
    cluster_id: &str,
) -> Result<HsmCluster, KmsError> {
    if region != kms.home_region() {
        return Err(KmsError::new(
            Exception::CloudHsmClusterNotFound,
            format!(
                "CloudHSM cluster {cluster_id} does not exist in {region}: this service has clusters in {} alone. Create the custom key store there.",
                kms.home_region()
            ),
        ));
    }
    kms.hsm_clusters.describe_cluster(account, region, cluster_id).await?.ok_or_else(|| {
        KmsError::new(
            Exception::CloudHsmClusterNotFound,
            format!("CloudHSM cluster {cluster_id} does not exist in this account and Region."),
        )
    })
}

/// `CloudHsmClusterNotActiveException` unless the cluster is initialized and activated.
pub(super) fn check_active(cluster: &HsmCluster) -> Result<(), KmsError> {
    if cluster.active {
        return Ok(());
    }
    Err(KmsError::new(
        Exception::CloudHsmClusterNotActive,
        format!(
            "CloudHSM cluster {} is {}. Initialize and activate it, and wait until it is ACTIVE.",
            cluster.cluster_id, cluster.state
        ),
    ))
}

/// The canonical form of the certificate that names the cluster's backup history.
pub(super) fn cluster_certificate(cluster: &HsmCluster) -> Result<String, KmsError> {
    cluster.cluster_certificate.as_deref().and_then(canonical_certificate).ok_or_else(|| {
        invalid_configuration(format!("CloudHSM cluster {} has no readable cluster certificate.", cluster.cluster_id))
    })
}

/// `CloudHsmClusterInUseException` if another key store has the cluster, or one that shares its backup history.
pub(super) fn check_not_in_use(
    others: &[CustomKeyStore],
    cluster: &HsmCluster,
    certificate: &str,
) -> Result<(), KmsError> {
    let in_use = others
        .iter()
        .filter_map(CustomKeyStore::cloud_hsm)
        .any(|other| other.cluster_id == cluster.cluster_id || other.cluster_certificate == certificate);
    if in_use { Err(cluster_in_use(&cluster.cluster_id)) } else { Ok(()) }
}

/// `CloudHsmClusterInUseException`.
pub(super) fn cluster_in_use(cluster_id: &str) -> KmsError {
    KmsError::new(
        Exception::CloudHsmClusterInUse,
        format!(
            "CloudHSM cluster {cluster_id}, or a cluster that shares a backup history with it, is already associated with a custom key store in the account."
        ),
    )
}

/// `IncorrectTrustAnchorException` unless the certificate, however it is written, is the one that the cluster was initialized with.
pub(super) fn check_trust_anchor(cluster: &HsmCluster, given: &str) -> Result<(), KmsError> {
    if cluster.trust_anchor.as_deref().is_some_and(|anchor| same_certificate(anchor, given)) {
        return Ok(());
    }
    Err(KmsError::new(
        Exception::IncorrectTrustAnchor,
        format!(
            "TrustAnchorCertificate is not the trust anchor of CloudHSM cluster {}. Pass the content of the customerCA.crt file that the cluster was initialized with: one certificate, in PEM.",
            cluster.cluster_id
        ),
    ))
}

/// `CloudHsmClusterNotRelatedException` unless the cluster shares its backup history with the key store's first one.
pub(super) fn check_related(cluster: &HsmCluster, cloud_hsm: &CloudHsmKeyStore) -> Result<(), KmsError> {
    if cluster_certificate(cluster).is_ok_and(|certificate| certificate == cloud_hsm.cluster_certificate) {
        return Ok(());
    }
    Err(KmsError::new(
        Exception::CloudHsmClusterNotRelated,
        format!(
            "CloudHSM cluster {} does not share a backup history with the cluster that the custom key store was created with. Name one that was made from a backup of it.",
            cluster.cluster_id
        ),
    ))
}

/// `CloudHsmClusterInvalidConfigurationException` unless key stores and keys can be made with the cluster: HSMs in two zones, and its
/// network.
pub(super) async fn check_configuration(kms: &Kms, cluster: &HsmCluster) -> Result<(), KmsError> {
    check_zones(cluster)?;
    check_network(kms, cluster).await
}

/// `CloudHsmClusterInvalidConfigurationException` unless a new key can be on two HSMs in different Availability Zones.
pub(super) fn check_zones(cluster: &HsmCluster) -> Result<(), KmsError> {
    if cluster.active_zones() >= ZONES_MIN {
        return Ok(());
    }
    let row = HsmFailure::NotEnoughHsms.row();
    Err(invalid_configuration(format!(
        "{} CloudHSM cluster {} has {} active HSMs, in {} Availability Zones.",
        row.message,
        cluster.cluster_id,
        cluster.active_hsms().count(),
        cluster.active_zones()
    ))
    .with_cause(row.cause))
}

/// What ConnectCustomKeyStore checks at once. A cluster that is gone is not told here but by ConnectionErrorCode.
pub(super) async fn check_connectable(
    kms: &Kms,
    key_store: &CustomKeyStore,
    cloud_hsm: &CloudHsmKeyStore,
) -> Result<(), KmsError> {
    let clusters = &kms.hsm_clusters;
    let found = clusters.describe_cluster(&key_store.account, &key_store.region, &cloud_hsm.cluster_id).await?;
    let Some(cluster) = found else { return Ok(()) };
    check_active(&cluster)?;
    // Documented both as this and as INSUFFICIENT_CLOUDHSM_HSMS: that code is for HSMs that go during the connect.
    if cluster.active_hsms().next().is_none() {
        let row = HsmFailure::NoActiveHsm.row();
        return Err(invalid_configuration(format!(
            "CloudHSM cluster {} has no active HSM; a connected custom key store needs at least one.",
            cluster.cluster_id
        ))
        .with_cause(row.cause));
    }
    check_network(kms, &cluster).await
}

async fn check_network(kms: &Kms, cluster: &HsmCluster) -> Result<(), KmsError> {
    match kms.hsm_clusters.network_problem(cluster).await? {
        None => Ok(()),
        Some(problem) => Err(invalid_configuration(problem)),
    }
}

fn invalid_configuration(message: String) -> KmsError {
    KmsError::new(Exception::CloudHsmClusterInvalidConfiguration, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_password_is_not_repeated() {
        let refused = check_password(&SecretString::from("not-alphanumeric".to_owned()));
        let message = refused.err().and_then(|error| error.message).unwrap_or_default();
        assert!(message.contains("KeyStorePassword") && !message.contains("not-alphanumeric"), "{message}");
        assert!(check_password(&SecretString::from("kmsPswd7".to_owned())).is_ok());
    }
}
