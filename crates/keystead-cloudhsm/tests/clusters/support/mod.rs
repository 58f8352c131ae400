//! A server of the CloudHSM API for tests, and what it leaves on its disk.

mod memory_store;
mod owner;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use keystead_cloudhsm::{
    CloudHsm, CloudHsmService, CloudHsmSettings, ConnectedKeyStores, HsmUsers, Quotas, SoftModule,
};
use keystead_core::KmsError;
use keystead_core::access::{Principal, PrincipalPolicies};
use keystead_core::api_service::{ApiService, ServiceAudit};
use keystead_core::audit::AuditRecord;
use keystead_core::kms::{Caller, RequestOrigin};
use keystead_core::port::{AuditError, AuditLog, Clock, StoreError, SystemClock, SystemEntropy};
use keystead_core::sealing::RootKey;
use keystead_model::arn::{AccountId, Region};
use keystead_model::{SecretString, Timestamp};
use keystead_network::Network;
use keystead_pkcs11::Profile;
use keystead_pkcs11::client::{WorkerSettings, Workers};
use keystead_pkcs11::soft_token::SoftTokenKind;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub(crate) use memory_store::{Death, Disk, MemoryStore};
pub(crate) use owner::Owner;

pub(crate) const CO_PASSWORD: &str = "officer1Password";
pub(crate) const KMSUSER_PASSWORD: &str = "kmsPswd1234567";
pub(crate) const ZONES: [&str; 3] = ["us-east-1a", "us-east-1b", "us-east-1c"];
/// A busy machine makes tokens and RSA keys slowly.
const PATIENCE: Duration = Duration::from_secs(90);

/// Making an RSA key is slow, and one authority is enough for all tests.
pub(crate) static OWNER: LazyLock<Owner> = LazyLock::new(Owner::new);

pub(crate) fn account() -> AccountId {
    AccountId::parse("111122223333").unwrap()
}

pub(crate) fn region() -> Region {
    Region::parse("us-east-1").unwrap()
}

pub(crate) fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

/// The modules that everything must run on.
pub(crate) fn modules() -> [SoftModule; 2] {
    [kryoptic(), softhsm2()]
}

pub(crate) fn kryoptic() -> SoftModule {
    let module = match std::env::var_os("KEYSTEAD_KRYOPTIC_MODULE") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_BIN_EXE_cloudhsm-worker-for-tests")).with_file_name("libkryoptic_pkcs11.so"),
    };
    existing(SoftModule { kind: SoftTokenKind::Kryoptic, module, profile: Profile::kryoptic() })
}

pub(crate) fn softhsm2() -> SoftModule {
    let module = PathBuf::from("/usr/lib/softhsm/libsofthsm2.so");
    existing(SoftModule { kind: SoftTokenKind::Softhsm2, module, profile: Profile::softhsm2() })
}

fn existing(module: SoftModule) -> SoftModule {
    assert!(module.module.is_file(), "{} is missing: run `make test` once", module.module.display());
    module
}

/// A clock that can be set forward.
#[derive(Default)]
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn forward(&self, duration: Duration) {
        self.0.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_millis(self.0.load(Ordering::SeqCst))
    }

    fn monotonic_ms(&self) -> u64 {
        SystemClock.monotonic_ms()
    }
}

/// Audit records, as text.
#[derive(Default)]
pub(crate) struct Records(Mutex<Vec<Value>>);

#[async_trait]
impl AuditLog for Records {
    async fn write(&self, record: AuditRecord) -> Result<(), AuditError> {
        self.0.lock().unwrap().push(serde_json::to_value(&record).unwrap());
        Ok(())
    }
}

/// What survives a server: its disk. And the time, which goes on.
pub(crate) struct Rig {
    module: SoftModule,
    pub(crate) folder: TempDir,
    disk: Arc<Disk>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) records: Arc<Records>,
    pub(crate) connected: Connected,
}

/// The clusters that KMS is connected to.
#[derive(Clone, Default)]
pub(crate) struct Connected(Arc<Mutex<Vec<String>>>);

impl Connected {
    pub(crate) fn set(&self, clusters: &[&str]) {
        *self.0.lock().unwrap() = clusters.iter().map(|id| (*id).to_owned()).collect();
    }
}

#[async_trait]
impl ConnectedKeyStores for Connected {
    async fn any_on(&self, cluster_id: &str) -> Result<bool, StoreError> {
        Ok(self.0.lock().unwrap().iter().any(|id| id == cluster_id))
    }
}

/// One life of a server.
pub(crate) struct Server {
    pub(crate) cloud_hsm: Arc<CloudHsm>,
    pub(crate) users: HsmUsers,
    pub(crate) network: Arc<Network>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) workers: Arc<Workers>,
    service: CloudHsmService,
    background: JoinHandle<()>,
}

impl Rig {
    pub(crate) fn new(module: SoftModule) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            module,
            folder,
            disk: Arc::default(),
            clock: Arc::default(),
            records: Arc::default(),
            connected: Connected::default(),
        }
    }

    /// Another disk with the same on it, under another name. Nothing may be running on this one.
    pub(crate) fn copy(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(self.folder.path(), folder.path());
        let disk = Arc::new(self.disk.copy());
        Self {
            module: self.module.clone(),
            folder,
            disk,
            clock: self.clock.clone(),
            records: Arc::default(),
            connected: Connected::default(),
        }
    }

    pub(crate) fn start(&self) -> Server {
        self.start_mortal(Death::Never, |_| {})
    }

    pub(crate) fn start_with(&self, change: impl FnOnce(&mut CloudHsmSettings)) -> Server {
        self.start_mortal(Death::Never, change)
    }

    pub(crate) fn start_mortal(&self, death: Death, change: impl FnOnce(&mut CloudHsmSettings)) -> Server {
        let mut settings = self.settings();
        change(&mut settings);
        let store = MemoryStore::over(self.disk.clone(), death);
        let network = Arc::new(Network::new(store.clone(), self.clock.clone(), Arc::new(SystemEntropy), region()));
        let workers = Workers::new(self.worker_settings());
        let cloud_hsm = CloudHsm::new(
            settings,
            store.clone(),
            network.clone(),
            workers.clone(),
            Arc::new(RootKey::new(&[7; 32]).unwrap()),
            self.clock.clone(),
            Arc::new(SystemEntropy),
        );
        let audit = ServiceAudit {
            event_source: "",
            region: region(),
            audit_log: self.records.clone(),
            clock: self.clock.clone(),
            entropy: Arc::new(SystemEntropy),
        };
        Server {
            service: CloudHsmService::new(cloud_hsm.clone(), audit),
            users: HsmUsers::new(cloud_hsm.clone(), Arc::new(self.connected.clone())),
            background: tokio::spawn(cloud_hsm.clone().run_background()),
            cloud_hsm,
            network,
            store,
            workers,
        }
    }

    fn settings(&self) -> CloudHsmSettings {
        CloudHsmSettings {
            region: region(),
            data_folder: self.folder.path().to_owned(),
            soft_module: Some(self.module.clone()),
            soft_modules: vec![self.module.clone()],
            backup_retention_days: 90,
            backup_interval: Duration::from_secs(24 * 60 * 60),
            transition_min: Duration::ZERO,
            degraded_after: Duration::from_secs(1),
            deleted_shown_for: Duration::from_secs(60 * 60),
            quotas: Quotas { clusters: 8, hsms: 12, ..Quotas::default() },
        }
    }

    fn worker_settings(&self) -> WorkerSettings {
        WorkerSettings {
            program: env!("CARGO_BIN_EXE_cloudhsm-worker-for-tests").into(),
            socket_folder: self.folder.path().join("run"),
            call_timeout: Duration::from_secs(20),
            start_timeout: Duration::from_secs(30),
            memory_bytes_max: 1 << 30,
            strikes_max: 5,
            probe_interval: Duration::from_millis(100),
        }
    }

    pub(crate) fn text_of_records(&self) -> String {
        self.records.0.lock().unwrap().iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn newest_record(&self) -> Value {
        self.records.0.lock().unwrap().last().unwrap().clone()
    }
}

/// Copies a folder; sockets are left out.
fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_folder(&path, &copy);
        } else if path.is_file() {
            std::fs::copy(path, copy).unwrap();
        }
    }
}

/// Waits until `look` finds what is waited for.
pub(crate) async fn wait_for<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn caller() -> Caller {
    Caller {
        principal: Arc::new(Principal::root(account())),
        policies: PrincipalPolicies::none(),
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        region: region(),
        origin: RequestOrigin {
            request_id: "1234abcd-12ab-34cd-56ef-1234567890ab".to_owned(),
            source_ip: "127.0.0.1".to_owned(),
            user_agent: "test".to_owned(),
            tls: None,
            vpc_endpoint: None,
        },
    }
}

impl Server {
    /// Ends this life. Its workers end with it, so that the next one finds the tokens free.
    pub(crate) async fn stop(self) {
        self.background.abort();
        let _ = self.background.await;
        self.workers.shut_down().await;
    }

    pub(crate) async fn call(&self, operation: &str, input: Value) -> (u16, Value) {
        self.call_with(operation, input.to_string().as_bytes()).await
    }

    /// What the front end answers for a request that it refused.
    pub(crate) async fn refuse(&self, operation: &str, error: KmsError) -> (u16, Value) {
        let answer = self.service.refuse(Some(operation), error, None, &caller().origin).await;
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }

    pub(crate) async fn call_with(&self, operation: &str, body: &[u8]) -> (u16, Value) {
        let answer = self.service.invoke(Some(operation), body, &caller()).await;
        assert_eq!(answer.content_type, "application/x-amz-json-1.1");
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }

    pub(crate) async fn ok(&self, operation: &str, input: Value) -> Value {
        let (status, answer) = self.call(operation, input).await;
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    }

    /// Exception and message.
    pub(crate) async fn refused(&self, operation: &str, input: Value) -> (String, String) {
        let (status, answer) = self.call(operation, input).await;
        assert_eq!(status, 400, "{operation}: {answer}");
        let text = |member: &str| answer[member].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        (text("__type"), text("Message"))
    }

    /// Subnets in each zone of the sample VPC.
    pub(crate) async fn subnets(&self) -> Vec<String> {
        self.network.create_sample_vpc(&account()).await.unwrap().subnet_ids
    }

    pub(crate) async fn cluster(&self, id: &str) -> Value {
        let found = self.ok("DescribeClusters", json!({"Filters": {"clusterIds": [id]}})).await;
        found["Clusters"][0].clone()
    }

    pub(crate) async fn wait_state(&self, id: &str, state: &str) -> Value {
        wait_for(&format!("{id} {state}"), || async {
            Some(self.cluster(id).await).filter(|cluster| cluster["State"] == state)
        })
        .await
    }

    /// Waits until the cluster has so many HSMs, all of them ACTIVE.
    pub(crate) async fn wait_hsms(&self, id: &str, count: usize) -> Value {
        wait_for(&format!("{id} has {count} HSMs"), || async {
            let cluster = self.cluster(id).await;
            let hsms = cluster["Hsms"].as_array().unwrap();
            let active = hsms.len() == count && hsms.iter().all(|hsm| hsm["State"] == "ACTIVE");
            active.then_some(cluster)
        })
        .await
    }

    pub(crate) async fn create_cluster(&self, changes: Value) -> String {
        let mut request = json!({"HsmType": "hsm1.medium", "SubnetIds": self.subnets().await});
        request.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let created = self.ok("CreateCluster", request).await;
        created["Cluster"]["ClusterId"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn create_hsm(&self, id: &str, zone: &str) -> String {
        let created = self.ok("CreateHsm", json!({"ClusterId": id, "AvailabilityZone": zone})).await;
        created["Hsm"]["HsmId"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn csr(&self, id: &str) -> String {
        wait_for("the signing request", || async {
            self.cluster(id).await["Certificates"]["ClusterCsr"].as_str().map(str::to_owned)
        })
        .await
    }

    pub(crate) async fn initialize(&self, id: &str) {
        let signed = OWNER.sign(&self.csr(id).await);
        let input = json!({"ClusterId": id, "SignedCert": signed, "TrustAnchor": OWNER.trust_anchor()});
        self.ok("InitializeCluster", input).await;
        self.wait_state(id, "INITIALIZED").await;
    }

    pub(crate) async fn activate(&self, id: &str) {
        let first = self.cluster(id).await["PreCoPassword"].as_str().unwrap().to_owned();
        self.users.change_password(id, None, "admin", &secret(&first), &secret(CO_PASSWORD)).await.unwrap();
        assert_eq!(self.cluster(id).await["State"], "ACTIVE");
    }

    /// An active cluster of one HSM that has `kmsuser`.
    pub(crate) async fn active_cluster(&self) -> String {
        let id = self.create_cluster(json!({})).await;
        self.wait_state(&id, "UNINITIALIZED").await;
        self.create_hsm(&id, ZONES[0]).await;
        self.wait_hsms(&id, 1).await;
        self.initialize(&id).await;
        self.activate(&id).await;
        self.users.create(&id, None, "kmsuser", &secret(CO_PASSWORD), &secret(KMSUSER_PASSWORD)).await.unwrap();
        id
    }

    pub(crate) async fn backups(&self, id: &str) -> Vec<Value> {
        let found = self.ok("DescribeBackups", json!({"Filters": {"clusterIds": [id]}})).await;
        found["Backups"].as_array().unwrap().clone()
    }

    /// Backups of a cluster that can be used, newest first.
    pub(crate) async fn ready_backups(&self, id: &str) -> Vec<String> {
        let backups = self.backups(id).await;
        let ready = backups.iter().filter(|backup| backup["BackupState"] == "READY");
        ready.map(|backup| backup["BackupId"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn delete_hsm(&self, id: &str, hsm_id: &str) {
        self.ok("DeleteHsm", json!({"ClusterId": id, "HsmId": hsm_id})).await;
        wait_for("the HSM is gone", || async {
            let cluster = self.cluster(id).await;
            let there = cluster["Hsms"].as_array().unwrap().iter().any(|hsm| hsm["HsmId"] == hsm_id);
            (!there).then_some(())
        })
        .await;
    }

    /// How many network interfaces there are in all.
    pub(crate) async fn interfaces(&self) -> usize {
        let vpcs = self.network.vpcs(&account()).await.unwrap();
        vpcs.iter().map(|vpc| vpc.network_interfaces.len()).sum()
    }
}
