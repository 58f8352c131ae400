//! Where a request comes from, and on which way.

use std::sync::Arc;

use crate::audit::TlsDetails;

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
