//! What is served beside KMS.

use std::sync::Arc;

use keystead_core::api_service::ApiService;

/// The services beside KMS at the same endpoint.
pub struct Services {
    /// AWS CloudHSM: AWS JSON 1.1 with the target `BaldrApiService`.
    pub cloudhsm: Arc<dyn ApiService>,
    /// The part of Amazon EC2 that clusters live in: the EC2 query protocol.
    pub ec2: Arc<dyn ApiService>,
    /// IAM: the AWS query protocol.
    pub iam: Arc<dyn ApiService>,
    /// STS: the AWS query protocol, with an operation that needs no signature.
    pub sts: Arc<dyn ApiService>,
}
