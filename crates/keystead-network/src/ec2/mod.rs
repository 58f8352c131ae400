//! The EC2 query API: a form with `Action` and `Version` in, XML out.
//!
//! Source: CloudHSM key stores digest 6.1, 6.2; EC2 API Reference, and the shapes of the EC2 service model.

mod answer;
mod availability_zones;
mod call;
mod error;
mod filter;
mod network_interfaces;
mod operation;
mod protocol;
mod security_group_rules;
mod security_groups;
mod selection;
mod subnets;
mod tag_specification;
mod tags;
mod vpcs;

use std::sync::Arc;

use async_trait::async_trait;
use keystead_core::KmsError;
use keystead_core::access::{AccountScope, NoConditionKeys, authorize};
use keystead_core::api_service::{ApiService, ServiceAnswer, ServiceAudit, UNKNOWN_OPERATION};
use keystead_core::kms::{Caller, RequestOrigin};
use keystead_query::{Parameters, Structure};
use serde_json::Value;

use self::call::Call;
use self::error::Ec2Error;
use self::protocol::Ec2Protocol;
use crate::network::Network;

/// The version of the API, which every request names.
const VERSION: &str = "2016-11-15";
/// The longest body, in bytes, and so the most that an audit record takes of it. AWS documents no limit (unverified).
const BODY_BYTES_MAX: usize = 64 * 1024;

/// EC2, so far as it is about VPCs and what is in them.
pub struct Ec2Service {
    network: Arc<Network>,
    audit: ServiceAudit,
}

impl Ec2Service {
    /// The source of its audit records.
    pub const EVENT_SOURCE: &str = "ec2.amazonaws.com";

    /// The service over the network of its Region. The records of `audit` are of [`Ec2Service::EVENT_SOURCE`].
    pub fn new(network: Arc<Network>, audit: ServiceAudit) -> Self {
        Self { network, audit }
    }

    /// Reads which operation is asked for, checks that the caller may, and does it.
    async fn serve(
        &self,
        name: Option<&'static str>,
        asked: Option<String>,
        mut parameters: Parameters,
        caller: &Caller,
    ) -> Result<Structure, Ec2Error> {
        let asked =
            asked.ok_or_else(|| Ec2Error::new("MissingAction", 400, "The request is missing the parameter Action."))?;
        let name = name.ok_or_else(|| Ec2Error::invalid_action(&asked))?;
        check_version(&mut parameters)?;
        let dry_run = parameters.boolean("DryRun")?;
        let scope = AccountScope { account: caller.principal.account, region: self.network.region().clone() };
        let request = caller.access_request(self.audit.clock.now(), &NoConditionKeys);
        let scope = authorize(&request, &format!("ec2:{name}"), scope)?;
        operation::dispatch(name, &Call::new(&self.network, scope, dry_run), parameters).await
    }
}

fn check_version(parameters: &mut Parameters) -> Result<(), Ec2Error> {
    match parameters.required("Version")? {
        version if version == VERSION => Ok(()),
        version => Err(Ec2Error::new(
            "NoSuchVersion",
            400,
            format!("The version {version} is not served. Pass Version={VERSION}."),
        )),
    }
}

#[async_trait]
impl ApiService for Ec2Service {
    fn signing_name(&self) -> &'static str {
        "ec2"
    }

    async fn invoke(&self, _operation: Option<&str>, body: &[u8], caller: &Caller) -> ServiceAnswer {
        let (name, request_parameters, result) = match Parameters::parse_within(body, BODY_BYTES_MAX) {
            Ok(mut parameters) => {
                let recorded = parameters.recorded();
                let asked = parameters.take("Action");
                let name = asked.as_deref().and_then(operation::named);
                (name, recorded, self.serve(name, asked, parameters, caller).await)
            }
            Err(error) => (None, Value::Null, Err(error.into())),
        };
        let name = name.unwrap_or(UNKNOWN_OPERATION);
        self.audit.answer(&Ec2Protocol, name, request_parameters, result, caller).await
    }

    async fn refuse(
        &self,
        operation: Option<&str>,
        error: KmsError,
        access_key_id: Option<&str>,
        origin: &RequestOrigin,
    ) -> ServiceAnswer {
        self.audit.answer_refusal(&Ec2Protocol, operation, error, access_key_id, origin).await
    }
}

/// Each Describe operation with the filters that can match something, to test that they do.
#[cfg(test)]
pub(crate) fn filters_of_operations() -> Vec<(&'static str, &'static [&'static str])> {
    fn of<T: selection::Described>() -> (&'static str, &'static [&'static str]) {
        (T::OPERATION, T::FILTERS)
    }
    vec![
        of::<crate::vpc::Vpc>(),
        of::<subnets::SubnetOfVpc>(),
        of::<availability_zones::ZoneOfRegion>(),
        of::<security_groups::GroupOfVpc>(),
        of::<security_group_rules::RuleOfGroup>(),
        of::<network_interfaces::InterfaceOfVpc>(),
        of::<tags::TagOfResource>(),
    ]
}
