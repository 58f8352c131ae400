//! What outlives a crash (store, clock, root key), and servers over it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keystead_core::access::{Account, Principal, PrincipalPolicies};
use keystead_core::audit::AuditRecord;
use keystead_core::catalog::Catalog;
use keystead_core::key::Key;
use keystead_core::kms::{Caller, RequestOrigin, Settings, operation_named};
use keystead_core::port::{AuditError, AuditLog, Clock, KeyStoreBackend, Store, SystemEntropy};
use keystead_core::quota::{RequestQuotaSettings, ResourceQuotas};
use keystead_core::sealing::RootKey;
use keystead_core::{Kms, Ports};
use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, KeyArn, Region};
use keystead_store::SqliteStore;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::no_key_stores::{NoHsms, NoKeyStores};

/// The home Region.
pub const VIRGINIA: &str = "us-east-1";
pub const OHIO: &str = "us-east-2";
pub const IRELAND: &str = "eu-west-1";
pub const TOKYO: &str = "ap-northeast-1";
/// How long transitions take at least.
pub const KEY_TRANSITION_MS: i64 = 5000;

/// A clock that tests turn forward.
pub struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// An audit log in memory.
#[derive(Default)]
struct Records(Mutex<Vec<Value>>);

#[async_trait]
impl AuditLog for Records {
    async fn write(&self, record: AuditRecord) -> Result<(), AuditError> {
        self.0.lock().unwrap().push(serde_json::to_value(record).unwrap());
        Ok(())
    }
}

/// What outlives a crash.
pub struct Installation {
    _folder: TempDir,
    pub store: Arc<SqliteStore>,
    pub clock: Arc<TestClock>,
    root_key: Arc<RootKey>,
}

impl Installation {
    /// With one account.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("keystead.db")).await.unwrap());
        let created = Timestamp::from_millis(1_790_000_000_000);
        store.insert_account(&Account::new(account(), "test".to_owned(), created)).await.unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(created.millis())));
        Self { _folder: folder, store, clock, root_key: Arc::new(RootKey::new(&[7; 32]).unwrap()) }
    }

    /// A server; several may run at once.
    pub fn serve(&self) -> Server {
        self.serve_with(|_| {})
    }

    /// A server with other settings than those of the tests.
    pub fn serve_with(&self, change: impl FnOnce(&mut Settings)) -> Server {
        self.serve_before(Arc::new(NoKeyStores), change)
    }

    /// The same with the proxies of external key stores.
    pub fn serve_before(&self, backend: Arc<dyn KeyStoreBackend>, change: impl FnOnce(&mut Settings)) -> Server {
        let regions = [OHIO, IRELAND, TOKYO].map(region);
        let mut settings = Settings {
            home_region: region(VIRGINIA),
            other_regions: regions.to_vec(),
            key_transition_min: Duration::from_millis(KEY_TRANSITION_MS as u64),
            key_maintenance_interval: Duration::from_secs(3600),
            transition_min: Duration::ZERO,
            job_lease: Duration::from_secs(10),
            health_poll_interval: Duration::from_secs(3600),
            key_deletion_interval: Duration::from_secs(3600),
            change_feed_interval: Duration::from_secs(3600),
            key_store_requests_per_second: 1800,
            key_store_probes_per_second: 50,
            resource_quotas: ResourceQuotas::default(),
            request_quotas: RequestQuotaSettings { enabled: false, ..RequestQuotaSettings::default() },
            attestation_roots: Arc::default(),
        };
        change(&mut settings);
        let records = Arc::new(Records::default());
        let ports = Ports {
            backend,
            hsm_backend: Arc::new(NoHsms),
            hsm_clusters: Arc::new(NoHsms),
            audit_log: records.clone(),
            clock: self.clock.clone(),
            entropy: Arc::new(SystemEntropy),
        };
        let catalog = Catalog::new(self.store.clone(), self.root_key.clone());
        Server { kms: Arc::new(Kms::new(settings, catalog, ports)), records }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Turns the clock forward by milliseconds, or back.
    pub fn advance(&self, by_ms: i64) {
        self.clock.0.fetch_add(by_ms, Ordering::SeqCst);
    }

    pub fn advance_days(&self, days: i64) {
        self.advance(days * 24 * 60 * 60 * 1000);
    }

    /// The key as it is stored.
    pub async fn stored(&self, arn: &str) -> Key {
        let arn = KeyArn::parse(arn).unwrap();
        self.store.key(arn.region(), &arn.key_id()).await.unwrap().unwrap()
    }
}

pub fn account() -> AccountId {
    AccountId::parse("111122223333").unwrap()
}

fn region(name: &str) -> Region {
    Region::parse(name).unwrap()
}

/// A running server.
pub struct Server {
    pub kms: Arc<Kms>,
    records: Arc<Records>,
}

/// An answer: the body, or the exception with its message.
pub type Answer = Result<Value, Refused>;

#[derive(PartialEq, Eq, Debug)]
pub struct Refused {
    pub exception: String,
    pub message: String,
}

impl Server {
    /// Calls an operation in the Region of the ARN in `KeyId`, or else in the home Region.
    pub async fn call(&self, operation: &str, input: Value) -> Answer {
        let arn = input["KeyId"].as_str().and_then(KeyArn::parse);
        let asked = arn.map_or_else(|| region(VIRGINIA), |arn| arn.region().clone());
        self.call_in(asked.as_str(), operation, input).await
    }

    pub async fn call_in(&self, asked: &str, operation: &str, input: Value) -> Answer {
        let root = Principal::root(account());
        self.call_as(&root, PrincipalPolicies::none(), region(asked), operation, input).await
    }

    /// Calls an operation in the name of `principal`, of which IAM has these policies.
    pub async fn call_as(
        &self,
        principal: &Principal,
        policies: Arc<PrincipalPolicies>,
        region: Region,
        operation: &str,
        input: Value,
    ) -> Answer {
        let origin = RequestOrigin {
            request_id: self.kms.new_uuid(),
            source_ip: "127.0.0.1".to_owned(),
            user_agent: "test".to_owned(),
            tls: None,
            vpc_endpoint: None,
        };
        let access_key_id = "AKIATEST".to_owned();
        let caller = Caller { principal: Arc::new(principal.clone()), policies, access_key_id, region, origin };
        let operation = operation_named(operation).expect("no such operation");
        let answer = self.kms.invoke(operation, input.to_string().as_bytes(), &caller).await;
        let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        if answer.status == 200 {
            return Ok(body);
        }
        Err(Refused {
            exception: body["__type"].as_str().unwrap().to_owned(),
            message: body["message"].as_str().unwrap_or_default().to_owned(),
        })
    }

    /// The refusal that a call must end with.
    pub async fn refused(&self, operation: &str, input: Value) -> Refused {
        match self.call(operation, input).await {
            Ok(answer) => panic!("{operation} succeeded: {answer}"),
            Err(refused) => refused,
        }
    }

    /// Makes a key in the home Region, and returns its ARN.
    pub async fn create_key(&self, input: Value) -> String {
        text(&self.call("CreateKey", input).await.unwrap()["KeyMetadata"]["Arn"])
    }

    /// Replicates a key, and returns the replica's ARN. It is Creating until a transition is over.
    pub async fn replicate(&self, arn: &str, replica_region: &str) -> String {
        let input = json!({"KeyId": arn, "ReplicaRegion": replica_region});
        text(&self.call("ReplicateKey", input).await.unwrap()["ReplicaKeyMetadata"]["Arn"])
    }

    pub async fn describe(&self, arn: &str) -> Value {
        self.call("DescribeKey", json!({"KeyId": arn})).await.unwrap()["KeyMetadata"].clone()
    }

    pub async fn encrypt(&self, arn: &str, plaintext: &[u8]) -> Value {
        let input = json!({"KeyId": arn, "Plaintext": STANDARD.encode(plaintext)});
        self.call("Encrypt", input).await.unwrap()["CiphertextBlob"].clone()
    }

    /// The plaintext, and the ID of the material that decrypted it.
    pub async fn decrypt(&self, arn: &str, ciphertext: &Value) -> (Vec<u8>, String) {
        let answer = self.call("Decrypt", json!({"KeyId": arn, "CiphertextBlob": ciphertext})).await.unwrap();
        (STANDARD.decode(text(&answer["Plaintext"])).unwrap(), text(&answer["KeyMaterialId"]))
    }

    /// All materials of a key, as ListKeyRotations shows them.
    pub async fn materials(&self, arn: &str) -> Vec<Value> {
        let input = json!({"KeyId": arn, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"});
        self.call("ListKeyRotations", input).await.unwrap()["Rotations"].as_array().unwrap().clone()
    }

    /// The audit records of an event, in order.
    pub fn records(&self, event_name: &str) -> Vec<Value> {
        let records = self.records.0.lock().unwrap();
        records.iter().filter(|record| record["eventName"] == event_name).cloned().collect()
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
