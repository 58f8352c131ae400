//! An installation of KMS: what outlives a crash (store, HSMs, clock), and servers over it.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keystead_core::access::{Account, Principal, PrincipalPolicies};
use keystead_core::audit::AuditRecord;
use keystead_core::catalog::Catalog;
use keystead_core::key_store::{ConnectionState, ConnectionWorker, CustomKeyStore, KmsUserPasswords, ProxyFailure};
use keystead_core::kms::{Caller, RequestOrigin, Settings, operation_named};
use keystead_core::port::{
    AuditError, AuditLog, BackendCiphertext, CallMetadata, Clock, ExternalKeyMetadata, KeyStoreBackend, KeyStoreLink,
    Store, SystemEntropy,
};
use keystead_core::quota::{RequestQuotaSettings, ResourceQuotas};
use keystead_core::sealing::RootKey;
use keystead_core::{Kms, Ports};
use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, CustomKeyStoreId, Region};
use keystead_store::SqliteStore;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::SimulatedHsms;
use super::certificates::pem;
use super::simulated_hsms::cluster;

pub const CLUSTER: &str = "cluster-1a23b4cdefg";
pub const PASSWORD: &str = "kmsPswd1";
/// How long connection jobs are leased: longer than any test runs, so that no worker renews a lease between two steps of a test. A worker
/// renews by the time that passes, and not by the clock that tests turn forward. `job_lease.rs` tests the renewal.
pub const LEASE: Duration = Duration::from_secs(3600);
/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A clock that tests turn forward.
pub struct TestClock {
    millis: AtomicI64,
    /// How often it was asked.
    asked: AtomicUsize,
}

impl TestClock {
    /// Returns once it was asked so many times more.
    pub async fn is_asked(&self, times: usize) {
        let enough = self.asked.load(Ordering::SeqCst) + times;
        let asked = async {
            while self.asked.load(Ordering::SeqCst) < enough {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.expect("nobody asks the clock");
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::from_millis(self.millis.load(Ordering::SeqCst));
        self.asked.fetch_add(1, Ordering::SeqCst);
        now
    }
}

/// An audit log in memory.
#[derive(Default)]
pub struct Records(Mutex<Vec<Value>>);

#[async_trait]
impl AuditLog for Records {
    async fn write(&self, record: AuditRecord) -> Result<(), AuditError> {
        self.0.lock().unwrap().push(serde_json::to_value(record).unwrap());
        Ok(())
    }
}

/// Proxies that answer as they should, and encrypt nothing.
struct TransparentProxies;

#[async_trait]
impl KeyStoreBackend for TransparentProxies {
    async fn check_health(&self, _: &KeyStoreLink, _: &CallMetadata<'_>) -> Result<(), ProxyFailure> {
        Ok(())
    }

    async fn key_metadata(
        &self,
        _: &KeyStoreLink,
        _: &str,
        _: &CallMetadata<'_>,
    ) -> Result<ExternalKeyMetadata, ProxyFailure> {
        Ok(ExternalKeyMetadata {
            key_spec: "AES_256".to_owned(),
            key_usage: vec!["ENCRYPT".to_owned(), "DECRYPT".to_owned()],
            key_status: "ENABLED".to_owned(),
        })
    }

    async fn encrypt(
        &self,
        _: &KeyStoreLink,
        _: &str,
        plaintext: &[u8],
        _: &[u8],
        _: &CallMetadata<'_>,
    ) -> Result<BackendCiphertext, ProxyFailure> {
        Ok(BackendCiphertext {
            ciphertext: plaintext.to_vec(),
            initialization_vector: vec![0; 12],
            authentication_tag: [0; 16],
            metadata: None,
        })
    }

    async fn decrypt(
        &self,
        _: &KeyStoreLink,
        _: &str,
        ciphertext: &BackendCiphertext,
        _: &[u8],
        _: &CallMetadata<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, ProxyFailure> {
        Ok(Zeroizing::new(ciphertext.ciphertext.clone()))
    }

    fn forget(&self, _: &CustomKeyStoreId) {}
}

/// What outlives a crash.
pub struct Installation {
    _folder: TempDir,
    pub store: Arc<SqliteStore>,
    pub hsms: Arc<SimulatedHsms>,
    pub clock: Arc<TestClock>,
    root_key: Arc<RootKey>,
}

impl Installation {
    /// An account, and a cluster of so many HSMs.
    pub async fn with_hsms(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("keystead.db")).await.unwrap());
        let created = Timestamp::from_millis(1_790_000_000_000);
        store.insert_account(&Account::new(account(), "test".to_owned(), created)).await.unwrap();
        let hsms = Arc::new(SimulatedHsms::default());
        hsms.world().clusters.insert(CLUSTER.to_owned(), cluster("1", count, PASSWORD));
        let clock = Arc::new(TestClock { millis: AtomicI64::new(created.millis()), asked: AtomicUsize::new(0) });
        Self { _folder: folder, store, hsms, clock, root_key: Arc::new(RootKey::new(&[7; 32]).unwrap()) }
    }

    /// Starts a server, with a worker for connection jobs.
    pub fn serve(&self) -> Server {
        self.serve_with_lease(LEASE)
    }

    /// The same, with jobs leased for so long.
    pub fn serve_with_lease(&self, job_lease: Duration) -> Server {
        let (kms, records) = self.kms(job_lease);
        let (end, ended) = oneshot::channel();
        let worker = ConnectionWorker::new(kms.clone()).run_until(async move { drop(ended.await) });
        Server { kms, records, worker: Some(Worker { task: tokio::spawn(worker), end: Some(end) }) }
    }

    /// A server whose worker has not begun.
    pub fn serve_without_worker(&self) -> Server {
        let (kms, records) = self.kms(LEASE);
        Server { kms, records, worker: None }
    }

    fn kms(&self, job_lease: Duration) -> (Arc<Kms>, Arc<Records>) {
        let settings = Settings {
            home_region: region(),
            other_regions: Vec::new(),
            key_transition_min: Duration::ZERO,
            key_maintenance_interval: Duration::from_secs(3600),
            transition_min: Duration::ZERO,
            job_lease,
            health_poll_interval: Duration::from_secs(10),
            key_deletion_interval: Duration::from_secs(10),
            change_feed_interval: Duration::from_secs(10),
            key_store_requests_per_second: 1800,
            key_store_probes_per_second: 50,
            resource_quotas: ResourceQuotas::default(),
            request_quotas: RequestQuotaSettings { enabled: false, ..RequestQuotaSettings::default() },
            attestation_roots: Arc::default(),
        };
        let records = Arc::new(Records::default());
        let ports = Ports {
            backend: Arc::new(TransparentProxies),
            hsm_backend: self.hsms.clone(),
            hsm_clusters: self.hsms.clone(),
            audit_log: records.clone(),
            clock: self.clock.clone(),
            entropy: Arc::new(SystemEntropy),
        };
        let catalog = Catalog::new(self.store.clone(), self.root_key.clone());
        (Arc::new(Kms::new(settings, catalog, ports)), records)
    }

    pub fn advance(&self, by: Duration) {
        self.clock.millis.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub async fn key_store(&self, id: &str) -> CustomKeyStore {
        let id = CustomKeyStoreId::parse(id).unwrap();
        self.store.custom_key_store(&id).await.unwrap().unwrap()
    }

    /// What is stored of the passwords of kmsuser.
    pub async fn passwords(&self, id: &str) -> KmsUserPasswords {
        let key_store = self.key_store(id).await;
        let catalog = Catalog::new(self.store.clone(), self.root_key.clone());
        catalog.kms_user_passwords(&key_store.id, key_store.cloud_hsm().unwrap()).unwrap()
    }

    /// No HSM has a password that is not known for it.
    pub async fn no_password_is_lost(&self, id: &str, when: &str) {
        let known = self.passwords(id).await;
        let hsms = self.hsms.with_cluster(CLUSTER, |cluster| {
            cluster.hsms.iter().map(|(id, hsm)| (id.clone(), hsm.password.clone().unwrap())).collect::<Vec<_>>()
        });
        for (hsm_id, password) in hsms {
            let candidates = known.candidates(&hsm_id);
            assert!(candidates.len() <= 2, "{when}: {hsm_id} has {} candidates", candidates.len());
            assert!(candidates.iter().any(|known| known.expose() == password), "{when}: {hsm_id} is locked out");
        }
    }

    /// Waits until the key store has come to rest.
    pub async fn settled(&self, id: &str) -> ConnectionState {
        let settled = async {
            loop {
                let state = self.key_store(id).await.connection;
                if !state.is_transient() {
                    return state;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, settled).await.expect("the key store does not come to rest")
    }
}

pub fn account() -> AccountId {
    AccountId::parse("111122223333").unwrap()
}

pub fn region() -> Region {
    Region::parse("us-east-1").unwrap()
}

/// A running server.
pub struct Server {
    pub kms: Arc<Kms>,
    records: Arc<Records>,
    worker: Option<Worker>,
}

/// A worker for connection jobs that runs.
struct Worker {
    task: JoinHandle<()>,
    end: Option<oneshot::Sender<()>>,
}

/// An answer: the body, or the exception with its message and cause.
pub type Answer = Result<Value, Refused>;

#[derive(Debug)]
pub struct Refused {
    pub exception: String,
    pub message: String,
    pub cause: Option<&'static str>,
}

impl Server {
    /// Ends it as a crash would: what it was doing stops where it is.
    pub async fn kill(mut self) {
        if let Some(worker) = self.worker.take() {
            worker.task.abort();
            worker.task.await.ok();
        }
    }

    /// Its worker takes up no job any more: none of its own again, either, when a lease is over.
    pub fn take_no_more_jobs(&mut self) {
        if let Some(end) = self.worker.as_mut().expect("no worker has begun").end.take() {
            end.send(()).expect("the worker has ended by itself");
        }
    }

    /// Ends it once its worker is done with the jobs that it has begun, whatever became of them.
    pub async fn finish(mut self) {
        self.take_no_more_jobs();
        let worker = self.worker.take().expect("no worker has begun");
        tokio::time::timeout(PATIENCE, worker.task).await.expect("the worker does not come to its end").unwrap();
    }

    pub async fn call(&self, operation: &str, input: Value) -> Answer {
        let origin = RequestOrigin {
            request_id: self.kms.new_uuid(),
            source_ip: "127.0.0.1".to_owned(),
            user_agent: "test".to_owned(),
            tls: None,
            vpc_endpoint: None,
        };
        let caller = Caller {
            principal: Arc::new(Principal::root(account())),
            policies: PrincipalPolicies::none(),
            access_key_id: "AKIATEST".to_owned(),
            region: region(),
            origin,
        };
        let operation = operation_named(operation).expect("no such operation");
        let answer = self.kms.invoke(operation, input.to_string().as_bytes(), &caller).await;
        let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        if answer.status == 200 {
            return Ok(body);
        }
        Err(Refused {
            exception: body["__type"].as_str().unwrap().to_owned(),
            message: body["message"].as_str().unwrap_or_default().to_owned(),
            cause: answer.cause,
        })
    }

    /// The name of the exception that a call must end with.
    pub async fn refused(&self, operation: &str, input: Value) -> String {
        match self.call(operation, input).await {
            Ok(answer) => panic!("{operation} succeeded: {answer}"),
            Err(refused) => refused.exception,
        }
    }

    /// The audit record of the last call of an operation.
    pub fn record(&self, event_name: &str) -> Value {
        let records = self.records.0.lock().unwrap();
        records.iter().rev().find(|record| record["eventName"] == event_name).expect("no record").clone()
    }

    /// Every record as one text.
    pub fn all_records(&self) -> String {
        Value::from(self.records.0.lock().unwrap().clone()).to_string()
    }

    pub async fn create_key_store(&self) -> String {
        let created = self.call("CreateCustomKeyStore", create_request()).await.unwrap();
        created["CustomKeyStoreId"].as_str().unwrap().to_owned()
    }

    pub async fn create_key(&self, key_store: &str) -> String {
        let input = json!({"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": key_store});
        let created = self.call("CreateKey", input).await.unwrap();
        created["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
    }

    pub async fn connect(&self, key_store: &str) {
        self.call("ConnectCustomKeyStore", json!({"CustomKeyStoreId": key_store})).await.unwrap();
    }

    pub async fn disconnect(&self, key_store: &str) {
        self.call("DisconnectCustomKeyStore", json!({"CustomKeyStoreId": key_store})).await.unwrap();
    }

    pub async fn describe(&self, key_store: &str) -> Value {
        let described = self.call("DescribeCustomKeyStores", json!({"CustomKeyStoreId": key_store})).await.unwrap();
        described["CustomKeyStores"][0].clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(worker) = &self.worker {
            worker.task.abort();
        }
    }
}

/// CreateCustomKeyStore for the cluster of a test.
pub fn create_request() -> Value {
    json!({
        "CustomKeyStoreName": "store", "CloudHsmClusterId": CLUSTER, "KeyStorePassword": PASSWORD,
        "TrustAnchorCertificate": pem("customer CA"),
    })
}

/// The same with one member changed, or taken out.
pub fn create_request_with(member: &str, value: Value) -> Value {
    let mut request = create_request();
    match value {
        Value::Null => request.as_object_mut().unwrap().remove(member),
        value => request.as_object_mut().unwrap().insert(member.to_owned(), value),
    };
    request
}

pub fn base64(text: &str) -> String {
    STANDARD.encode(text)
}
