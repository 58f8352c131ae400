//! Leave to do an operation: on which resource, and what policies may know of it (Service Authorization Reference, "Actions, resources, and
//! condition keys for AWS CloudHSM").

use std::borrow::Cow;

use keystead_core::access::{Authorized, Resource, authorize};
use keystead_core::kms::Caller;
use keystead_model::arn::{AccountId, Region};
use keystead_policy::{ConditionKeys, ContextValue};
use serde_json::Value;

use crate::CloudHsm;
use crate::error::CloudHsmError;

/// What an operation is about. Clusters and backups are always of the caller's account; there are no others it can name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct CloudHsmResource {
    pub(crate) account: AccountId,
    name: String,
}

/// Shows that the caller may do the operation.
pub(crate) type Scope = Authorized<CloudHsmResource>;

impl CloudHsmResource {
    /// The cluster or backup that a request names; all (`*`) if it names none, or has a list of them, or describes.
    fn of_request(account: AccountId, region: &Region, operation: &str, input: &Value) -> Self {
        let described = operation.starts_with("Describe");
        let named = ["BackupId", "ClusterId", "ResourceId"].into_iter().filter(|_| !described);
        match named.filter_map(|member| input.get(member)?.as_str()).next() {
            Some(id) => Self::of_id(account, region, id),
            None => Self { account, name: "*".to_owned() },
        }
    }

    /// The cluster or backup with this ID.
    fn of_id(account: AccountId, region: &Region, id: &str) -> Self {
        let kind = if id.starts_with("backup-") { "backup" } else { "cluster" };
        Self { account, name: format!("arn:aws:cloudhsm:{region}:{account}:{kind}/{id}") }
    }
}

impl Resource for CloudHsmResource {
    fn owner(&self) -> &AccountId {
        &self.account
    }

    fn resource_name(&self) -> String {
        self.name.clone()
    }
}

/// The tags that a request gives or takes away: `aws:RequestTag/...` and `aws:TagKeys`.
struct RequestTags<'a>(&'a Value);

impl RequestTags<'_> {
    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let lists = self.0.get("TagList").and_then(Value::as_array).into_iter().flatten();
        lists.filter_map(|tag| Some((tag.get("Key")?.as_str()?, tag.get("Value")?.as_str()?)))
    }

    fn keys(&self) -> Vec<String> {
        let taken_away = self.0.get("TagKeyList").and_then(Value::as_array).into_iter().flatten();
        let taken_away = taken_away.filter_map(Value::as_str);
        self.pairs().map(|(key, _)| key).chain(taken_away).map(str::to_owned).collect()
    }
}

impl ConditionKeys for RequestTags<'_> {
    fn value_of(&self, key: &str) -> Option<Cow<'_, ContextValue>> {
        if let Some(tag) = key.strip_prefix("aws:requesttag/") {
            // Tags that differ in case alone are all told: a condition holds for none of them unseen.
            let named = self.pairs().filter(|(name, _)| name.eq_ignore_ascii_case(tag));
            let values: Vec<String> = named.map(|(_, value)| value.to_owned()).collect();
            return if values.is_empty() { None } else { Some(Cow::Owned(one_or_many(values))) };
        }
        let keys = if key == "aws:tagkeys" { self.keys() } else { Vec::new() };
        if keys.is_empty() { None } else { Some(Cow::Owned(ContextValue::Multi(keys))) }
    }
}

fn one_or_many(mut values: Vec<String>) -> ContextValue {
    match values.len() {
        1 => ContextValue::Single(values.remove(0)),
        _ => ContextValue::Multi(values),
    }
}

/// Whether the caller may do the operation with what its request names.
pub(super) fn authorized(
    cloud_hsm: &CloudHsm,
    caller: &Caller,
    operation: &str,
    input: &Value,
) -> Result<Scope, CloudHsmError> {
    let (account, region) = (caller.principal.account, &cloud_hsm.settings.region);
    let tags = RequestTags(input);
    let request = caller.access_request(cloud_hsm.clock.now(), &tags);
    let action = format!("cloudhsm:{operation}");
    let scope = authorize(&request, &action, CloudHsmResource::of_request(account, region, operation, input))?;
    // A cluster made from a backup has the backup's keys.
    if let Some(id) = input.get("SourceBackupId").and_then(Value::as_str) {
        authorize(&request, &action, CloudHsmResource::of_id(account, region, id))?;
    }
    Ok(scope)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_request_is_about() {
        let account = AccountId::parse("111122223333").unwrap();
        let region = Region::parse("us-east-1").unwrap();
        for (operation, input, name) in [
            ("DescribeClusters", json!({"Filters": {"clusterIds": ["cluster-a"]}}), "*"),
            ("CreateCluster", json!({"HsmType": "hsm1.medium"}), "*"),
            (
                "DeleteHsm",
                json!({"ClusterId": "cluster-a"}),
                "arn:aws:cloudhsm:us-east-1:111122223333:cluster/cluster-a",
            ),
            (
                "DeleteBackup",
                json!({"BackupId": "backup-a"}),
                "arn:aws:cloudhsm:us-east-1:111122223333:backup/backup-a",
            ),
            (
                "TagResource",
                json!({"ResourceId": "backup-a"}),
                "arn:aws:cloudhsm:us-east-1:111122223333:backup/backup-a",
            ),
        ] {
            let resource = CloudHsmResource::of_request(account, &region, operation, &input);
            assert_eq!(resource.resource_name(), name, "{operation}");
        }
    }

    #[test]
    fn tags_of_a_request() {
        let input = json!({"TagList": [{"Key": "Team", "Value": "blue"}], "TagKeyList": ["Old"]});
        let tags = RequestTags(&input);
        assert_eq!(tags.value_of("aws:requesttag/team").unwrap().values(), ["blue"]);
        assert_eq!(tags.value_of("aws:tagkeys").unwrap().values(), ["Team", "Old"]);
        assert!(RequestTags(&json!({})).value_of("aws:tagkeys").is_none());
    }
}
