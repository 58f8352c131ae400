//! The sample cluster: two HSMs in two Availability Zones, activated, with `kmsuser`.
//!
//! Made by the same calls that its owner would make, in the same order, while KMS serves already. Each step looks at what is there, so that a
//! start which was cut short is gone on with at the next.

mod owner;

use std::sync::Arc;
use std::time::Duration;

use keystead_cloudhsm::{HsmUser, SoftModule};
use keystead_core::Kms;
use keystead_core::kms::Caller;
use keystead_core::port::HsmCluster;
use keystead_pkcs11::Pin;
use keystead_private_file::{create_private, read_private};
use keystead_xks_proxy::secret_json_pretty;
use serde::Serialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::customer_ca::CustomerCa;
use super::folder::Folder;
use crate::Failure;
use crate::access_key::random_password;
use crate::admin_socket::HsmUsersAction;
use crate::hsms::Hsms;
use owner::Owner;

/// What its owner needs to know for a key store, in the names of CreateCustomKeyStore.
pub(super) const CLUSTER_FILE: &str = "cluster.json";
/// The whole input of CreateCustomKeyStore. Written last: once it is there the cluster is ready.
pub(super) const REQUEST_FILE: &str = "create-cloudhsm-key-store.json";
/// The crypto officer's password.
pub(super) const CO_PASSWORD_FILE: &str = "co-password";
/// The name of the sample key store.
const KEY_STORE_NAME: &str = "sample-hsm";
/// By this tag the cluster is known.
const NAME_TAG: (&str, &str) = ("Name", "keystead-sample");
const HSM_TYPE: &str = "hsm1.medium";
const ADMIN: &str = "admin";
const KMSUSER: &str = "kmsuser";
/// The number of HSMs, each in a zone of its own.
const HSMS: usize = 2;
/// How often is looked whether a step is done.
const LOOK_INTERVAL: Duration = Duration::from_millis(25);
const PASSWORD_FILE_BYTES_MAX: u64 = 1024;

/// What [`CLUSTER_FILE`] holds.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyStoreParameters<'a> {
    cloud_hsm_cluster_id: &'a str,
    trust_anchor_certificate: &'a str,
    key_store_password: &'a str,
}

/// What [`REQUEST_FILE`] holds.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SampleRequest<'a> {
    custom_key_store_name: &'a str,
    custom_key_store_type: &'a str,
    #[serde(flatten)]
    parameters: KeyStoreParameters<'a>,
}

/// Makes the cluster where it is missing. What fails is logged: KMS serves without it.
pub(super) async fn prepare(
    hsms: Arc<Hsms>,
    kms: Arc<Kms>,
    caller: Caller,
    module: Option<SoftModule>,
    folder: Arc<Folder>,
) {
    let sample = Sample { owner: Owner::new(hsms, kms, caller), folder };
    // The VPC is of use without HSMs as well.
    if let Err(error) = sample.owner.sample_subnets().await {
        return tracing::error!(%error, "the sample VPC was not made; the next start tries again");
    }
    let request_file = sample.folder.path(REQUEST_FILE);
    if request_file.exists() {
        return;
    }
    let Some(SoftModule { module, .. }) = module else {
        return tracing::info!("no sample cluster of HSMs: hsm.module is none");
    };
    if !module.exists() {
        return tracing::warn!(
            "no sample cluster of HSMs: there is no PKCS #11 module {}; build it as docs/cloudhsm-key-stores.md tells, or name one with \
             KEYSTEAD__HSM__KRYOPTIC_MODULE, and start again",
            module.display()
        );
    }
    match sample.make().await {
        Ok(cluster_id) => tracing::info!("the sample cluster {cluster_id} is ready: {}", request_file.display()),
        Err(error) => tracing::error!(%error, "the sample cluster of HSMs was not made; the next start tries again"),
    }
}

struct Sample {
    owner: Owner,
    folder: Arc<Folder>,
}

impl Sample {
    async fn make(&self) -> Result<String, Failure> {
        let ca = self.customer_ca().await?;
        let cluster_id = self.cluster().await?;
        self.initialized(&cluster_id, &ca).await?;
        let officer = self.officer_password()?;
        self.activated(&cluster_id, &officer).await?;
        let password = random_password();
        self.kmsuser(&cluster_id, &officer, &Pin::new(&password)).await?;
        self.with_all_hsms(&cluster_id).await?;
        self.write_files(&cluster_id, ca.certificate(), &password)?;
        Ok(cluster_id)
    }

    async fn customer_ca(&self) -> Result<CustomerCa, Failure> {
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || CustomerCa::open(&folder)).await?
    }

    /// The cluster, with or without HSMs.
    async fn cluster(&self) -> Result<String, Failure> {
        let subnet_ids = self.owner.sample_subnets().await?;
        if let Some(id) = self.owner.cluster_tagged(NAME_TAG).await? {
            return Ok(id);
        }
        let request = json!({
            "HsmType": HSM_TYPE,
            "SubnetIds": subnet_ids.into_iter().take(HSMS).collect::<Vec<_>>(),
            "TagList": [{"Key": NAME_TAG.0, "Value": NAME_TAG.1}],
        });
        let created = self.owner.call("CreateCluster", &request).await?;
        owner::text(&created, "/Cluster/ClusterId")
    }

    /// With an HSM, and signed by its owner.
    async fn initialized(&self, cluster_id: &str, ca: &CustomerCa) -> Result<(), Failure> {
        let cluster = self.wait(cluster_id, |cluster| cluster.state != "CREATE_IN_PROGRESS").await?;
        if cluster.state == "UNINITIALIZED" {
            self.with_hsms(cluster_id, 1).await?;
            let described = self.owner.describe(cluster_id).await?;
            let signed = ca.sign(cluster_id, &owner::text(&described, "/Certificates/ClusterCsr")?)?;
            let request = json!({"ClusterId": cluster_id, "SignedCert": signed, "TrustAnchor": ca.certificate()});
            self.owner.call("InitializeCluster", &request).await?;
        }
        self.wait(cluster_id, |cluster| cluster.state == "INITIALIZED" || cluster.active).await?;
        Ok(())
    }

    /// The crypto officer has a password of its own.
    async fn activated(&self, cluster_id: &str, officer: &Pin) -> Result<(), Failure> {
        let described = self.owner.describe(cluster_id).await?;
        if owner::text(&described, "/State")? == "INITIALIZED" {
            let first = Zeroizing::new(owner::text(&described, "/PreCoPassword")?);
            let action = HsmUsersAction::ChangePassword {
                user: ADMIN.to_owned(),
                new_password: officer.clone(),
                authority: Pin::new(&first),
            };
            self.owner.change_users(cluster_id, action).await?;
        }
        self.wait(cluster_id, |cluster| cluster.active).await?;
        Ok(())
    }

    /// On every HSM `kmsuser` has this password: one that a start before had set was told to nobody.
    async fn kmsuser(&self, cluster_id: &str, officer: &Pin, password: &Pin) -> Result<(), Failure> {
        // After a restart the workers of the HSMs start first.
        self.with_hsms(cluster_id, 1).await?;
        let exists = |user: &HsmUser| user.user == KMSUSER && user.exists;
        let user = KMSUSER.to_owned();
        let action = if self.owner.users(cluster_id).await?.iter().any(exists) {
            HsmUsersAction::ChangePassword { user, new_password: password.clone(), authority: officer.clone() }
        } else {
            HsmUsersAction::Create { user, new_password: password.clone(), co_password: officer.clone() }
        };
        self.owner.change_users(cluster_id, action).await
    }

    async fn with_all_hsms(&self, cluster_id: &str) -> Result<(), Failure> {
        self.with_hsms(cluster_id, HSMS).await
    }

    /// Adds HSMs until there are so many, each in a zone that has none, and waits until they are active.
    async fn with_hsms(&self, cluster_id: &str, count: usize) -> Result<(), Failure> {
        loop {
            let cluster = self.wait(cluster_id, |cluster| cluster.hsms.iter().all(|hsm| hsm.active)).await?;
            if cluster.hsms.len() >= count {
                return Ok(());
            }
            let zone = self.free_zone(&cluster).await?;
            self.owner.call("CreateHsm", &json!({"ClusterId": cluster_id, "AvailabilityZone": zone})).await?;
        }
    }

    async fn free_zone(&self, cluster: &HsmCluster) -> Result<String, Failure> {
        let described = self.owner.describe(&cluster.cluster_id).await?;
        let zones = described["SubnetMapping"].as_object().ok_or("the sample cluster has no subnets")?.keys();
        let is_free = |zone: &&String| cluster.hsms.iter().all(|hsm| hsm.availability_zone != **zone);
        Ok(zones.into_iter().find(is_free).ok_or("every zone of the sample cluster has an HSM")?.clone())
    }

    /// Waits for a condition, however long it takes: a machine may be slow, and a person who looks sees the state in DescribeClusters.
    async fn wait(&self, cluster_id: &str, done: impl Fn(&HsmCluster) -> bool) -> Result<HsmCluster, Failure> {
        loop {
            let cluster = self.owner.cluster(cluster_id).await?.ok_or("the sample cluster was deleted meanwhile")?;
            if done(&cluster) {
                return Ok(cluster);
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// On the disk before it is used: whoever is in the middle of activating must find it again.
    fn officer_password(&self) -> Result<Pin, Failure> {
        let file = self.folder.path(CO_PASSWORD_FILE);
        let failed = |error: std::io::Error| format!("{}: {error}", file.display());
        if !file.exists() {
            let mut line = random_password();
            line.push('\n');
            create_private(&file, line.as_bytes()).map_err(failed)?;
        }
        let text = read_private(&file, PASSWORD_FILE_BYTES_MAX).map_err(failed)?;
        Ok(Pin::new(std::str::from_utf8(&text)?.trim_end()))
    }

    fn write_files(&self, cluster_id: &str, trust_anchor: &str, password: &str) -> Result<(), Failure> {
        let parameters = || KeyStoreParameters {
            cloud_hsm_cluster_id: cluster_id,
            trust_anchor_certificate: trust_anchor,
            key_store_password: password,
        };
        let request = SampleRequest {
            custom_key_store_name: KEY_STORE_NAME,
            custom_key_store_type: "AWS_CLOUDHSM",
            parameters: parameters(),
        };
        self.folder.write_private(CLUSTER_FILE, &secret_json_pretty(&parameters())?)?;
        self.folder.write_private(REQUEST_FILE, &secret_json_pretty(&request)?)
    }
}
