//! Users, groups, roles, policies and providers to store.

use std::collections::{BTreeMap, BTreeSet};

use keystead_core::access::{
    AccessKeyUse, AttachedPolicies, Group, ManagedPolicy, OidcProvider, PolicyVersion, Role, User,
};
use keystead_core::port::{PolicyHolder, PolicyReference, Store};

use super::fixtures::*;

/// A managed policy of AWS.
pub const ADMINISTRATOR_ACCESS: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// A document for policies of any kind.
pub const DOCUMENT: &str = r#"{"Statement": [{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}"#;

pub fn group(account: u64, group_name: &str) -> Group {
    Group {
        account: account_id(account),
        group_name: group_name.to_owned(),
        path: "/".to_owned(),
        group_id: format!("AGPA{}", group_name.to_uppercase()),
        created: at(2),
        policies: AttachedPolicies::default(),
        revision: 1,
    }
}

pub fn role(account: u64, role_name: &str) -> Role {
    Role {
        account: account_id(account),
        role_name: role_name.to_owned(),
        path: "/".to_owned(),
        role_id: format!("AROA{}", role_name.to_uppercase()),
        created: at(2),
        description: format!("role {role_name}"),
        trust_policy: DOCUMENT.to_owned(),
        trust_policy_principals: BTreeMap::new(),
        max_session_duration: 3600,
        tags: BTreeMap::new(),
        policies: AttachedPolicies::default(),
        permissions_boundary: None,
        sessions_revoked_before: None,
        revision: 1,
    }
}

/// A managed policy with one version.
pub fn policy(account: u64, policy_name: &str) -> ManagedPolicy {
    ManagedPolicy {
        account: account_id(account),
        policy_name: policy_name.to_owned(),
        path: "/".to_owned(),
        policy_id: format!("ANPA{}", policy_name.to_uppercase()),
        created: at(2),
        updated: at(2),
        description: format!("policy {policy_name}"),
        tags: BTreeMap::new(),
        versions: vec![policy_version(1)],
        default_version: 1,
        next_version: 2,
        revision: 1,
    }
}

pub fn policy_version(number: u32) -> PolicyVersion {
    PolicyVersion { number, document: DOCUMENT.to_owned(), created: at(i64::from(number)) }
}

pub fn oidc_provider(account: u64, url: &str) -> OidcProvider {
    OidcProvider {
        account: account_id(account),
        url: url.to_owned(),
        client_ids: texts(&["sts.amazonaws.com"]),
        thumbprints: vec!["b".repeat(40), "a".repeat(40)],
        created: at(2),
        tags: pairs(&[("team", "blue")]),
        revision: 1,
    }
}

/// The last use of an access key, at so many seconds.
pub fn access_key_use(access_key_id: &str, second: i64, service: &str) -> AccessKeyUse {
    AccessKeyUse {
        access_key_id: access_key_id.to_owned(),
        date: at(second),
        region: "us-east-1".to_owned(),
        service: service.to_owned(),
    }
}

/// Managed policies alone.
pub fn attached(arns: &[&str]) -> AttachedPolicies {
    AttachedPolicies { inline: BTreeMap::new(), managed: texts(arns) }
}

/// Managed policies and two inline ones.
pub fn attached_and_inline(arns: &[&str]) -> AttachedPolicies {
    let inline = pairs(&[("z", DOCUMENT), ("a", "{\"Statement\":\n[]}")]);
    AttachedPolicies { inline, ..attached(arns) }
}

pub fn texts(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

pub fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Who attaches a policy and does nothing else with it.
pub fn attaches(holder: PolicyHolder, name: &str) -> PolicyReference {
    let prefix = match holder {
        PolicyHolder::User => "AIDA",
        PolicyHolder::Group => "AGPA",
        PolicyHolder::Role => "AROA",
    };
    PolicyReference {
        holder,
        name: name.to_owned(),
        unique_id: format!("{prefix}{}", name.to_uppercase()),
        path: "/".to_owned(),
        attached: true,
        boundary: false,
    }
}

/// Adds account 1, and [`policies_and_groups`] to it.
pub async fn with_groups_and_policies(store: &dyn Store) -> [String; 2] {
    with_account(store).await;
    policies_and_groups(store).await
}

/// Adds the groups `admins` and `readers` and the policies `one` and `two` to account 1; the ARNs of the policies.
pub async fn policies_and_groups(store: &dyn Store) -> [String; 2] {
    for name in ["admins", "readers"] {
        store.insert_group(&group(1, name), AMPLE).await.unwrap();
    }
    let policies = [policy(1, "one"), ManagedPolicy { path: "/team/".to_owned(), ..policy(1, "two") }];
    for policy in &policies {
        store.insert_policy(policy, AMPLE).await.unwrap();
    }
    policies.map(|policy| policy.arn())
}

/// A user that has all that a user may have.
pub fn full_user(policies: &[String; 2]) -> User {
    User {
        path: "/division/team/".to_owned(),
        tags: pairs(&[("z", "1"), ("a", "")]),
        policies: attached_and_inline(&[&policies[0], ADMINISTRATOR_ACCESS]),
        permissions_boundary: Some(policies[1].clone()),
        groups: texts(&["admins", "readers"]),
        sessions_revoked_before: Some(at(7)),
        revision: 5,
        ..user(1, "alice")
    }
}

/// A role that has all that a role may have.
pub fn full_role(policies: &[String; 2]) -> Role {
    Role {
        path: "/service/".to_owned(),
        description: "äöü \u{1f511}".to_owned(),
        trust_policy_principals: pairs(&[("arn:aws:iam::000000000001:user/ä", "AIDAA"), ("'\"", "AROAB")]),
        max_session_duration: 43_200,
        tags: pairs(&[("z", "1"), ("a", "")]),
        policies: attached_and_inline(&[&policies[0], ADMINISTRATOR_ACCESS]),
        permissions_boundary: Some(policies[1].clone()),
        sessions_revoked_before: Some(at(7)),
        revision: 5,
        ..role(1, "worker")
    }
}

/// ARNs of managed policies that an identity of account 1 cannot refer to, though account 2 has one of them: none of the name,
/// another case, another path, another account's, and what is no ARN of a policy.
pub const MISSING_POLICIES: [&str; 8] = [
    "arn:aws:iam::000000000001:policy/nothing",
    "arn:aws:iam::000000000001:policy/One",
    "arn:aws:iam::000000000001:policy/team/one",
    "arn:aws:iam::000000000001:policy/two",
    "arn:aws:iam::000000000002:policy/of-another",
    "arn:aws:iam::000000000001:role/one",
    "one",
    "",
];
