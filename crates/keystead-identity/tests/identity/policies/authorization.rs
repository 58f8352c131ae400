//! Who may do nothing may do none of it, and hears nothing of what there is.

use super::support::{ADMINISTRATOR, Iam, allow, arn};

/// An operation, its parameters, and the resource that it is about.
type AllowedCall<'a> = (String, Vec<(&'a str, &'a str)>, String);

#[tokio::test]
async fn every_operation_asks_for_leave() {
    let iam = Iam::new().await;
    let nobody = iam.user("nobody").await;
    iam.policy("There", "kms:Encrypt").await;
    let document = allow("kms:Encrypt", "*");
    let text = document.as_str();
    let mut calls: Vec<AllowedCall<'_>> = Vec::new();
    let mut add = |operation: &str, parameters: &[(&'static str, &'static str)], resource: String| {
        calls.push((operation.to_owned(), parameters.to_vec(), resource));
    };
    add("CreatePolicy", &[("PolicyName", "New"), ("PolicyDocument", "DOCUMENT")], arn("policy/New"));
    add("ListPolicies", &[], "*".to_owned());
    for policy in ["arn:aws:iam::111122223333:policy/There", "arn:aws:iam::111122223333:policy/None", ADMINISTRATOR] {
        let named = ("PolicyArn", policy);
        for operation in ["GetPolicy", "DeletePolicy", "ListPolicyVersions", "ListPolicyTags", "ListEntitiesForPolicy"]
        {
            add(operation, &[named], policy.to_owned());
        }
        for operation in ["GetPolicyVersion", "SetDefaultPolicyVersion", "DeletePolicyVersion"] {
            add(operation, &[named, ("VersionId", "v1")], policy.to_owned());
        }
        add("CreatePolicyVersion", &[named, ("PolicyDocument", "DOCUMENT")], policy.to_owned());
        let tag = [named, ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")];
        add("TagPolicy", &tag, policy.to_owned());
        add("UntagPolicy", &[named, ("TagKeys.member.1", "a")], policy.to_owned());
    }
    for (kind, member) in [("User", "UserName"), ("Group", "GroupName"), ("Role", "RoleName")] {
        let holder = (member, "nobody");
        let resource = arn(&format!("{}/nobody", kind.to_lowercase()));
        let named = [holder, ("PolicyName", "p")];
        for operation in ["Attach", "Detach"] {
            add(&format!("{operation}{kind}Policy"), &[holder, ("PolicyArn", ADMINISTRATOR)], resource.clone());
        }
        add(&format!("ListAttached{kind}Policies"), &[holder], resource.clone());
        add(&format!("List{kind}Policies"), &[holder], resource.clone());
        add(&format!("Get{kind}Policy"), &named, resource.clone());
        add(&format!("Delete{kind}Policy"), &named, resource.clone());
        add(&format!("Put{kind}Policy"), &[named[0], named[1], ("PolicyDocument", "DOCUMENT")], resource.clone());
        if kind != "Group" {
            let boundary = ("PermissionsBoundary", ADMINISTRATOR);
            add(&format!("Put{kind}PermissionsBoundary"), &[holder, boundary], resource.clone());
            add(&format!("Delete{kind}PermissionsBoundary"), &[holder], resource);
        }
    }
    add("GetAccountSummary", &[], "*".to_owned());
    let provider = arn("oidc-provider/issuer.example.com");
    let named = ("OpenIDConnectProviderArn", "arn:aws:iam::111122223333:oidc-provider/issuer.example.com");
    let tag = [named, ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")];
    add("CreateOpenIDConnectProvider", &[("Url", "https://issuer.example.com")], provider.clone());
    add("ListOpenIDConnectProviders", &[], "*".to_owned());
    for operation in ["GetOpenIDConnectProvider", "DeleteOpenIDConnectProvider", "ListOpenIDConnectProviderTags"] {
        add(operation, &[named], provider.clone());
    }
    for operation in ["AddClientIDToOpenIDConnectProvider", "RemoveClientIDFromOpenIDConnectProvider"] {
        add(operation, &[named, ("ClientID", "c")], provider.clone());
    }
    let thumbprint = ("ThumbprintList.member.1", "0123456789012345678901234567890123456789");
    add("UpdateOpenIDConnectProviderThumbprint", &[named, thumbprint], provider.clone());
    add("TagOpenIDConnectProvider", &tag, provider.clone());
    add("UntagOpenIDConnectProvider", &[named, ("TagKeys.member.1", "a")], provider);
    let source = ("PolicySourceArn", "arn:aws:iam::111122223333:user/nobody");
    let action = ("ActionNames.member.1", "kms:Encrypt");
    add("SimulatePrincipalPolicy", &[source, action], arn("user/nobody"));
    add("GetContextKeysForPrincipalPolicy", &[source], arn("user/nobody"));
    let input = ("PolicyInputList.member.1", "DOCUMENT");
    add("SimulateCustomPolicy", &[input, action], "*".to_owned());
    add("GetContextKeysForCustomPolicy", &[input], "*".to_owned());
    for (operation, parameters, resource) in calls {
        let parameters: Vec<_> = parameters
            .into_iter()
            .map(|(name, value)| (name, if value == "DOCUMENT" { text } else { value }))
            .collect();
        let refused = iam.call_by(&nobody, &operation, &parameters).await.unwrap_err();
        let message = format!(
            "User: {} is not authorized to perform: iam:{operation} on resource: {resource} because no identity-based \
             policy allows the iam:{operation} action",
            nobody.arn
        );
        assert_eq!((refused.status, refused.code, refused.message), (403, "AccessDenied".to_owned(), message));
    }
}

#[tokio::test]
async fn tags_of_policies_are_conditions() {
    let iam = Iam::new().await;
    let policy = iam.policy("Mine", "kms:Encrypt").await;
    iam.policy("Others", "kms:Encrypt").await;
    let tag = [("PolicyArn", policy.as_str()), ("Tags.member.1.Key", "Owner"), ("Tags.member.1.Value", "alice")];
    iam.done("TagPolicy", &tag).await;
    let alice = iam.user("alice").await;
    let own = super::support::document(serde_json::json!([{
        "Effect": "Allow", "Action": "iam:GetPolicy", "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/owner": "${aws:username}"}}}]));
    iam.done("PutUserPolicy", &[("UserName", "alice"), ("PolicyName", "own"), ("PolicyDocument", &own)]).await;
    assert!(iam.call_by(&alice, "GetPolicy", &[("PolicyArn", &policy)]).await.is_ok());
    assert!(iam.call_by(&alice, "GetPolicy", &[("PolicyArn", &arn("policy/Others"))]).await.is_err());
}
