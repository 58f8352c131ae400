//! The settings of the service.

use std::sync::Arc;
use std::time::Duration;

use keystead_attestation::AttestationRoots;
use keystead_model::arn::Region;

use crate::quota::{RequestQuotaSettings, ResourceQuotas};

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
