//! The service: its ports, its settings, and the way of every request through it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keystead_attestation::AttestationRoots;
use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, CustomKeyStoreId, KeyId, Region};
use keystead_model::kms::{Exception, KeyLastUsageTrackingOperation};
use keystead_model::shape::{self, Operation};
use keystead_model::validate::{InvalidInput, validate};
use keystead_policy::ContextValue;
use serde_json::Value;
use tokio::sync::Notify;
use zeroize::Zeroizing;

use crate::access::{
    AccessKeyUseTracker, AccessRequest, Authorized, KmsConditionKeys, Principal, PrincipalPolicies,
    RequestConditionKeys, Resource, Subject, authorize, store_access_key_uses,
};
use crate::audit::{AuditRecord, AuditResource, TlsDetails, UserIdentity, request_parameters, response_elements};
use crate::catalog::Catalog;
use crate::error::{KmsError, cause};
use crate::key::{GenerationQueue, KeyLastUsage, PrivateKeyWork, UsageTracker, WrappingKeyPool, store_usages};
use crate::operation::{self, GrantReference};
use crate::port::{AuditLog, Clock, Entropy, HsmBackend, HsmClusters, KeyStoreBackend};
use crate::quota::{RequestQuota, RequestQuotaSettings, RequestQuotas, RequestRate, ResourceQuotas};
use crate::request_input::RequestInput;

/// What an operator may set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The Region that names whatever is of no Region in particular, and that clusters of HSMs are in.
    pub home_region: Region,
    /// The Regions besides in which keys may be.
    pub other_regions: Vec<Region>,
    /// The least time that a rotation on demand, the making of a replica and the change of a primary Region take, so that the states can be
    /// seen.
    pub key_transition_min: Duration,
    /// How often keys are looked for that are due for rotation, or whose imported material has expired.
    pub key_maintenance_interval: Duration,
    /// The least time that a custom key store spends in CONNECTING and DISCONNECTING, so that the states can be seen.
    pub transition_min: Duration,
    /// How long a connection job is leased. A job that a crash left is taken up again after this.
    pub job_lease: Duration,
    /// How often a connected key store is asked for its health.
    pub health_poll_interval: Duration,
    /// How often keys are looked for whose deletion date has come.
    pub key_deletion_interval: Duration,
    /// How often the change feed is read: the window of eventual consistency between processes.
    pub change_feed_interval: Duration,
    /// The request quota of each custom key store.
    pub key_store_requests_per_second: u32,
    /// How often a second CreateCustomKeyStore and UpdateCustomKeyStore may ask a proxy for one account: what they tell of the network must
    /// not be had at any rate.
    pub key_store_probes_per_second: u32,
    /// How many keys, aliases and so on there may be.
    pub resource_quotas: ResourceQuotas,
    /// How often a second an account may call what.
    pub request_quotas: RequestQuotaSettings,
    /// The root certificates that vouch for attestation documents. With none, every document is refused.
    pub attestation_roots: Arc<AttestationRoots>,
}

/// The outside of the service, but for its store, which the catalog has.
pub struct Ports {
    /// The proxies behind external key stores.
    pub backend: Arc<dyn KeyStoreBackend>,
    /// The HSMs behind AWS CloudHSM key stores.
    pub hsm_backend: Arc<dyn HsmBackend>,
    /// What KMS may know and do of the clusters that those HSMs are in.
    pub hsm_clusters: Arc<dyn HsmClusters>,
    /// Where audit records go.
    pub audit_log: Arc<dyn AuditLog>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives random bytes.
    pub entropy: Arc<dyn Entropy>,
}

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

/// A caller whose signature is verified, and how its request came.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who it is.
    pub principal: Arc<Principal>,
    /// What IAM has of it.
    pub policies: Arc<PrincipalPolicies>,
    /// The access key that signed.
    pub access_key_id: String,
    /// The Region in the scope of the signature: the one that is asked.
    pub region: Region,
    /// How its request came.
    pub origin: RequestOrigin,
}

/// How a request came.
#[derive(Clone, Debug)]
pub struct RequestOrigin {
    /// A UUID: the `x-amzn-RequestId` of the answer.
    pub request_id: String,
    /// The caller's address.
    pub source_ip: String,
    /// The caller's `User-Agent`.
    pub user_agent: String,
    /// Set if it came over TLS.
    pub tls: Option<TlsDetails>,
    /// Set if it came through a VPC endpoint.
    pub vpc_endpoint: Option<Arc<VpcEndpoint>>,
}

/// The VPC endpoint that a request came through. Which networks are behind one, the operator says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VpcEndpoint {
    /// `vpce-` and hexadecimal digits.
    pub vpc_endpoint_id: String,
    /// `vpc-` and hexadecimal digits.
    pub vpc_id: String,
}

impl Caller {
    /// The caller's request as authorization sees it; `keys` tell what the request itself says.
    pub fn access_request<'a>(&'a self, now: Timestamp, keys: &'a RequestConditionKeys<'a>) -> AccessRequest<'a> {
        AccessRequest {
            principal: &self.principal,
            policies: &self.policies,
            origin: &self.origin,
            region: &self.region,
            now,
            keys,
        }
    }
}

/// What goes back to the caller.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body, empty for operations without an answer. May hold plaintext.
    pub body: Zeroizing<Vec<u8>>,
    /// The machine-readable cause of a failure (`x-keystead-error-cause`).
    pub cause: Option<&'static str>,
}

/// One call of an operation while it is served: the caller, and what the audit record is to say besides.
pub(crate) struct Call<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) operation: &'static Operation,
    pub(crate) now: Timestamp,
    /// Length of the request's body in bytes.
    pub(crate) body_length: usize,
    /// The validated members of the request; `null` of one that is not valid. May hold plaintexts.
    pub(crate) input: &'a Value,
    pub(crate) resources: Option<Vec<AuditResource>>,
    pub(crate) additional_event_data: serde_json::Map<String, Value>,
    /// Condition keys that are not in the request itself, with their values.
    pub(crate) computed_condition_keys: Vec<(String, ContextValue)>,
    /// What the grant tokens of the request stand for.
    pub(crate) grant_tokens: Vec<GrantReference>,
    /// Whether something of the request was authorized.
    allowed: AtomicBool,
    /// Request parameters to record although the caller left them to their default.
    pub(crate) defaulted_parameters: Vec<(&'static str, Value)>,
}

impl<'a> Call<'a> {
    /// A call that nothing is known of yet but its request.
    pub(crate) fn new(
        caller: &'a Caller,
        operation: &'static Operation,
        input: &'a Value,
        body_length: usize,
        now: Timestamp,
    ) -> Self {
        Self {
            caller,
            operation,
            now,
            body_length,
            input,
            resources: None,
            additional_event_data: serde_json::Map::new(),
            computed_condition_keys: Vec::new(),
            grant_tokens: Vec::new(),
            allowed: AtomicBool::new(false),
            defaulted_parameters: Vec::new(),
        }
    }
}

impl Call<'_> {
    /// The Region that is asked.
    pub(crate) fn region(&self) -> &Region {
        &self.caller.region
    }

    /// Notes a key that the call is about.
    pub(crate) fn note_resource(&mut self, resource: AuditResource) {
        let resources = self.resources.get_or_insert_default();
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }

    /// Notes a member of `additionalEventData`.
    pub(crate) fn note(&mut self, name: &str, value: impl Into<Value>) {
        self.additional_event_data.insert(name.to_owned(), value.into());
    }

    /// What the request tells policies when `action` is asked of such a thing.
    pub(crate) fn condition_keys<'b>(&'b self, action: &'b str, subject: Subject) -> KmsConditionKeys<'b> {
        KmsConditionKeys {
            operation: self.operation.name,
            action,
            subject,
            caller_account: &self.caller.principal.account,
            input: self.input,
            computed: &self.computed_condition_keys,
        }
    }

    /// Leave for an action of the request on something that has no grants.
    pub(crate) fn authorize<T: Resource>(
        &self,
        action: &str,
        subject: Subject,
        resource: T,
    ) -> Result<Authorized<T>, KmsError> {
        self.authorize_in(self.region(), action, subject, resource)
    }

    /// The same where the action is done in another Region than the one that is asked.
    pub(crate) fn authorize_in<T: Resource>(
        &self,
        region: &Region,
        action: &str,
        subject: Subject,
        resource: T,
    ) -> Result<Authorized<T>, KmsError> {
        let keys = self.condition_keys(action, subject);
        let request = AccessRequest { region, ..self.caller.access_request(self.now, &keys) };
        authorize(&request, action, resource).inspect(|allowed| self.note_allowed(allowed))
    }

    /// Notes that something of the request was authorized. Without that there is no answer but an error.
    pub(crate) fn note_allowed<T>(&self, _: &Authorized<T>) {
        self.allowed.store(true, Ordering::Relaxed);
    }

    /// `kms:` and the operation's name.
    pub(crate) fn action(&self) -> String {
        format!("kms:{}", self.operation.name)
    }
}

/// What an operation gives when it succeeds.
pub(crate) enum Output {
    /// 200 with an empty body.
    Nothing,
    /// 200 with `{}`.
    EmptyStructure,
    /// 200 with the JSON text of an answer, and the same as a value for the audit record where it records one.
    Body { text: Zeroizing<Vec<u8>>, recorded: Option<Value> },
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
        let input = read_input(operation, body);
        let members = input.as_ref().map_or(&NO_MEMBERS, RequestInput::members);
        let mut call = Call::new(caller, operation, members, body.len(), self.clock.now());
        let result = match &input {
            Ok(_) => match self.charge_request(&call, members) {
                Ok(()) => operation::dispatch(self, &mut call).await.and_then(|output| allowed_output(&call, output)),
                Err(error) => Err(error),
            },
            Err(error) => Err(error.clone()),
        };
        let parameters = request_parameters(operation, members);
        let now = call.now;
        let record = self.record_of(call, parameters, &result);
        let used = used_keys(operation, &record, &result);
        let event_id = record.event_id.clone();
        let answer = self.recorded(record, result).await;
        // A use counts once its record is written.
        if let Some((operation, key_ids)) = used.filter(|_| answer.status == 200) {
            for key_id in key_ids {
                self.usage_tracker.note(KeyLastUsage {
                    region: caller.region.clone(),
                    key_id,
                    operation,
                    timestamp: now,
                    event_id: event_id.clone(),
                    request_id: caller.origin.request_id.clone(),
                });
            }
        }
        answer
    }

    /// Stores the last usages of keys, and of access keys, that were noted and are not stored yet: for the end of the service, once nothing
    /// calls it any more.
    pub async fn store_last_usages(&self) -> Result<(), KmsError> {
        store_usages(self).await?;
        store_access_key_uses(self).await
    }

    /// Counts the request against the caller's quotas.
    fn charge_request(&self, call: &Call<'_>, input: &Value) -> Result<(), KmsError> {
        let mut quotas = RequestQuota::of_request(call.operation.name, input);
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

    /// The answer, once its record is written; without the record there is no other answer than that.
    async fn recorded(&self, mut record: AuditRecord, result: Result<Output, KmsError>) -> Answer {
        let of_others = record.records_of_other_accounts(|| self.new_uuid());
        for record in std::iter::once(record).chain(of_others) {
            if let Err(error) = self.audit_log.write(record).await {
                return answer(Err(error.into()));
            }
        }
        answer(result)
    }

    fn record_of(&self, mut call: Call<'_>, mut parameters: Value, result: &Result<Output, KmsError>) -> AuditRecord {
        for (name, value) in std::mem::take(&mut call.defaulted_parameters) {
            if parameters.is_null() {
                parameters = Value::Object(serde_json::Map::new());
            }
            if let Value::Object(parameters) = &mut parameters {
                parameters.entry(name).or_insert(value);
            }
        }
        let name = call.operation.name;
        let read_only = keystead_model::operation::read_only(name);
        let mut record = AuditRecord::of_call(name, call.region(), call.now, self.new_uuid(), read_only);
        record.set_origin(&call.caller.origin);
        record.user_identity = UserIdentity::of(&call.caller.principal, &call.caller.access_key_id);
        record.recipient_account_id = Some(call.caller.principal.account.to_string());
        record.request_parameters = parameters;
        record.additional_event_data = call.additional_event_data;
        match result {
            Ok(output) if !read_only => {
                record.response_elements = recorded_output(output, call.resources.as_deref());
            }
            Ok(_) => {}
            Err(error) => fill_error(&mut record, error),
        }
        record.resources = call.resources;
        record
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

/// The second line behind the types: what asked nobody for leave does not answer, whatever it is.
fn allowed_output(call: &Call<'_>, output: Output) -> Result<Output, KmsError> {
    if call.allowed.load(Ordering::Relaxed) {
        return Ok(output);
    }
    Err(KmsError::internal(&format!("{} answers and was never authorized", call.operation.name)))
}

/// The keys that a successful operation has used, if it is one that counts as use (KMS API Reference, GetKeyLastUsage): one, or both of
/// ReEncrypt.
fn used_keys(
    operation: &Operation,
    record: &AuditRecord,
    result: &Result<Output, KmsError>,
) -> Option<(KeyLastUsageTrackingOperation, Vec<KeyId>)> {
    let (Ok(operation), Ok(_)) = (operation.name.parse(), result) else { return None };
    let key_id = |resource: &AuditResource| KeyId::parse(resource.arn.rsplit_once("key/")?.1);
    Some((operation, record.resources.as_deref().unwrap_or_default().iter().filter_map(key_id).collect()))
}

/// A new UUID (version 4), as text.
pub(crate) fn new_uuid(entropy: &dyn Entropy) -> String {
    let mut random = [0; 16];
    entropy.fill(&mut random);
    uuid::Builder::from_random_bytes(random).into_uuid().to_string()
}

fn fill_error(record: &mut AuditRecord, error: &KmsError) {
    // CloudTrail shortens this one name (unverified for KMS); the others are recorded in full.
    let code = if error.exception == Exception::AccessDenied { "AccessDenied" } else { error.exception.name() };
    record.set_error(code.to_owned(), error.message.as_deref());
    if let Some(cause) = error.cause {
        record.additional_event_data.insert("errorCause".to_owned(), cause.into());
    }
}

/// A mutation without an answer of its own records the key it changed.
fn recorded_output(output: &Output, resources: Option<&[AuditResource]>) -> Value {
    match output {
        Output::Body { recorded: Some(answer), .. } => response_elements(answer),
        Output::Body { recorded: None, .. } | Output::EmptyStructure => Value::Null,
        Output::Nothing => resources
            .and_then(|resources| resources.iter().find(|resource| resource.resource_type == "AWS::KMS::Key"))
            .map_or(Value::Null, |key| serde_json::json!({ "keyId": key.arn })),
    }
}

/// Parses and validates a request body; an empty body is an empty request.
fn read_input(operation: &Operation, body: &[u8]) -> Result<RequestInput, KmsError> {
    let input = RequestInput::from(if body.is_empty() {
        Value::Object(serde_json::Map::new())
    } else {
        serde_json::from_slice(body).map_err(|_| {
            KmsError::new(
                Exception::Serialization,
                "The request body is not JSON. Send the operation's members as one JSON object.",
            )
        })?
    });
    match validate(operation.input, input.members()) {
        Ok(()) => check_encryption_context_size(input.members()).map(|()| input),
        Err(InvalidInput::Serialization(message)) => Err(KmsError::new(Exception::Serialization, message)),
        Err(InvalidInput::Constraint(message)) => Err(KmsError::validation(message)),
    }
}

/// The longest encryption context, keys and values together. AWS documents no limit of its own (unverified); without one, a request could
/// write an audit record as long as itself.
const ENCRYPTION_CONTEXT_BYTES_MAX: usize = 16 * 1024;

fn check_encryption_context_size(input: &Value) -> Result<(), KmsError> {
    for member in ["EncryptionContext", "SourceEncryptionContext", "DestinationEncryptionContext"] {
        let Some(Value::Object(context)) = input.get(member) else { continue };
        let bytes: usize = context.iter().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
        if bytes > ENCRYPTION_CONTEXT_BYTES_MAX {
            return Err(KmsError::validation(format!(
                "{member} has {bytes} bytes; its keys and values together may have at most {ENCRYPTION_CONTEXT_BYTES_MAX}."
            )));
        }
    }
    Ok(())
}

/// The operation of that name, if the API has one.
pub fn operation_named(name: &str) -> Option<&'static Operation> {
    shape::operation(name)
}

fn answer(result: Result<Output, KmsError>) -> Answer {
    match result {
        Ok(Output::Nothing) => Answer { status: 200, body: Zeroizing::default(), cause: None },
        Ok(Output::EmptyStructure) => Answer { status: 200, body: Zeroizing::new(b"{}".to_vec()), cause: None },
        Ok(Output::Body { text, .. }) => Answer { status: 200, body: text, cause: None },
        Err(error) => {
            let mut body = serde_json::Map::new();
            body.insert("__type".to_owned(), error.exception.name().into());
            if let Some(message) = error.message {
                body.insert("message".to_owned(), message.into());
            }
            Answer {
                status: error.exception.status(),
                body: Zeroizing::new(Value::Object(body).to_string().into_bytes()),
                cause: error.cause,
            }
        }
    }
}
