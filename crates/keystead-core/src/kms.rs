//! The service: its parts, and the way of every request through them.

mod answer;
mod call;
mod caller;
mod key_usage;
mod ports;
mod record;
mod request_input;
mod request_origin;
mod settings;

use std::sync::Arc;

use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, CustomKeyStoreId, Region};
use keystead_model::shape::{self, Operation};
use serde_json::Value;
use tokio::sync::Notify;

pub use self::answer::Answer;
pub(crate) use self::answer::Output;
pub(crate) use self::call::Call;
pub use self::caller::Caller;
use self::key_usage::key_usages;
pub use self::ports::Ports;
use self::record::fill_error;
use self::request_input::RequestInput;
pub use self::request_origin::{RequestOrigin, VpcEndpoint};
pub use self::settings::Settings;
use crate::access::{AccessKeyUseTracker, store_access_key_uses};
use crate::audit::{AuditRecord, UserIdentity, request_parameters};
use crate::catalog::Catalog;
use crate::error::{KmsError, cause};
use crate::key::{GenerationQueue, PrivateKeyWork, UsageTracker, WrappingKeyPool, store_usages};
use crate::operation;
use crate::port::{AuditLog, Clock, Entropy, HsmBackend, HsmClusters, KeyStoreBackend};
use crate::quota::{RequestQuota, RequestQuotas, RequestRate};

/// The key management service.
pub struct Kms {
    pub(crate) settings: Settings,
    pub(crate) catalog: Catalog,
    pub(crate) backend: Arc<dyn KeyStoreBackend>,
    pub(crate) hsm_backend: Arc<dyn HsmBackend>,
    pub(crate) hsm_clusters: Arc<dyn HsmClusters>,
    pub(crate) audit_log: Arc<dyn AuditLog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Cryptographic requests of each custom key store.
    pub(crate) rate: RequestRate<CustomKeyStoreId>,
    /// Probes of proxies for each account.
    pub(crate) probe_rate: RequestRate<AccountId>,
    /// Requests of each account.
    request_quotas: RequestQuotas,
    /// Where RSA keys are made.
    pub(crate) generation_queue: GenerationQueue,
    /// Where private keys work that take long.
    pub(crate) private_key_work: PrivateKeyWork,
    /// Wrapping keys for imports.
    pub(crate) wrapping_keys: WrappingKeyPool,
    /// Last usages of keys that are not stored yet.
    pub(crate) usage_tracker: UsageTracker,
    /// Last uses of access keys that are not stored yet.
    pub(crate) access_key_use_tracker: AccessKeyUseTracker,
    pub(crate) connection_job_started: Notify,
    /// When this server began.
    pub(crate) begun: Timestamp,
}

impl Kms {
    /// The service over its ports.
    pub fn new(settings: Settings, catalog: Catalog, ports: Ports) -> Self {
        let Ports { backend, hsm_backend, hsm_clusters, audit_log, clock, entropy } = ports;
        Self {
            rate: RequestRate::new(settings.key_store_requests_per_second),
            probe_rate: RequestRate::new(settings.key_store_probes_per_second),
            request_quotas: RequestQuotas::new(&settings.request_quotas),
            begun: clock.now(),
            catalog: catalog.with_alias_quota(settings.resource_quotas.aliases_per_key),
            settings,
            backend,
            hsm_backend,
            hsm_clusters,
            audit_log,
            clock,
            entropy,
            generation_queue: GenerationQueue::default(),
            private_key_work: PrivateKeyWork::default(),
            wrapping_keys: WrappingKeyPool::default(),
            usage_tracker: UsageTracker::default(),
            access_key_use_tracker: AccessKeyUseTracker::default(),
            connection_job_started: Notify::new(),
        }
    }

    /// The home Region, which names whatever is of no Region in particular.
    pub fn home_region(&self) -> &Region {
        &self.settings.home_region
    }

    /// The Regions of this service, the home Region first.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        let Settings { home_region, other_regions, .. } = &self.settings;
        std::iter::once(home_region).chain(other_regions)
    }

    /// The Region of this service with that name.
    pub fn region_named(&self, name: &str) -> Option<&Region> {
        self.regions().find(|region| region.as_str() == name)
    }

    /// The service's clock.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The service's random bytes.
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// The service's view of the store.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// A new UUID (version 4), as text.
    pub fn new_uuid(&self) -> String {
        new_uuid(&*self.entropy)
    }

    /// Serves one verified request: read, validate, authorize, act, record, answer.
    ///
    /// The answer is given only once its audit record is written; if that fails, the answer is `KMSInternalException`.
    pub async fn invoke(&self, operation: &'static Operation, body: &[u8], caller: &Caller) -> Answer {
        static NO_MEMBERS: Value = Value::Null;
        let input = RequestInput::read(operation, body);
        let members = input.as_ref().map_or(&NO_MEMBERS, RequestInput::members);
        let mut call = Call::new(caller, operation, members, body.len(), self.clock.now());
        let result = match &input {
            Ok(_) => self.serve(&mut call).await,
            Err(error) => Err(error.clone()),
        };
        let parameters = request_parameters(operation, members);
        let now = call.now;
        let record = self.record_of(call, parameters, &result);
        let usages = if result.is_ok() { key_usages(&record, caller, now) } else { Vec::new() };
        let answer = self.recorded(record, result).await;
        // A use counts once its record is written.
        if answer.status == 200 {
            usages.into_iter().for_each(|usage| self.usage_tracker.note(usage));
        }
        answer
    }

    /// Serves a request whose members are valid.
    async fn serve(&self, call: &mut Call<'_>) -> Result<Output, KmsError> {
        self.charge_request(call)?;
        let output = operation::dispatch(self, call).await?;
        call.allowed_output(output)
    }

    /// Stores the last usages of keys, and of access keys, that were noted and are not stored yet: for the end of the service, once nothing
    /// calls it any more.
    pub async fn store_last_usages(&self) -> Result<(), KmsError> {
        store_usages(self).await?;
        store_access_key_uses(self).await
    }

    /// Counts the request against the caller's quotas.
    fn charge_request(&self, call: &Call<'_>) -> Result<(), KmsError> {
        let mut quotas = RequestQuota::of_request(call.operation.name, call.input);
        quotas.try_for_each(|quota| self.charge(call, &quota, 1, call.region()))
    }

    /// Counts so many requests against a quota of the caller's account in a Region; none and `ThrottlingException` when fewer are left.
    pub(crate) fn charge(&self, call: &Call<'_>, quota: &str, requests: u32, region: &Region) -> Result<(), KmsError> {
        let index = self.settings.other_regions.iter().position(|other| other == region).map_or(0, |index| index + 1);
        let account = call.caller.principal.account;
        if self.request_quotas.take(quota, requests, account, index, self.clock.monotonic_ms()) {
            return Ok(());
        }
        Err(KmsError::throttling().with_cause(cause::REQUEST_RATE_EXCEEDED))
    }

    /// Records and answers a request that was refused before any operation could see it: a signature that does not verify, an
    /// operation that does not exist, a body that is too large. `region` is the one that it asked.
    pub async fn refuse(
        &self,
        event_name: &str,
        error: KmsError,
        access_key_id: Option<&str>,
        region: &Region,
        origin: &RequestOrigin,
    ) -> Answer {
        let read_only = keystead_model::operation::read_only(event_name);
        let mut record = AuditRecord::of_call(event_name, region, self.clock.now(), self.new_uuid(), read_only);
        record.set_origin(origin);
        record.user_identity = UserIdentity::unknown(access_key_id);
        fill_error(&mut record, &error);
        self.recorded(record, Err(error)).await
    }
}

/// A new UUID (version 4), as text.
pub(crate) fn new_uuid(entropy: &dyn Entropy) -> String {
    let mut random = [0; 16];
    entropy.fill(&mut random);
    uuid::Builder::from_random_bytes(random).into_uuid().to_string()
}

/// The operation of that name, if the API has one.
pub fn operation_named(name: &str) -> Option<&'static Operation> {
    shape::operation(name)
}
