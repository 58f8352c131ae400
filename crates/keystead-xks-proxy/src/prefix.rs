//! One URI path prefix while the proxy runs: its credentials, policy, state and request rate.

use std::time::Instant;

use crate::access_policy::AccessPolicy;
use crate::config::PrefixConfig;
use crate::credential::{CredentialsError, CredentialsSource};
use crate::refusal::Refusal;
use crate::reloading::Reloading;
use crate::token_bucket::TokenBucket;

pub(crate) struct Prefix {
    pub(crate) credentials: Reloading<CredentialsSource>,
    pub(crate) policy: AccessPolicy,
    enabled: bool,
    rate: Option<TokenBucket>,
}

impl Prefix {
    /// Fails if the credentials file is not good.
    pub(crate) fn new(config: &PrefixConfig) -> Result<Self, CredentialsError> {
        let rate = config.max_requests_per_second;
        Ok(Self {
            credentials: CredentialsSource::follow(&config.credentials_file)?,
            policy: AccessPolicy::new(&config.allowed_keys, &config.denied_principals),
            enabled: config.enabled,
            rate: rate.map(|per_second| TokenBucket::new(per_second.get(), Instant::now())),
        })
    }

    /// Lets an authenticated request in. Fails with InvalidStateException or ThrottlingException.
    pub(crate) fn admit(&self, now: Instant) -> Result<(), Refusal> {
        if !self.enabled {
            return Err(Refusal::invalid_state("this URI path prefix is disabled in the proxy's configuration"));
        }
        if self.rate.as_ref().is_some_and(|bucket| !bucket.take(now)) {
            return Err(Refusal::throttling("more requests than max_requests_per_second of this URI path prefix"));
        }
        Ok(())
    }
}
