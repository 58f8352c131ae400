//! Simulations: what they answer, and that they decide as requests are decided.

use serde_json::{Value, json};

use super::support::{ACCOUNT, Iam, Xml, allow, arn, document};
use crate::support::Refused;

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

async fn put(iam: &Iam, user: &str, name: &str, document: &str) {
    iam.done("PutUserPolicy", &[("UserName", user), ("PolicyName", name), ("PolicyDocument", document)]).await;
}

/// Simulates one action of a user on a key.
async fn simulate(iam: &Iam, source: &str, action: &str, others: &[(&str, &str)]) -> Result<Xml, Refused> {
    let parameters = [("PolicySourceArn", source), ("ActionNames.member.1", action)];
    iam.call("SimulatePrincipalPolicy", &[&parameters[..], others].concat()).await
}

#[tokio::test]
async fn simulations_and_requests_are_decided_alike() {
    let iam = Iam::new().await;
    let key = iam.kms_by(&Iam::root(), "CreateKey", json!({})).await.unwrap();
    let key = key["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    let statement = |effect: &str, action: &str, resource: &str, condition: Value| json!({"Effect": effect, "Action": action, "Resource": resource, "Condition": condition});
    let none = || json!({});
    let other_key = KEY;
    let cases = [
        ("nothing", json!([statement("Allow", "kms:ListKeys", "*", none())])),
        ("allowed", json!([statement("Allow", "kms:DescribeKey", &key, none())])),
        ("pattern", json!([statement("Allow", "kms:Desc*", "arn:aws:kms:*:*:key/*", none())])),
        ("otherKey", json!([statement("Allow", "kms:DescribeKey", other_key, none())])),
        (
            "denied",
            json!([statement("Allow", "kms:*", "*", none()), statement("Deny", "kms:DescribeKey", &key, none())]),
        ),
        ("named", json!([statement("Allow", "kms:*", "*", json!({"StringEquals": {"aws:username": "named"}}))])),
        ("misnamed", json!([statement("Allow", "kms:*", "*", json!({"StringEquals": {"aws:username": "named"}}))])),
        (
            "variable",
            json!([statement(
                "Allow",
                "kms:*",
                "*",
                json!({"ArnLike": {"aws:PrincipalArn": "*:user/${aws:username}"}})
            )]),
        ),
        ("exists", json!([statement("Allow", "kms:*", "*", json!({"Null": {"aws:TokenIssueTime": "true"}}))])),
        (
            "late",
            json!([statement(
                "Allow",
                "kms:*",
                "*",
                json!({"DateLessThan": {"aws:CurrentTime": "2001-01-01T00:00:00Z"}})
            )]),
        ),
        ("notAction", json!([{"Effect": "Allow", "NotAction": "kms:Encrypt", "Resource": "*"}])),
        ("notResource", json!([{"Effect": "Allow", "Action": "*", "NotResource": key}])),
        (
            "account",
            json!([statement("Allow", "kms:*", "*", json!({"StringEquals": {"aws:ResourceAccount": ACCOUNT}}))]),
        ),
    ];
    for (user, statements) in cases {
        let principal = iam.user(user).await;
        put(&iam, user, "p", &document(statements)).await;
        let real = iam.kms_by(&principal, "DescribeKey", json!({"KeyId": key})).await;
        let answer =
            simulate(&iam, &principal.arn, "kms:DescribeKey", &[("ResourceArns.member.1", &key)]).await.unwrap();
        let simulated = answer.first("EvalDecision");
        assert_eq!(simulated == "allowed", real.is_ok(), "{user}: {simulated}, {real:?}");
    }
    // And under a permissions boundary.
    let limit = iam.policy("Limit", "kms:ListKeys").await;
    let bounded = iam.existing_user("allowed").await;
    iam.done("PutUserPermissionsBoundary", &[("UserName", "allowed"), ("PermissionsBoundary", &limit)]).await;
    assert!(iam.kms_by(&bounded, "DescribeKey", json!({"KeyId": key})).await.is_err());
    let answer = simulate(&iam, &bounded.arn, "kms:DescribeKey", &[("ResourceArns.member.1", &key)]).await.unwrap();
    assert_eq!(answer.first("EvalDecision"), "implicitDeny");
    assert_eq!(answer.first("AllowedByPermissionsBoundary"), "false");
    let wider = allow("kms:*", "*");
    let replaced = [("ResourceArns.member.1", key.as_str()), ("PermissionsBoundaryPolicyInputList.member.1", &wider)];
    let answer = simulate(&iam, &bounded.arn, "kms:DescribeKey", &replaced).await.unwrap();
    assert_eq!(
        (answer.first("EvalDecision"), answer.first("AllowedByPermissionsBoundary")),
        ("allowed".into(), "true".into())
    );
}

#[tokio::test]
async fn the_statements_that_decide_are_named_with_their_places() {
    let iam = Iam::new().await;
    iam.user("alice").await;
    iam.done("CreateGroup", &[("GroupName", "admins")]).await;
    iam.done("AddUserToGroup", &[("UserName", "alice"), ("GroupName", "admins")]).await;
    let managed = iam.policy("Use", "kms:Encrypt").await;
    iam.done("AttachUserPolicy", &[("UserName", "alice"), ("PolicyArn", &managed)]).await;
    let document = allow("kms:*", "*");
    iam.done("PutGroupPolicy", &[("GroupName", "admins"), ("PolicyName", "g"), ("PolicyDocument", &document)]).await;
    let lines = "{\n \"Version\": \"2012-10-17\",\n \"Statement\": [\n  {\"Effect\": \"Allow\", \"Action\": \"kms:Sign\", \"Resource\": \"*\"},\n  {\"Effect\": \"Deny\", \"Action\": \"kms:Decrypt\", \"Resource\": \"*\"}\n ]\n}";
    put(&iam, "alice", "u", lines).await;
    let answer = simulate(&iam, &arn("user/alice"), "kms:Encrypt", &[]).await.unwrap();
    assert_eq!(answer.first("EvalResourceName"), "*");
    assert_eq!(answer.all("SourcePolicyId"), ["Use", "group_admins_g"]);
    assert_eq!(answer.all("SourcePolicyType"), ["user-managed", "group"]);
    assert!(answer.all("ResourceSpecificResults").is_empty() && answer.all("EvalDecisionDetails").is_empty());
    // The denying statement alone.
    let answer = simulate(&iam, &arn("user/alice"), "kms:Decrypt", &[]).await.unwrap();
    assert_eq!(
        (answer.first("EvalDecision"), answer.all("SourcePolicyId")),
        ("explicitDeny".into(), vec!["user_alice_u".into()])
    );
    assert_eq!(
        (answer.all("Line"), answer.all("Column")),
        (vec!["5".into(), "5".into()], vec!["3".into(), "63".into()])
    );
    let answer = simulate(&iam, &arn("user/alice"), "iam:GetUser", &[]).await.unwrap();
    assert_eq!(
        (answer.first("EvalDecision"), answer.first("MatchedStatements")),
        ("implicitDeny".into(), String::new())
    );
    let answer = simulate(&iam, &arn("group/admins"), "kms:Decrypt", &[]).await.unwrap();
    assert_eq!(answer.first("EvalDecision"), "allowed");
}

#[tokio::test]
async fn several_resources_are_told_apart() {
    let iam = Iam::new().await;
    iam.user("alice").await;
    put(&iam, "alice", "p", &allow("kms:Encrypt", KEY)).await;
    let other = KEY.replace("1234abcd", "00000000");
    let resources = [("ResourceArns.member.1", KEY), ("ResourceArns.member.2", &other)];
    let answer = simulate(&iam, &arn("user/alice"), "kms:Encrypt", &resources).await.unwrap();
    assert_eq!(answer.first("EvalDecision"), "implicitDeny");
    assert_eq!(answer.all("EvalResourceDecision"), ["allowed", "implicitDeny"]);
    assert_eq!(answer.all("EvalResourceName"), ["*", KEY, &other]);
    let answer = simulate(&iam, &arn("user/alice"), "kms:Encrypt", &resources[..1]).await.unwrap();
    assert_eq!(
        (answer.first("EvalDecision"), answer.all("EvalResourceName")),
        ("allowed".into(), vec![KEY.into(), KEY.into()])
    );
    assert_eq!(answer.first("EvalDecisionDetails"), "");
}

#[tokio::test]
async fn context_keys_are_given_or_missing() {
    let iam = Iam::new().await;
    iam.role("reader").await;
    let conditional = document(json!([{"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": {
        "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team", "cost"]}}}]));
    iam.done("PutRolePolicy", &[("RoleName", "reader"), ("PolicyName", "p"), ("PolicyDocument", &conditional)]).await;
    let source = arn("role/reader");
    let answer = simulate(&iam, &source, "kms:CreateKey", &[]).await.unwrap();
    assert_eq!(answer.first("EvalDecision"), "implicitDeny");
    assert_eq!(answer.members("MissingContextValues"), ["aws:SourceIp", "aws:TagKeys"]);
    let given = [
        ("ContextEntries.member.1.ContextKeyName", "aws:SourceIp"),
        ("ContextEntries.member.1.ContextKeyType", "ip"),
        ("ContextEntries.member.1.ContextKeyValues.member.1", "10.1.2.3"),
        ("ContextEntries.member.2.ContextKeyName", "AWS:tagkeys"),
        ("ContextEntries.member.2.ContextKeyType", "stringList"),
        ("ContextEntries.member.2.ContextKeyValues.member.1", "team"),
        ("ContextEntries.member.2.ContextKeyValues.member.2", "cost"),
    ];
    let answer = simulate(&iam, &source, "kms:CreateKey", &given).await.unwrap();
    assert_eq!((answer.first("EvalDecision"), answer.first("MissingContextValues")), ("allowed".into(), String::new()));
    let keys = iam.done("GetContextKeysForPrincipalPolicy", &[("PolicySourceArn", &source)]).await;
    assert_eq!(keys.members("ContextKeyNames"), ["aws:SourceIp", "aws:TagKeys"]);
    let variable = allow("iam:GetUser", "arn:aws:iam::*:user/${aws:username}");
    let keys = iam.done("GetContextKeysForCustomPolicy", &[("PolicyInputList.member.1", &variable)]).await;
    assert_eq!(keys.members("ContextKeyNames"), ["aws:username"]);
}

#[tokio::test]
async fn a_policy_of_the_resource_takes_part_where_it_is_given() {
    let iam = Iam::new().await;
    iam.user("alice").await;
    iam.role("reader").await;
    put(&iam, "alice", "p", &allow("kms:Encrypt", "*")).await;
    let key_policy = |principal: &str, effect: &str| {
        document(json!([{"Effect": effect, "Principal": {"AWS": principal}, "Action": "kms:*", "Resource": "*"}]))
    };
    let alice = arn("user/alice");
    let stranger = "arn:aws:iam::444455556666:user/bob";
    let foreign = KEY.replace(ACCOUNT, "444455556666");
    for (resource, policy, decision) in [
        (KEY, key_policy(&alice, "Allow"), "allowed"),
        (KEY, key_policy(ACCOUNT, "Allow"), "allowed"),
        (KEY, key_policy(stranger, "Allow"), "implicitDeny"),
        (KEY, key_policy(&alice, "Deny"), "explicitDeny"),
        (&foreign, key_policy(&alice, "Allow"), "allowed"),
        (&foreign, key_policy(stranger, "Allow"), "implicitDeny"),
    ] {
        let others = [("ResourceArns.member.1", resource), ("ResourcePolicy", &policy)];
        let answer = simulate(&iam, &alice, "kms:Encrypt", &others).await.unwrap();
        assert_eq!(answer.first("EvalDecision"), decision, "{resource} {policy}");
    }
    let policy = key_policy(stranger, "Allow");
    let others = [("ResourceArns.member.1", foreign.as_str()), ("ResourcePolicy", &policy)];
    let answer = simulate(&iam, &alice, "kms:Encrypt", &others).await.unwrap();
    let details = Xml(answer.first("EvalDecisionDetails"));
    assert_eq!(details.all("key"), ["IAM Policy", "Resource Policy"]);
    assert_eq!(details.all("value"), ["allowed", "implicitDeny"]);
    // A role is not who calls, so somebody must be named.
    let others = [("ResourceArns.member.1", KEY), ("ResourcePolicy", &policy)];
    let refused = simulate(&iam, &arn("role/reader"), "kms:Encrypt", &others).await.unwrap_err();
    assert_eq!(refused.code, "InvalidInput");
    let others = [others[0], others[1], ("CallerArn", stranger)];
    assert!(simulate(&iam, &arn("role/reader"), "kms:Encrypt", &others).await.is_ok());
}

#[tokio::test]
async fn custom_policies_are_simulated_in_pages() {
    let iam = Iam::new().await;
    let (one, two) =
        (allow("kms:Encrypt", "*"), document(json!({"Effect": "Allow", "Action": "kms:Sign", "Resource": "*"})));
    let given = [
        ("PolicyInputList.member.1", one.as_str()),
        ("PolicyInputList.member.2", two.as_str()),
        ("ActionNames.member.1", "kms:Sign"),
        ("ActionNames.member.2", "kms:Decrypt"),
        ("ActionNames.member.3", "kms:Encrypt"),
    ];
    let all = iam.done("SimulateCustomPolicy", &given).await;
    assert_eq!(all.all("EvalDecision"), ["allowed", "implicitDeny", "allowed"]);
    assert_eq!(all.all("SourcePolicyId"), ["PolicyInputList.2", "PolicyInputList.1"]);
    let page = iam.done("SimulateCustomPolicy", &[&given[..], &[("MaxItems", "2")]].concat()).await;
    assert_eq!(page.all("EvalActionName"), ["kms:Sign", "kms:Decrypt"]);
    let marker = page.first("Marker");
    let rest = iam.done("SimulateCustomPolicy", &[&given[..], &[("Marker", &marker)]].concat()).await;
    assert_eq!(rest.all("EvalActionName"), ["kms:Encrypt"]);
}

#[tokio::test]
async fn simulations_have_bounds() {
    let iam = Iam::new().await;
    let names = |member: &str, count: usize, name: &dyn Fn(usize) -> String| -> Vec<(String, String)> {
        (1..=count).map(|index| (format!("{member}.member.{index}"), name(index))).collect()
    };
    let asked = |actions: usize, resources: usize, items: &str| {
        let mut asked = names("ActionNames", actions, &|index| format!("kms:A{index}"));
        asked.extend(names("ResourceArns", resources, &|index| format!("arn:aws:kms:::key/{index}")));
        asked.push(("PolicyInputList.member.1".to_owned(), allow("kms:*", "*")));
        asked.push(("MaxItems".to_owned(), items.to_owned()));
        asked
    };
    let call = async |asked: &[(String, String)]| {
        let asked: Vec<_> = asked.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        iam.call("SimulateCustomPolicy", &asked).await
    };
    let refused = call(&asked(101, 100, "1000")).await.unwrap_err();
    assert_eq!(refused.code, "LimitExceeded");
    assert!(refused.message.contains("10100 simulations"), "{}", refused.message);
    // A page has so many results, those of single resources counted; and one action in any case.
    for (resources, items, actions) in [(10, "30", 3), (10, "39", 3), (10, "5", 1), (100, "1000", 7), (0, "4", 4)] {
        let page = call(&asked(7, resources, items)).await.unwrap();
        assert_eq!(page.all("EvalActionName").len(), actions, "{resources} {items}");
        assert_eq!(page.all("EvalResourceDecision").len(), actions * resources, "{resources} {items}");
        assert_eq!(page.first("IsTruncated"), if actions < 7 { "true" } else { "false" });
    }
}

#[tokio::test]
async fn what_cannot_be_simulated_is_refused() {
    let iam = Iam::new().await;
    iam.user("alice").await;
    let (alice, two) = (arn("user/alice"), allow("kms:Sign", "*"));
    for (others, code) in [
        (&[("ActionNames.member.1", "kms")][..], "InvalidInput"),
        (&[("ActionNames.member.1", "kms:*")], "InvalidInput"),
        (&[("ActionNames.member.1", "kms:Sign"), ("ResourceArns.member.1", "key")], "InvalidInput"),
        (&[("ActionNames.member.1", "kms:Sign"), ("PolicyInputList.member.1", "{}")], "InvalidInput"),
        (&[("ActionNames.member.1", "kms:Sign"), ("ResourcePolicy", "x")], "InvalidInput"),
        (&[("ActionNames.member.1", "kms:Sign"), ("CallerArn", "arn:aws:iam::111122223333:role/a")], "InvalidInput"),
        (&[("ActionNames.member.1", "kms:Sign"), ("ResourceOwner", "somebody")], "InvalidInput"),
        (
            &[
                ("ActionNames.member.1", "kms:Sign"),
                ("PermissionsBoundaryPolicyInputList.member.1", &two),
                ("PermissionsBoundaryPolicyInputList.member.2", &two),
            ],
            "InvalidInput",
        ),
        (&[], "ValidationError"),
        (&[("ActionNames.member.1", "kms:Sign"), ("ResourceHandlingOption", "EC2-VPC-EBS")], "ValidationError"),
    ] {
        let parameters = [&[("PolicySourceArn", alice.as_str())][..], others].concat();
        let refused = iam.call("SimulatePrincipalPolicy", &parameters).await.unwrap_err();
        assert_eq!(refused.code, code, "{others:?}: {}", refused.message);
    }
    let gone = simulate(&iam, &arn("user/none"), "kms:Sign", &[]).await.unwrap_err();
    assert_eq!((gone.status, gone.code.as_str()), (404, "NoSuchEntity"));
    for unclear in [arn("root"), "arn:aws:iam::444455556666:user/alice".to_owned(), arn("policy/Use")] {
        let refused = simulate(&iam, &unclear, "kms:Sign", &[]).await.unwrap_err();
        assert_eq!(refused.code, "InvalidInput", "{unclear}");
    }
}
