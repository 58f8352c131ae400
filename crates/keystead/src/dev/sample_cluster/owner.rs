//! What the owner of a cluster can do: call the APIs, and manage the users of the HSMs.

use std::sync::Arc;

use keystead_cloudhsm::HsmUser;
use keystead_core::Kms;
use keystead_core::api_service::ApiService;
use keystead_core::kms::Caller;
use keystead_core::port::{HsmCluster, HsmClusters};
use rustix::process::geteuid;
use serde_json::{Value, json};

use crate::Failure;
use crate::admin_socket::{Answer, HsmUsersAction, Operator, Request};
use crate::hsms::Hsms;

/// The administrator of the sample account, and the operator of this server.
pub(super) struct Owner {
    hsms: Arc<Hsms>,
    cloudhsm: Arc<dyn ApiService>,
    operator: Arc<Operator>,
    caller: Caller,
}

impl Owner {
    pub(super) fn new(hsms: Arc<Hsms>, kms: Arc<Kms>, caller: Caller) -> Self {
        Self { cloudhsm: hsms.cloudhsm_service(), operator: hsms.operator(kms), hsms, caller }
    }

    /// Calls an operation of CloudHSM.
    pub(super) async fn call(&self, operation: &str, request: &Value) -> Result<Value, Failure> {
        let answer = self.cloudhsm.invoke(Some(operation), request.to_string().as_bytes(), &self.caller).await;
        if answer.status != 200 {
            return Err(format!("{operation}: {}", String::from_utf8_lossy(&answer.body)).into());
        }
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// The entry of DescribeClusters.
    pub(super) async fn describe(&self, cluster_id: &str) -> Result<Value, Failure> {
        let described = self.call("DescribeClusters", &json!({"Filters": {"clusterIds": [cluster_id]}})).await?;
        Ok(described["Clusters"][0].clone())
    }

    /// The ID of a cluster with this tag that is not being deleted.
    pub(super) async fn cluster_tagged(&self, (key, value): (&str, &str)) -> Result<Option<String>, Failure> {
        let described = self.call("DescribeClusters", &json!({})).await?;
        let tag = json!({"Key": key, "Value": value});
        let is_it = |cluster: &&Value| {
            let is_tagged = cluster["TagList"].as_array().is_some_and(|tags| tags.contains(&tag));
            is_tagged && !matches!(cluster["State"].as_str(), Some("DELETE_IN_PROGRESS" | "DELETED"))
        };
        let found = described["Clusters"].as_array().and_then(|clusters| clusters.iter().find(is_it));
        found.map(|cluster| text(cluster, "/ClusterId")).transpose()
    }

    /// The cluster as KMS sees it. Asked again and again, so not through the API, which records each call.
    pub(super) async fn cluster(&self, cluster_id: &str) -> Result<Option<HsmCluster>, Failure> {
        let account = &self.caller.principal.account;
        Ok(self.hsms.cloud_hsm.describe_cluster(account, self.hsms.network.region(), cluster_id).await?)
    }

    /// The subnets of the sample VPC, each in a zone of its own.
    pub(super) async fn sample_subnets(&self) -> Result<Vec<String>, Failure> {
        Ok(self.hsms.network.create_sample_vpc(&self.caller.principal.account).await?.subnet_ids)
    }

    /// The users of every HSM.
    pub(super) async fn users(&self, cluster_id: &str) -> Result<Vec<HsmUser>, Failure> {
        match self.act(cluster_id, HsmUsersAction::List).await? {
            Answer::Users(lists) => match lists.iter().find_map(|list| list.problem.as_ref()) {
                Some(problem) => Err(problem.as_str().into()),
                None => Ok(lists.into_iter().flat_map(|list| list.users).collect()),
            },
            other => Err(unexpected(other)),
        }
    }

    /// Changes users on every HSM, or fails.
    pub(super) async fn change_users(&self, cluster_id: &str, action: HsmUsersAction) -> Result<(), Failure> {
        match self.act(cluster_id, action).await? {
            Answer::Outcomes(outcomes) => match outcomes.into_iter().find_map(|outcome| outcome.problem) {
                Some(problem) => Err(problem.into()),
                None => Ok(()),
            },
            other => Err(unexpected(other)),
        }
    }

    async fn act(&self, cluster_id: &str, action: HsmUsersAction) -> Result<Answer, Failure> {
        let request = Request::HsmUsers { cluster_id: cluster_id.to_owned(), hsm_id: None, action };
        Ok(self.operator.act(request, geteuid().as_raw()).await)
    }
}

/// A refusal, for what is asked here is answered in kind.
fn unexpected(answer: Answer) -> Failure {
    match answer {
        Answer::Refused(why) => why.into(),
        other => format!("an unexpected answer: {other:?}").into(),
    }
}

/// The text at a JSON pointer.
pub(super) fn text(value: &Value, pointer: &str) -> Result<String, Failure> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| format!("no {pointer} in what CloudHSM answered").into())
}
