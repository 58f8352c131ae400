//! The EC2 query API.

use std::sync::Arc;

use keystead_core::api_service::ServiceAudit;

use crate::network::Network;

/// EC2, so far as it is about VPCs and what is in them.
pub struct Ec2Service {
    network: Arc<Network>,
    audit: ServiceAudit,
}

impl Ec2Service {
    /// The service over the network of its Region. The records of `audit` are of [`Ec2Service::EVENT_SOURCE`].
    pub fn new(network: Arc<Network>, audit: ServiceAudit) -> Self {
        Self { network, audit }
    }

    /// The source of its audit records.
    pub const EVENT_SOURCE: &str = "ec2.amazonaws.com";
}
