//! GetHealthStatus: is the proxy there, and how are the key managers behind it?

use serde::{Deserialize, Serialize};

use super::HealthRequestMetadata;
use super::limits::EKM_FLEET_MAX_INSTANCES;
use super::malformed::{MalformedResponse, not_empty};

/// A request of GetHealthStatus. The one API that is never subject to a proxy's authorization policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GetHealthStatusRequest {
    /// Who asked.
    pub request_metadata: HealthRequestMetadata,
}

/// A response of GetHealthStatus.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GetHealthStatusResponse {
    /// How many proxy instances serve; at least one.
    pub xks_proxy_fleet_size: u64,
    /// Who makes the proxy.
    pub xks_proxy_vendor: String,
    /// The proxy's product name and version.
    pub xks_proxy_model: String,
    /// Who makes the external key manager.
    pub ekm_vendor: String,
    /// The external key manager's instances, 1..=10.
    pub ekm_fleet_details: Vec<EkmInstance>,
}

/// One instance of the external key manager.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EkmInstance {
    /// The instance's id.
    pub id: String,
    /// The instance's product name.
    pub model: String,
    /// How it is.
    pub health_status: HealthStatus,
}

/// `healthStatus` of an external key manager instance.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum HealthStatus {
    /// Healthy.
    Active,
    /// Unhealthy but serving.
    Degraded,
    /// Cannot serve.
    Unavailable,
}

impl GetHealthStatusResponse {
    /// Checks the ranges and the texts. Fails with the first rule that is broken.
    pub fn validate(&self) -> Result<(), MalformedResponse> {
        if self.xks_proxy_fleet_size < 1 {
            return Err(MalformedResponse::Count {
                field: "xksProxyFleetSize",
                found: self.xks_proxy_fleet_size,
                expected: "at least 1",
            });
        }
        not_empty("xksProxyVendor", &self.xks_proxy_vendor)?;
        not_empty("xksProxyModel", &self.xks_proxy_model)?;
        not_empty("ekmVendor", &self.ekm_vendor)?;
        self.validate_fleet()
    }

    fn validate_fleet(&self) -> Result<(), MalformedResponse> {
        let instances = self.ekm_fleet_details.len();
        if !(1..=EKM_FLEET_MAX_INSTANCES).contains(&instances) {
            return Err(MalformedResponse::Count {
                field: "ekmFleetDetails",
                found: instances as u64,
                expected: "1 to 10",
            });
        }
        self.ekm_fleet_details.iter().try_for_each(|instance| {
            not_empty("ekmFleetDetails.id", &instance.id)?;
            not_empty("ekmFleetDetails.model", &instance.model)
        })
    }

    /// Whether no instance can serve: then creating, editing and connecting a key store fail.
    pub fn is_unavailable(&self) -> bool {
        self.ekm_fleet_details.iter().all(|instance| instance.health_status == HealthStatus::Unavailable)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn good() -> Value {
        json!({
            "xksProxyFleetSize": 2,
            "xksProxyVendor": "Acme Corp",
            "xksProxyModel": "Acme XKS Proxy 1.0",
            "ekmVendor": "Thales Group",
            "ekmFleetDetails": [
                {"id": "hsm-id-1", "model": "Luna 5", "healthStatus": "DEGRADED"},
                {"id": "hsm-id-2", "model": "Luna 5.1", "healthStatus": "ACTIVE"}
            ]
        })
    }

    fn with(change: impl FnOnce(&mut Value)) -> Value {
        let mut value = good();
        change(&mut value);
        value
    }

    #[test]
    fn a_good_response_round_trips() {
        let response: GetHealthStatusResponse = serde_json::from_value(good()).unwrap();
        response.validate().unwrap();
        assert!(!response.is_unavailable());
        assert_eq!(serde_json::to_value(&response).unwrap(), good());
    }

    #[test]
    fn every_broken_rule_is_found() {
        let instance = good()["ekmFleetDetails"][0].clone();
        let cases = [
            with(|v| v["xksProxyFleetSize"] = 0.into()),
            with(|v| v["xksProxyVendor"] = "".into()),
            with(|v| v["xksProxyModel"] = "".into()),
            with(|v| v["ekmVendor"] = "".into()),
            with(|v| v["ekmFleetDetails"] = json!([])),
            with(|v| v["ekmFleetDetails"] = Value::Array(vec![instance; 11])),
            with(|v| v["ekmFleetDetails"][0]["id"] = "".into()),
            with(|v| v["ekmFleetDetails"][1]["model"] = "".into()),
        ];
        for case in cases {
            let response: GetHealthStatusResponse = serde_json::from_value(case.clone()).unwrap();
            assert!(response.validate().is_err(), "{case}");
        }
    }

    #[test]
    fn mistyped_members_do_not_parse() {
        let cases = [
            with(|v| v["xksProxyFleetSize"] = "2".into()),
            with(|v| v["xksProxyFleetSize"] = (-1).into()),
            with(|v| v["ekmFleetDetails"][0]["healthStatus"] = "FINE".into()),
            with(|v| v["ekmVendor"] = Value::Null),
        ];
        for case in cases {
            assert!(serde_json::from_value::<GetHealthStatusResponse>(case.clone()).is_err(), "{case}");
        }
    }

    #[test]
    fn only_a_wholly_unavailable_fleet_is_unavailable() {
        let all = with(|v| {
            v["ekmFleetDetails"][0]["healthStatus"] = "UNAVAILABLE".into();
            v["ekmFleetDetails"][1]["healthStatus"] = "UNAVAILABLE".into();
        });
        let one = with(|v| v["ekmFleetDetails"][1]["healthStatus"] = "UNAVAILABLE".into());
        for (case, expected) in [(all, true), (one, false)] {
            let response: GetHealthStatusResponse = serde_json::from_value(case).unwrap();
            assert_eq!(response.is_unavailable(), expected);
        }
    }
}
