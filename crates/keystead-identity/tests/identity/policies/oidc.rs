//! OpenID Connect providers, and the summary of an account.

use super::support::{Iam, arn};

const THUMBPRINT: &str = "0123456789abcdef0123456789ABCDEF01234567";

#[tokio::test]
async fn a_provider_is_made_changed_and_deleted() {
    let iam = Iam::new().await;
    let made = iam
        .done(
            "CreateOpenIDConnectProvider",
            &[
                ("Url", "https://issuer.example.com/realm"),
                ("ClientIDList.member.1", "kms"),
                ("ThumbprintList.member.1", THUMBPRINT),
                ("Tags.member.1.Key", "team"),
                ("Tags.member.1.Value", "a"),
            ],
        )
        .await;
    let provider = arn("oidc-provider/issuer.example.com/realm");
    assert_eq!((made.first("OpenIDConnectProviderArn"), made.first("Key")), (provider.clone(), "team".into()));
    assert_eq!(iam.done("ListOpenIDConnectProviders", &[]).await.all("Arn"), [provider.as_str()]);
    let named = ("OpenIDConnectProviderArn", provider.as_str());
    for client in ["other", "kms"] {
        iam.done("AddClientIDToOpenIDConnectProvider", &[named, ("ClientID", client)]).await;
    }
    let found = iam.done("GetOpenIDConnectProvider", &[named]).await;
    assert_eq!(found.first("Url"), "issuer.example.com/realm");
    assert_eq!(found.members("ClientIDList"), ["kms", "other"]);
    assert_eq!(found.members("ThumbprintList"), [THUMBPRINT]);
    for client in ["kms", "none"] {
        iam.done("RemoveClientIDFromOpenIDConnectProvider", &[named, ("ClientID", client)]).await;
    }
    let other = "f".repeat(40);
    iam.done("UpdateOpenIDConnectProviderThumbprint", &[named, ("ThumbprintList.member.1", &other)]).await;
    iam.done("TagOpenIDConnectProvider", &[named, ("Tags.member.1.Key", "cost"), ("Tags.member.1.Value", "1")]).await;
    iam.done("UntagOpenIDConnectProvider", &[named, ("TagKeys.member.1", "team")]).await;
    let found = iam.done("GetOpenIDConnectProvider", &[named]).await;
    assert_eq!((found.members("ClientIDList"), found.members("ThumbprintList")), (vec!["other".into()], vec![other]));
    assert_eq!(iam.done("ListOpenIDConnectProviderTags", &[named]).await.all("Key"), ["cost"]);
    iam.done("DeleteOpenIDConnectProvider", &[named]).await;
    let gone = format!("OpenIDConnect Provider not found for arn {provider}");
    for operation in ["GetOpenIDConnectProvider", "DeleteOpenIDConnectProvider", "ListOpenIDConnectProviderTags"] {
        iam.refused(operation, &[named], "NoSuchEntity", &gone).await;
    }
    assert_eq!(iam.done("ListOpenIDConnectProviders", &[]).await.all("Arn"), [] as [&str; 0]);
}

#[tokio::test]
async fn what_cannot_be_a_provider_is_refused() {
    let iam = Iam::new().await;
    iam.done("CreateOpenIDConnectProvider", &[("Url", "https://issuer.example.com")]).await;
    let taken = "Provider with url https://issuer.example.com already exists.";
    let again = [("Url", "https://issuer.example.com")];
    iam.refused("CreateOpenIDConnectProvider", &again, "EntityAlreadyExists", taken).await;
    let named = ("OpenIDConnectProviderArn", &*arn("oidc-provider/issuer.example.com"));
    let url = ("Url", "https://a.example.com");
    let six: Vec<_> = (1..=6).map(|number| format!("ThumbprintList.member.{number}")).collect();
    let six: Vec<_> = six.iter().map(|name| (name.as_str(), THUMBPRINT)).chain([url]).collect();
    let long = "c".repeat(256);
    for (operation, parameters, code) in [
        ("CreateOpenIDConnectProvider", &[("Url", "http://a.example.com")][..], "ValidationError"),
        ("CreateOpenIDConnectProvider", &[url, ("ThumbprintList.member.1", "ab")], "ValidationError"),
        ("CreateOpenIDConnectProvider", &[url, ("ThumbprintList.member.1", &"g".repeat(40))], "InvalidInput"),
        ("CreateOpenIDConnectProvider", &six, "InvalidInput"),
        ("CreateOpenIDConnectProvider", &[url, ("ClientIDList.member.1", &long)], "ValidationError"),
        ("UpdateOpenIDConnectProviderThumbprint", &[named], "ValidationError"),
        ("AddClientIDToOpenIDConnectProvider", &[named], "ValidationError"),
        ("GetOpenIDConnectProvider", &[("OpenIDConnectProviderArn", &*arn("user/alice"))], "InvalidInput"),
    ] {
        let refused = iam.call(operation, parameters).await.unwrap_err();
        assert_eq!(refused.code, code, "{operation} {parameters:?}: {}", refused.message);
    }
    let many: Vec<_> = (1..=101).map(|n| (format!("ClientIDList.member.{n}"), format!("c{n}"))).collect();
    let mut many: Vec<_> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain([url]).collect();
    let message = "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100";
    iam.refused("CreateOpenIDConnectProvider", &many, "LimitExceeded", message).await;
    many.remove(0);
    iam.done("CreateOpenIDConnectProvider", &many).await;
    let named = ("OpenIDConnectProviderArn", &*arn("oidc-provider/a.example.com"));
    let one_more = [named, ("ClientID", "one-more")];
    iam.refused("AddClientIDToOpenIDConnectProvider", &one_more, "LimitExceeded", message).await;
}

#[tokio::test]
async fn the_summary_counts_what_there_is() {
    let iam = Iam::new().await;
    iam.user("alice").await;
    iam.role("reader").await;
    let policy = iam.policy("Use", "kms:Encrypt").await;
    let document = super::support::allow("kms:Sign", "*");
    iam.done("CreatePolicyVersion", &[("PolicyArn", &policy), ("PolicyDocument", &document)]).await;
    iam.done("CreateOpenIDConnectProvider", &[("Url", "https://issuer.example.com")]).await;
    let summary = iam.done("GetAccountSummary", &[]).await;
    let entries: std::collections::BTreeMap<_, _> = summary.all("key").into_iter().zip(summary.all("value")).collect();
    for (name, value) in [
        ("Users", "1"),
        ("Groups", "0"),
        ("Roles", "1"),
        ("Policies", "1"),
        ("PolicyVersionsInUse", "2"),
        ("Providers", "1"),
        ("UsersQuota", "5000"),
        ("AttachedPoliciesPerRoleQuota", "10"),
        ("RolePolicySizeQuota", "10240"),
        ("AccountMFAEnabled", "0"),
    ] {
        assert_eq!(entries[name], value, "{name}");
    }
}
