//! Callers, as the front end makes them once a signature is verified.

use std::sync::Arc;

use keystead_core::Kms;
use keystead_core::access::Principal;
use keystead_core::kms::{Caller, RequestOrigin};
use keystead_model::arn::Region;

use super::account;

/// The root user of the tests' account.
pub(crate) fn root() -> Principal {
    Principal::root(account())
}

/// A caller with what IAM has of it now.
pub(crate) async fn caller(kms: &Kms, principal: Principal) -> Caller {
    let policies = kms.catalog().principal_policies(&principal).await.unwrap();
    Caller {
        policies: policies.expect("the caller is gone"),
        principal: Arc::new(principal),
        access_key_id: "AKIATEST".to_owned(),
        region: Region::parse("us-east-1").unwrap(),
        origin: RequestOrigin {
            request_id: kms.new_uuid(),
            source_ip: "127.0.0.1".to_owned(),
            user_agent: "test".to_owned(),
            tls: None,
            vpc_endpoint: None,
        },
    }
}
