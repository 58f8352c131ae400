//! Inline policies of users, groups and roles.

use super::support::{Iam, allow, decoded};

/// Kind, name, the member that names it, and how large all its inline policies may be.
const HOLDERS: [(&str, &str, &str, usize); 3] = [
    ("User", "alice", "UserName", 2048),
    ("Group", "admins", "GroupName", 5120),
    ("Role", "reader", "RoleName", 10_240),
];

#[tokio::test]
async fn put_shown_listed_and_deleted() {
    let iam = Iam::with_holders().await;
    for (kind, name, member, _) in HOLDERS {
        let (put, get) = (format!("Put{kind}Policy"), format!("Get{kind}Policy"));
        let (list, delete) = (format!("List{kind}Policies"), format!("Delete{kind}Policy"));
        for (policy, action) in [("b", "kms:Encrypt"), ("a", "kms:Decrypt"), ("b", "kms:Sign")] {
            let document = allow(action, "*");
            iam.done(&put, &[(member, name), ("PolicyName", policy), ("PolicyDocument", &document)]).await;
        }
        let shown = iam.done(&get, &[(member, name), ("PolicyName", "b")]).await;
        assert_eq!((shown.first(member), shown.first("PolicyName")), (name.to_owned(), "b".to_owned()));
        assert_eq!(decoded(&shown.first("PolicyDocument")), allow("kms:Sign", "*"));
        assert_eq!(iam.done(&list, &[(member, name)]).await.members("PolicyNames"), ["a", "b"]);
        let page = iam.done(&list, &[(member, name), ("MaxItems", "1")]).await;
        let rest = [(member, name), ("Marker", &page.first("Marker"))];
        assert_eq!(iam.done(&list, &rest).await.members("PolicyNames"), ["b"]);
        iam.done(&delete, &[(member, name), ("PolicyName", "a")]).await;
        let gone = format!("The {} policy with name a cannot be found.", kind.to_lowercase());
        iam.refused(&delete, &[(member, name), ("PolicyName", "a")], "NoSuchEntity", &gone).await;
        iam.refused(&get, &[(member, name), ("PolicyName", "a")], "NoSuchEntity", &gone).await;
        let nobody = format!("The {} with name none cannot be found.", kind.to_lowercase());
        iam.refused(&list, &[(member, "none")], "NoSuchEntity", &nobody).await;
        let malformed = [(member, name), ("PolicyName", "c"), ("PolicyDocument", "[]")];
        iam.refused(&put, &malformed, "MalformedPolicyDocument", "The policy document must be a JSON object.").await;
        assert_eq!(iam.done(&list, &[(member, name)]).await.members("PolicyNames"), ["b"]);
    }
}

#[tokio::test]
async fn all_inline_policies_together_have_a_largest_size() {
    let iam = Iam::with_holders().await;
    let of_size = |size: usize| allow(&format!("kms:{}", "a".repeat(size - allow("kms:", "*").len())), "*");
    for (kind, name, member, largest) in HOLDERS {
        let put = format!("Put{kind}Policy");
        let half = of_size(largest / 2).replace(',', " ,\n");
        for policy in ["a", "b", "b"] {
            iam.done(&put, &[(member, name), ("PolicyName", policy), ("PolicyDocument", &half)]).await;
        }
        let message = format!("Maximum policy size of {largest} bytes exceeded for {} {name}", kind.to_lowercase());
        let longer = of_size(largest / 2 + 1);
        let larger = [(member, name), ("PolicyName", "b"), ("PolicyDocument", longer.as_str())];
        iam.refused(&put, &larger, "LimitExceeded", &message).await;
        let third = [(member, name), ("PolicyName", "c"), ("PolicyDocument", half.as_str())];
        iam.refused(&put, &third, "LimitExceeded", &message).await;
    }
}

#[tokio::test]
async fn an_inline_policy_of_a_group_is_its_members() {
    let iam = Iam::with_holders().await;
    let alice = iam.existing_user("alice").await;
    let document = allow("iam:ListUsers", "*");
    iam.done("PutGroupPolicy", &[("GroupName", "admins"), ("PolicyName", "p"), ("PolicyDocument", &document)]).await;
    assert!(iam.call_by(&alice, "ListUsers", &[]).await.is_err());
    iam.done("AddUserToGroup", &[("UserName", "alice"), ("GroupName", "admins")]).await;
    assert!(iam.call_by(&alice, "ListUsers", &[]).await.is_ok());
    iam.done("DeleteGroupPolicy", &[("GroupName", "admins"), ("PolicyName", "p")]).await;
    assert!(iam.call_by(&alice, "ListUsers", &[]).await.is_err());
}
