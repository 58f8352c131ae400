//! The client half of the XKS proxy protocol: how KMS calls the proxies of external key stores.
//!
//! Every key store has a circuit breaker, a limit of calls in flight, a pool of connections and a credential of its own;
//! key stores share nothing that could make one wait for another. (Key stores that are being created share lookups of the
//! same host, see `lookups.rs`.)
//!
//! One attempt has 250 ms in all, and a network timeout is followed by one more. Besides, once per KMS call, a request goes out
//! again at once if nothing came in answer because the connection, used before, ended, or because the proxy refused the
//! HTTP/2 stream: so a proxy sees one call's request three times at the most. Sources: XKS Proxy API specification 1.0.3; KMS Developer Guide, "External key stores".

mod breaker;
mod budget;
mod config;
mod connection;
mod dial;
mod egress;
mod endpoint;
mod failure;
mod keeper;
mod key_store;
mod lease;
mod lookups;
mod pool;
mod request;
mod resolver;
mod response;
mod trust;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use ipnet::IpNet;
use keystead_core::key_store::ProxyFailure;
use keystead_core::port::{
    BackendCiphertext, CallMetadata, ExternalKeyMetadata, ExternalLink, KeyStoreBackend, KeyStoreLink,
};
use keystead_model::arn::CustomKeyStoreId;
use zeroize::Zeroizing;

pub use self::breaker::BreakerPolicy;
pub use self::config::{ClientConfig, ConfigError};
pub use self::resolver::{HostResolver, SystemResolver};
pub use self::trust::{ClientCertificate, TrustRoots};

use self::breaker::Breaker;
use self::dial::{Dialer, Route};
use self::endpoint::Endpoint;
use self::keeper::KeeperPolicy;
use self::key_store::{KeyStoreClient, Urgency};
use self::lookups::{Lookups, ProbeLookups};
use self::pool::{Lifetime, Pool};
use self::resolver::AddressBook;
use self::response::Answer;
use crate::wire::{
    Base64Bytes, CryptoRequestMetadata, DecryptRequest, EncryptRequest, EncryptionAlgorithm, ExternalKeyId,
    GetHealthStatusRequest, GetKeyMetadataRequest, HealthRequestMetadata, IntegrityAlgorithm, KeyRequestMetadata,
    RequestTarget, kms_operation,
};

/// The specification's name for a caller that is no principal of the customer.
const NO_PRINCIPAL: &str = "AWS Internal";

/// What is sent to a proxy.
struct Post<'a> {
    target: RequestTarget<'a>,
    body: Bytes,
    urgency: Urgency,
}

/// The backend of external key stores: calls their proxies.
///
/// The first call to a key store makes its connections; [`KeyStoreBackend::forget`] closes them. Must be used within a
/// tokio runtime with I/O and time.
pub struct XksProxyClient {
    config: ClientConfig,
    tls: Arc<rustls::ClientConfig>,
    resolver: Arc<dyn HostResolver>,
    allowed_networks: Arc<[IpNet]>,
    probe_lookups: ProbeLookups,
    key_stores: RwLock<HashMap<CustomKeyStoreId, Arc<KeyStoreClient>>>,
}

impl fmt::Debug for XksProxyClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XksProxyClient").finish_non_exhaustive()
    }
}

impl XksProxyClient {
    /// A client with the operating system's resolver. Fails if the configuration could never work.
    pub fn new(config: ClientConfig) -> Result<Self, ConfigError> {
        Self::with_resolver(config, Arc::new(SystemResolver))
    }

    /// A client that asks `resolver` for the addresses of hosts that `connect_to` does not name.
    pub fn with_resolver(config: ClientConfig, resolver: Arc<dyn HostResolver>) -> Result<Self, ConfigError> {
        config.validate()?;
        let tls = trust::tls_config(&config.trust_roots, config.client_certificate.as_ref())?;
        for (host, address) in &config.connect_to {
            tracing::info!(host, %address, "connect_to: this host is reached at a fixed address, not through DNS");
        }
        Ok(Self {
            tls,
            resolver,
            allowed_networks: config.allowed_networks.as_slice().into(),
            probe_lookups: ProbeLookups::default(),
            key_stores: RwLock::default(),
            config,
        })
    }

    /// The client of a key store: the one that is there if its configuration is still the same, else a new one.
    fn key_store(&self, id: &CustomKeyStoreId, link: &Arc<ExternalLink>) -> Result<Arc<KeyStoreClient>, ProxyFailure> {
        if let Some(found) = self.known(id).filter(|found| found.serves(link)) {
            return Ok(found);
        }
        let made = Arc::new(self.new_key_store(link)?);
        let mut key_stores = self.key_stores.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = key_stores.get(id).filter(|found| found.serves(link)) {
            return Ok(Arc::clone(found));
        }
        if let Some(replaced) = key_stores.insert(id.clone(), Arc::clone(&made)) {
            replaced.close();
        }
        Ok(made)
    }

    fn known(&self, id: &CustomKeyStoreId) -> Option<Arc<KeyStoreClient>> {
        let key_stores = self.key_stores.read().unwrap_or_else(PoisonError::into_inner);
        key_stores.get(id).map(Arc::clone)
    }

    fn new_key_store(&self, link: &Arc<ExternalLink>) -> Result<KeyStoreClient, ProxyFailure> {
        let config = &self.config;
        let endpoint = Endpoint::of(link).map_err(|reason| {
            tracing::warn!(endpoint = link.uri_endpoint, %reason, "an XKS proxy's endpoint may not be called");
            ProxyFailure::AddressNotAllowed
        })?;
        let lookups = match link.custom_key_store_id {
            Some(_) => Lookups::one_at_a_time(),
            None => self.probe_lookups.of(&endpoint.host),
        };
        let route = self.route(&endpoint, lookups);
        let dialer = Dialer::new(endpoint, route, Arc::clone(&self.tls));
        let lifetime = Lifetime { idle_timeout: config.idle_timeout, max_age: config.max_connection_age };
        let pool = Pool::new(dialer, config.max_connections_per_key_store, lifetime);
        let keeper_policy = KeeperPolicy {
            connections: config.warm_connections_per_key_store,
            timeout: config.request_timeout,
            pause: config.reconnect_pause,
            pause_max: config.reconnect_pause_max,
        };
        Ok(KeyStoreClient::new(
            Arc::clone(link),
            pool,
            Breaker::new(config.breaker),
            config.max_in_flight_per_key_store,
            keeper_policy,
        ))
    }

    fn route(&self, endpoint: &Endpoint, lookups: Lookups) -> Route {
        if let Some(address) = self.config.fixed_address(&endpoint.host) {
            return Route::Fixed(address);
        }
        Route::Resolved {
            addresses: AddressBook::new(
                endpoint.host.clone(),
                Arc::clone(&self.resolver),
                Arc::clone(&self.allowed_networks),
                self.config.dns_ttl,
                lookups,
            ),
            port: endpoint::PORT,
        }
    }

    /// Calls one API, reads its answer with `read`, and says in the log how it went.
    async fn call<T>(
        &self,
        link: &KeyStoreLink,
        request: Post<'_>,
        call: &CallMetadata<'_>,
        read: impl FnOnce(&Answer) -> Result<T, ProxyFailure>,
    ) -> Result<T, ProxyFailure> {
        let KeyStoreLink::External(link) = link;
        let started = Instant::now();
        let api = request.target.api();
        let answered = self.post(link, request, read).await;
        tracing::debug!(
            key_store = link.custom_key_store_id.as_ref().map(|id| id.as_str()),
            xks_operation = api.name(),
            kms_operation = call.kms_operation,
            kms_request_id = call.kms_request_id,
            latency_us = started.elapsed().as_micros() as u64,
            failure = ?answered.as_ref().err(),
            "called an XKS proxy"
        );
        answered
    }

    async fn post<T>(
        &self,
        link: &Arc<ExternalLink>,
        Post { target, body, urgency }: Post<'_>,
        read: impl FnOnce(&Answer) -> Result<T, ProxyFailure>,
    ) -> Result<T, ProxyFailure> {
        // Where KMS refuses a URI that is too long is unverified: here, before the proxy could.
        let path = target.path(&link.uri_endpoint, &link.uri_path).map_err(|_| ProxyFailure::InvalidUriPath)?;
        let Some(id) = &link.custom_key_store_id else {
            let once = self.new_key_store(link)?;
            let answered = once.call(path, body, urgency).await;
            once.close();
            return read(&answered?);
        };
        let key_store = self.key_store(id, link)?;
        let success = read(&key_store.call(path, body, urgency).await?)?;
        key_store.keep_warm();
        Ok(success)
    }
}

#[async_trait]
impl KeyStoreBackend for XksProxyClient {
    async fn check_health(&self, link: &KeyStoreLink, call: &CallMetadata<'_>) -> Result<(), ProxyFailure> {
        let request = GetHealthStatusRequest {
            request_metadata: HealthRequestMetadata {
                kms_request_id: call.kms_request_id.to_owned(),
                kms_operation: Cow::Owned(call.kms_operation.to_owned()),
            },
        };
        // The poll in the background is no probe: it respects an open circuit as everybody else does.
        let urgency = match call.kms_operation {
            kms_operation::KMS_HEALTH_CHECK => Urgency::Ordinary,
            _ => Urgency::Probe,
        };
        let body = Bytes::from(written(serde_json::to_vec(&request))?);
        let request = Post { target: RequestTarget::Health, body, urgency };
        self.call(link, request, call, response::health).await
    }

    async fn key_metadata(
        &self,
        link: &KeyStoreLink,
        key: &str,
        call: &CallMetadata<'_>,
    ) -> Result<ExternalKeyMetadata, ProxyFailure> {
        let key = external_key_id(key)?;
        let request = GetKeyMetadataRequest {
            request_metadata: KeyRequestMetadata {
                aws_principal_arn: principal(call),
                aws_source_vpc: call.aws_source_vpc.map(str::to_owned),
                aws_source_vpce: call.aws_source_vpce.map(str::to_owned),
                kms_operation: Cow::Owned(call.kms_operation.to_owned()),
                kms_request_id: call.kms_request_id.to_owned(),
            },
        };
        let body = Bytes::from(written(serde_json::to_vec(&request))?);
        let request = Post { target: RequestTarget::Metadata(&key), body, urgency: Urgency::Ordinary };
        self.call(link, request, call, response::key_metadata).await
    }

    async fn encrypt(
        &self,
        link: &KeyStoreLink,
        key: &str,
        plaintext: &[u8],
        aad: &[u8],
        call: &CallMetadata<'_>,
    ) -> Result<BackendCiphertext, ProxyFailure> {
        let key = external_key_id(key)?;
        let request = EncryptRequest {
            request_metadata: crypto_metadata(call),
            plaintext: plaintext.into(),
            encryption_algorithm: EncryptionAlgorithm::AesGcm,
            additional_authenticated_data: unless_empty(aad),
            // Whether AWS always asks is unverified; asking always means that no ciphertext is accepted unproven.
            ciphertext_data_integrity_value_algorithm: Some(IntegrityAlgorithm::Sha256),
        };
        let body = Bytes::from_owner(written(request.to_json())?);
        let request = Post { target: RequestTarget::Encrypt(&key), body, urgency: Urgency::Ordinary };
        self.call(link, request, call, |answer| response::encrypt(answer, plaintext.len(), aad)).await
    }

    async fn decrypt(
        &self,
        link: &KeyStoreLink,
        key: &str,
        ciphertext: &BackendCiphertext,
        aad: &[u8],
        call: &CallMetadata<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, ProxyFailure> {
        let key = external_key_id(key)?;
        let request = DecryptRequest {
            request_metadata: crypto_metadata(call),
            ciphertext: ciphertext.ciphertext.as_slice().into(),
            // Replayed exactly: present, if only empty, when Encrypt's answer had it.
            ciphertext_metadata: ciphertext.metadata.as_deref().map(Into::into),
            encryption_algorithm: EncryptionAlgorithm::AesGcm,
            additional_authenticated_data: unless_empty(aad),
            initialization_vector: ciphertext.initialization_vector.as_slice().into(),
            authentication_tag: ciphertext.authentication_tag.as_slice().into(),
        };
        let body = Bytes::from(written(serde_json::to_vec(&request))?);
        let request = Post { target: RequestTarget::Decrypt(&key), body, urgency: Urgency::Ordinary };
        self.call(link, request, call, |answer| response::decrypt(answer, ciphertext.ciphertext.len())).await
    }

    fn forget(&self, id: &CustomKeyStoreId) {
        let forgotten = self.key_stores.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some(key_store) = forgotten {
            key_store.close();
        }
    }
}

/// No external key can have an ID outside the specification's alphabet, so there is none to be found.
fn external_key_id(key: &str) -> Result<ExternalKeyId, ProxyFailure> {
    ExternalKeyId::new(key).map_err(|reason| {
        tracing::warn!(%reason, "an external key ID is not one of the specification");
        ProxyFailure::KeyNotFound
    })
}

fn crypto_metadata(call: &CallMetadata<'_>) -> CryptoRequestMetadata {
    CryptoRequestMetadata {
        aws_principal_arn: principal(call),
        aws_source_vpc: call.aws_source_vpc.map(str::to_owned),
        aws_source_vpce: call.aws_source_vpce.map(str::to_owned),
        kms_key_arn: call.kms_key_arn.unwrap_or_default().to_owned(),
        kms_operation: Cow::Owned(call.kms_operation.to_owned()),
        kms_request_id: call.kms_request_id.to_owned(),
        kms_via_service: None,
    }
}

fn principal(call: &CallMetadata<'_>) -> String {
    call.aws_principal_arn.unwrap_or(NO_PRINCIPAL).to_owned()
}

/// Absent and empty additional authenticated data are the same; absent is shorter.
fn unless_empty(aad: &[u8]) -> Option<Base64Bytes> {
    (!aad.is_empty()).then(|| aad.into())
}

/// A request of texts, numbers and base64 can always be written; if not, nothing was sent.
fn written<T>(body: serde_json::Result<T>) -> Result<T, ProxyFailure> {
    body.map_err(|error| {
        tracing::error!(%error, "a request to an XKS proxy cannot be written as JSON");
        ProxyFailure::Validation
    })
}
