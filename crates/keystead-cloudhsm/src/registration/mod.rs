//! Clusters of HSMs that were not made here: an owner describes one in a file, and it then looks the same to the API.

mod file;

use std::collections::BTreeMap;
use std::path::PathBuf;

use keystead_core::port::StoreError;
use keystead_model::arn::AccountId;
use keystead_model::cloudhsm::{ClusterMode, ClusterState, HsmState, NetworkType, Tag};
use keystead_model::shape::{Shape, cloudhsm_operation};
use keystead_network::{NetworkError, SubnetRecord};
use keystead_pkcs11::Profile;

use crate::CloudHsm;
use crate::certificate;
use crate::cluster::{Cluster, ClusterIdentity, Hsm, HsmModule, ModuleKind, Token};
use crate::identifier::new_id;
use crate::operation::subnet_mapping;

/// A cluster of HSMs as its owner describes it.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The ID it is to have; `None` for a new one.
    pub cluster_id: Option<String>,
    /// A name for people: becomes the tag `Name`.
    pub name: Option<String>,
    /// What kind of HSMs they are called, such as `hsm1.medium`.
    pub hsm_type: String,
    /// Subnets of one VPC, each in another Availability Zone.
    pub subnet_ids: Vec<String>,
    /// PEM: the certificate of the cluster.
    pub cluster_certificate: String,
    /// PEM: the root that issued it.
    pub trust_anchor: String,
    /// The PKCS#11 module, a shared library.
    pub module: PathBuf,
    /// How the module behaves.
    pub profile: Profile,
    /// The HSMs, at least one.
    pub hsms: Vec<RegisteredHsm>,
}

/// One HSM of a registered cluster.
#[derive(Clone, Debug)]
pub struct RegisteredHsm {
    /// Where it is: a zone of one of the subnets.
    pub availability_zone: String,
    /// The label of its token; `None` for a module with one token.
    pub token_label: Option<String>,
    /// The serial number that its token must have.
    pub token_serial: Option<String>,
    /// What the module finds its configuration by.
    pub environment: BTreeMap<String, String>,
    /// File or folder in which a soft token keeps its objects.
    pub token_storage: Option<PathBuf>,
}

/// Why a cluster is not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// The file cannot be read, or does not say what it must.
    #[error("{file}: {problem}")]
    File {
        /// The file, or the one that it names.
        file: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// What it describes cannot be.
    #[error("{0}")]
    Invalid(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn invalid(problem: impl Into<String>) -> RegistrationError {
    RegistrationError::Invalid(problem.into())
}

impl CloudHsm {
    /// Registers a cluster for an account and returns its ID. Within moments it is ACTIVE, and so are its HSMs. Their tokens are never
    /// made, backed up or destroyed here.
    ///
    /// Fails, and changes nothing, if the module does not exist, the certificates do not belong together, a subnet does not exist, two HSMs
    /// are the same token, or the ID is taken.
    pub async fn register(&self, account: &AccountId, registration: Registration) -> Result<String, RegistrationError> {
        check_module(&registration)?;
        check_certificates(self, &registration)?;
        check_tokens(&registration)?;
        let subnets = self.network.subnets(account, &registration.subnet_ids).await.map_err(network_problem)?;
        let cluster = self.registered_cluster(registration, &subnets)?;
        match self.records.insert(account, &cluster).await {
            Ok(()) => {}
            Err(StoreError::Duplicate(_)) => {
                return Err(invalid(format!(
                    "there is a cluster {} already: give another cluster_id, or none",
                    cluster.cluster_id
                )));
            }
            Err(StoreError::NotFound) => return Err(invalid(format!("there is no account {account}"))),
            Err(error) => return Err(error.into()),
        }
        self.changed.notify_one();
        Ok(cluster.cluster_id)
    }

    fn registered_cluster(
        &self,
        registration: Registration,
        subnets: &[SubnetRecord],
    ) -> Result<Cluster, RegistrationError> {
        let cluster_id = match registration.cluster_id {
            Some(id) if is_cluster_id(&id) => id,
            Some(id) => {
                return Err(invalid(format!("cluster_id: {id:?} is not `cluster-` and 11 to 16 of [2-7a-zA-Z]")));
            }
            None => new_id("cluster", &*self.entropy),
        };
        let (vpc_id, subnets) =
            subnet_mapping(subnets).map_err(|error| invalid(format!("subnets: {}", error.message)))?;
        let now = self.now();
        let hsms = registration.hsms.into_iter().map(|hsm| self.registered_hsm(hsm, &subnets));
        Ok(Cluster {
            cluster_id,
            state: ClusterState::CreateInProgress,
            state_message: None,
            since: now,
            created: now,
            hsm_type: registration.hsm_type,
            mode: ClusterMode::NonFips,
            network_type: NetworkType::Ipv4,
            vpc_id,
            hsms: hsms.collect::<Result<_, _>>()?,
            subnets,
            security_group: None,
            retention_days: self.settings.backup_retention_days,
            source_backup_id: None,
            pre_co_password: None,
            identity: ClusterIdentity {
                certificate: Some(registration.cluster_certificate),
                trust_anchor: Some(registration.trust_anchor),
                ..ClusterIdentity::default()
            },
            module: HsmModule { kind: ModuleKind::Foreign, path: registration.module, profile: registration.profile },
            tags: registration.name.map(|name| Tag { key: "Name".to_owned(), value: name }).into_iter().collect(),
            last_backup: None,
        })
    }

    fn registered_hsm(&self, hsm: RegisteredHsm, subnets: &BTreeMap<String, String>) -> Result<Hsm, RegistrationError> {
        let zone = hsm.availability_zone;
        let subnet_id = subnets.get(&zone).cloned();
        let subnet_id = subnet_id.ok_or_else(|| invalid(format!("hsm: none of the subnets is in {zone}")))?;
        Ok(Hsm {
            hsm_id: new_id("hsm", &*self.entropy),
            state: HsmState::CreateInProgress,
            since: self.now(),
            availability_zone: zone,
            subnet_id,
            requested_ip: None,
            eni_id: None,
            eni_ip: None,
            source: None,
            token: Some(Token {
                environment: hsm.environment,
                label: hsm.token_label,
                serial: hsm.token_serial,
                reinitializing: false,
                storage: hsm.token_storage,
            }),
            final_backup: None,
        })
    }
}

fn is_cluster_id(id: &str) -> bool {
    let shape: Option<&Shape> = cloudhsm_operation("DeleteCluster")
        .and_then(|operation| operation.input.member("ClusterId"))
        .map(|member| member.shape);
    shape.is_some_and(|shape| shape.accepts_str(id))
}

fn check_module(registration: &Registration) -> Result<(), RegistrationError> {
    let module = &registration.module;
    if !module.is_absolute() {
        return Err(invalid(format!("module: {} is not an absolute path", module.display())));
    }
    match std::fs::metadata(module) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(invalid(format!("module: {} is not a file", module.display()))),
        Err(error) => Err(invalid(format!("module: {}: {error}", module.display()))),
    }
}

fn check_certificates(cloud_hsm: &CloudHsm, registration: &Registration) -> Result<(), RegistrationError> {
    let now = cloud_hsm.now();
    certificate::check_registered(&registration.cluster_certificate, &registration.trust_anchor, now).map_err(invalid)
}

/// Two HSMs over one token would be one HSM that counts twice.
fn check_tokens(registration: &Registration) -> Result<(), RegistrationError> {
    if registration.hsms.is_empty() {
        return Err(invalid("hsm: at least one HSM is needed"));
    }
    let token = |hsm: &RegisteredHsm| {
        (hsm.token_label.clone(), hsm.token_serial.clone(), hsm.environment.clone(), hsm.token_storage.clone())
    };
    for (index, hsm) in registration.hsms.iter().enumerate() {
        if registration.hsms[..index].iter().any(|other| token(other) == token(hsm)) {
            return Err(invalid(format!(
                "hsm: number {} is the same token as another one; tell them apart by token_label, token_serial or environment",
                index + 1
            )));
        }
    }
    Ok(())
}

fn network_problem(error: NetworkError) -> RegistrationError {
    match error {
        NetworkError::Store(error) => error.into(),
        other => invalid(format!("subnets: {other}")),
    }
}
