//! Session tags.

use serde_json::json;

use super::support::{Sts, allow, trust, trust_if};

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
const WITH_TAGS: &[&str] = &["sts:AssumeRole", "sts:TagSession"];

#[tokio::test]
async fn tags_need_leave_and_conditions_see_them() {
    let sts = Sts::new().await;
    let alice = sts.user("alice", &[]).await;
    let nile = vec![("Tags.member.1.Key", "Project"), ("Tags.member.1.Value", "nile")];
    let passed_on = [nile.clone(), vec![("TransitiveTagKeys.member.1", "Project")]].concat();
    let one_of = |key: &str, value: &str| json!({"StringEquals": {key: value}});
    let each = json!({"ForAllValues:StringEquals": {"aws:TagKeys": ["Project"]}, "Null": {"aws:TagKeys": "false"}});
    let passes_on = json!({"ForAnyValue:StringEquals": {"sts:TransitiveTagKeys": ["Project"]}});
    for (index, (trust, parameters, taken)) in [
        (trust(ALICE, &["sts:AssumeRole"]), &nile, false),
        (trust(ALICE, WITH_TAGS), &nile, true),
        (trust_if(ALICE, WITH_TAGS, one_of("aws:RequestTag/Project", "nile")), &nile, true),
        (trust_if(ALICE, WITH_TAGS, one_of("aws:RequestTag/project", "nile")), &nile, true),
        (trust_if(ALICE, WITH_TAGS, one_of("aws:RequestTag/Project", "amazon")), &nile, false),
        (trust_if(ALICE, WITH_TAGS, each.clone()), &nile, true),
        (trust_if(ALICE, WITH_TAGS, each), &vec![], false),
        (trust_if(ALICE, WITH_TAGS, passes_on.clone()), &passed_on, true),
        (trust_if(ALICE, WITH_TAGS, passes_on), &nile, false),
    ]
    .into_iter()
    .enumerate()
    {
        let role = sts.role(&format!("Role{index}"), std::slice::from_ref(&trust), &[]).await;
        assert_eq!(sts.assume(&alice, &role, parameters).await.is_ok(), taken, "{trust} {parameters:?}");
    }
}

#[tokio::test]
async fn policies_of_the_caller_forbid_tags_and_source_identities() {
    let sts = Sts::new().await;
    let everything = &["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];
    for (number, (action, parameters)) in [
        ("sts:TagSession", vec![("Tags.member.1.Key", "Project"), ("Tags.member.1.Value", "nile")]),
        ("sts:SetSourceIdentity", vec![("SourceIdentity", "alice")]),
    ]
    .into_iter()
    .enumerate()
    {
        let deny = json!({"Effect": "Deny", "Action": action, "Resource": "*"});
        let user = sts.user(&format!("user{number}"), &[deny]).await;
        let role = sts.role(&format!("Role{number}"), &[trust(&user.arn, everything)], &[]).await;
        sts.assume(&user, &role, &[]).await.unwrap();
        let refused = sts.assume(&user, &role, &parameters).await.unwrap_err();
        let message = format!("User: {} is not authorized to perform: {action} on resource: {role}", user.arn);
        assert_eq!((refused.code.as_str(), refused.message), ("AccessDenied", message));
    }
}

#[tokio::test]
async fn policies_of_the_role_see_session_tags() {
    let sts = Sts::new().await;
    let alice = sts.user("alice", &[]).await;
    let mut list = allow(&["kms:ListKeys"], "*");
    list["Condition"] = json!({"StringEquals": {"aws:PrincipalTag/Stage": "live"}});
    let role = sts.role("Deploy", &[trust(ALICE, WITH_TAGS)], &[list]).await;
    let live = [("Tags.member.1.Key", "Stage"), ("Tags.member.1.Value", "live")];
    let tagged = sts.assume(&alice, &role, &live).await.unwrap();
    sts.kms_with(&tagged["Credentials"], "ListKeys", json!({})).await.unwrap();
    let plain = sts.assume(&alice, &role, &[]).await.unwrap();
    let refused = sts.kms_with(&plain["Credentials"], "ListKeys", json!({})).await.unwrap_err();
    assert_eq!(refused.code, "AccessDeniedException", "the role's own tag has another value");
}

#[tokio::test]
async fn tags_that_cannot_be() {
    let sts = Sts::new().await;
    let alice = sts.user("alice", &[]).await;
    let role = sts.role("Deploy", &[trust(ALICE, WITH_TAGS)], &[]).await;
    let (long_key, long_value) = ("k".repeat(129), "v".repeat(257));
    let tag = |key: &str, value: &str| {
        vec![("Tags.member.1.Key".to_owned(), key.to_owned()), ("Tags.member.1.Value".to_owned(), value.to_owned())]
    };
    let many = (0..51).flat_map(|index| {
        [
            (format!("Tags.member.{index}.Key"), format!("k{index}")),
            (format!("Tags.member.{index}.Value"), String::new()),
        ]
    });
    let twice = [
        tag("a", "1"),
        vec![("Tags.member.2.Key".to_owned(), "A".to_owned()), ("Tags.member.2.Value".to_owned(), "2".to_owned())],
    ];
    for (parameters, code) in [
        (tag("", "v"), "ValidationError"),
        (tag(&long_key, "v"), "ValidationError"),
        (tag("k", &long_value), "ValidationError"),
        (tag("k", "a;b"), "ValidationError"),
        (tag("aws:k", "v"), "InvalidParameterValue"),
        (tag("AWS:k", "v"), "InvalidParameterValue"),
        (twice.concat(), "InvalidParameterValue"),
        (many.collect(), "InvalidParameterValue"),
        (vec![("TransitiveTagKeys.member.1".to_owned(), "k".to_owned())], "InvalidParameterValue"),
        (vec![("Tags.member.1.Key".to_owned(), "k".to_owned())], "ValidationError"),
    ] {
        let parameters: Vec<(&str, &str)> =
            parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(sts.assume(&alice, &role, &parameters).await.unwrap_err().code, code, "{parameters:?}");
    }
    sts.assume(&alice, &role, &[("Tags.member.1.Key", "k é.:/=+-@_"), ("Tags.member.1.Value", "")]).await.unwrap();
}
