//! Who may retire a grant, and who may see what they may retire.
//!
//! Source: digest kms-core.md, 4.3; KMS Developer Guide, "Retiring and revoking grants"; KMS API Reference, RetireGrant, ListRetirableGrants.

use crate::support::{Installation, Made, Server, account, other_account, statement, text, with_session_policy};
use keystead_core::access::Principal;
use serde_json::{Value, json};

/// Users and sessions of two accounts, each with the identity policies that its name says.
struct People {
    alice: Principal,
    allowed: Principal,
    denied: Principal,
    session: Principal,
    limited: Principal,
    stranger: Principal,
    foreign_allowed: Principal,
    foreign_denied: Principal,
}

async fn people(installation: &Installation) -> People {
    installation.create_other_account().await;
    let allow = [statement("Allow", &["kms:RetireGrant", "kms:ListRetirableGrants"], "*")];
    let deny = [statement("Deny", &["kms:RetireGrant"], "*")];
    let session = installation.create_session("clerk", &allow).await;
    let foreign = other_account();
    People {
        alice: installation.create_user("alice", &[]).await,
        allowed: installation.create_user("allowed", &allow).await,
        denied: installation.create_user("denied", &deny).await,
        limited: with_session_policy(&session, &[statement("Allow", &["kms:Encrypt"], "*")]),
        session,
        stranger: installation.create_user_of(foreign, "stranger", &[]).await,
        foreign_allowed: installation.create_user_of(foreign, "allowed", &allow).await,
        foreign_denied: installation.create_user_of(foreign, "denied", &deny).await,
    }
}

/// Tries to retire a new grant with these members, by its token and by its ID; both must end alike. The reason of a refusal, if it is one.
async fn retired(server: &Server, key: &str, caller: &Principal, more: &Value) -> Option<String> {
    let mut reasons = Vec::new();
    for by_token in [true, false] {
        let made = server.grant_with(key, "arn:aws:iam::999988887777:user/u", &["Encrypt"], more.clone()).await;
        let named =
            if by_token { json!({"GrantToken": made.token}) } else { json!({"KeyId": key, "GrantId": made.id}) };
        let mut dry = named.clone();
        dry["DryRun"] = json!(true);
        let tried = server.refused_by(caller, "RetireGrant", dry).await;
        let answer = server.call_by(caller, "RetireGrant", named).await;
        assert_eq!(server.grant_ids(key).await.contains(&made.id), answer.is_err());
        reasons.push(match answer {
            Ok(_) => {
                assert_eq!(tried.exception, "DryRunOperationException");
                None
            }
            Err(refused) => {
                assert_eq!(refused, tried);
                assert_eq!(refused.exception, "AccessDeniedException");
                let arn = &caller.arn;
                let start = format!("User: {arn} is not authorized to perform: kms:RetireGrant on resource: {key} ");
                Some(refused.message.strip_prefix(&start).unwrap().to_owned())
            }
        });
    }
    assert_eq!(reasons[0], reasons[1]);
    reasons.remove(0)
}

const NO_GRANT: Option<&str> = Some("because no resource-based policy allows the kms:RetireGrant action");
const NO_IDENTITY_POLICY: Option<&str> = Some("because no identity-based policy allows the kms:RetireGrant action");
const NO_SESSION_POLICY: Option<&str> = Some("because no session policy allows the kms:RetireGrant action");
const DENIED: Option<&str> = Some("with an explicit deny in an identity-based policy");

#[tokio::test]
async fn whom_the_grant_names() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let people = people(&installation).await;
    let key = server.create_key(json!({})).await;
    let retiring = |principal: &str| json!({"RetiringPrincipal": principal});
    let role = "arn:aws:iam::111122223333:role/clerk";
    let foreign_root = Principal::root(other_account());
    let People { alice, denied, session, limited, stranger, foreign_allowed, foreign_denied, .. } = &people;
    for (caller, more, expected) in [
        // Who is named by name needs no policy.
        (alice, retiring(&alice.arn), None),
        (stranger, retiring(&stranger.arn), None),
        (session, retiring(&session.arn), None),
        (session, retiring(role), None),
        (limited, retiring(&session.arn), None),
        (limited, retiring(role), NO_SESSION_POLICY),
        // An account leaves it to its own policies.
        (&foreign_root, retiring(&foreign_root.arn), None),
        (foreign_allowed, retiring(&foreign_root.arn), None),
        (stranger, retiring(&foreign_root.arn), NO_IDENTITY_POLICY),
        // A deny works nevertheless.
        (denied, retiring(&denied.arn), DENIED),
        (foreign_denied, retiring(&foreign_denied.arn), DENIED),
        // A grantee only with RetireGrant.
        (alice, json!({"GranteePrincipal": alice.arn}), NO_IDENTITY_POLICY),
        (alice, json!({"GranteePrincipal": alice.arn, "Operations": ["Encrypt", "RetireGrant"]}), None),
        (stranger, json!({"GranteePrincipal": stranger.arn}), NO_GRANT),
        (stranger, json!({"GranteePrincipal": stranger.arn, "Operations": ["RetireGrant"]}), None),
        // Constraints do not apply.
        (
            stranger,
            json!({"GranteePrincipal": stranger.arn, "Operations": ["Encrypt", "RetireGrant"],
                "Constraints": {"EncryptionContextEquals": {"a": "1"}}}),
            None,
        ),
        // Not named at all. To strangers all looks the same, also by their own policies.
        (stranger, json!({}), NO_GRANT),
        (foreign_allowed, json!({}), NO_GRANT),
        (foreign_denied, json!({}), NO_GRANT),
        (&foreign_root, json!({}), NO_GRANT),
    ] {
        let reason = retired(&server, &key, caller, &more).await;
        assert_eq!(reason.as_deref(), expected, "{} {more}", caller.arn);
    }
}

/// The account that made the grant: its root user, and whom its identity policies let.
#[tokio::test]
async fn the_account_that_made_it() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let people = people(&installation).await;
    let key = server.create_key(json!({})).await;
    let root = Principal::root(account());
    for (caller, expected) in [
        (&root, None),
        (&people.allowed, None),
        (&people.session, None),
        (&people.alice, NO_IDENTITY_POLICY),
        (&people.denied, DENIED),
        (&people.limited, NO_SESSION_POLICY),
    ] {
        let reason = retired(&server, &key, caller, &json!({})).await;
        assert_eq!(reason.as_deref(), expected, "{}", caller.arn);
    }
}

/// One that another account made on this key: both accounts, the maker's and the key's.
#[tokio::test]
async fn a_grant_that_another_account_made() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let people = people(&installation).await;
    let maker_policy = [statement("Allow", &["kms:CreateGrant"], "*")];
    let maker = installation.create_user_of(other_account(), "maker", &maker_policy).await;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": Principal::root(account()).arn}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"AWS": maker.arn}, "Action": "kms:CreateGrant", "Resource": "*"},
    ]});
    let key = server.create_key(json!({"Policy": policy.to_string()})).await;
    let roots = [Principal::root(account()), Principal::root(other_account())];
    let People { alice, allowed, stranger, foreign_allowed, .. } = &people;
    for (caller, may) in [
        (&roots[0], true),
        (&roots[1], true),
        (allowed, true),
        (foreign_allowed, true),
        (alice, false),
        (stranger, false),
        (&maker, false),
    ] {
        let input = json!({"KeyId": key, "GranteePrincipal": "111122223333", "Operations": ["Encrypt"]});
        let made = Made::of(&server.call_by(&maker, "CreateGrant", input).await.unwrap());
        let answer = server.call_by(caller, "RetireGrant", json!({"GrantToken": made.token})).await;
        assert_eq!(answer.is_ok(), may, "{} {answer:?}", caller.arn);
    }
}

/// That a key policy allows kms:RetireGrant means nothing; that it denies it does.
#[tokio::test]
async fn what_key_policies_say() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let people = people(&installation).await;
    let People { alice, allowed, stranger, .. } = &people;
    let root = Principal::root(account()).arn;
    let say = |effect: &str, principals: Vec<&str>| {
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"},
            {"Effect": effect, "Principal": {"AWS": principals}, "Action": "kms:RetireGrant", "Resource": "*"},
        ]})
        .to_string()
    };
    let key = server.create_key(json!({"Policy": say("Allow", vec![&alice.arn, &stranger.arn])})).await;
    assert_eq!(retired(&server, &key, alice, &json!({})).await.as_deref(), NO_IDENTITY_POLICY);
    assert_eq!(retired(&server, &key, stranger, &json!({})).await.as_deref(), NO_GRANT);
    let key = server.create_key(json!({"Policy": say("Deny", vec![&allowed.arn, &stranger.arn])})).await;
    let denied = Some("with an explicit deny in a resource-based policy");
    assert_eq!(retired(&server, &key, allowed, &json!({})).await.as_deref(), denied);
    let to_stranger = json!({"RetiringPrincipal": stranger.arn});
    assert_eq!(retired(&server, &key, stranger, &to_stranger).await.as_deref(), NO_GRANT);
    assert_eq!(retired(&server, &key, alice, &json!({"RetiringPrincipal": alice.arn})).await, None);
}

/// Who was made again under the same name is not the one whom the grant names.
#[tokio::test]
async fn who_is_made_again_may_not_retire() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    let first = installation.create_user("alice", &[]).await;
    let made = server.grant_with(&key, "111122223333", &["Encrypt"], json!({"RetiringPrincipal": first.arn})).await;
    // As on a node whose clock is behind.
    installation.advance(-1000);
    installation.delete_user("alice").await;
    let second = installation.create_user("alice", &[]).await;
    server.kms.catalog().forget_identities();
    let refused = server.refused_by(&second, "RetireGrant", json!({"GrantToken": made.token})).await;
    assert_eq!(refused.exception, "AccessDeniedException");
}

/// 4.3: the principals of the caller's own account alone; the grants may be on keys of others. The resource is the principal.
#[tokio::test]
async fn what_a_principal_may_retire() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let people = people(&installation).await;
    let People { alice, allowed, foreign_allowed, stranger, .. } = &people;
    let key = server.create_key(json!({})).await;
    let made = server.grant_with(&key, "111122223333", &["Encrypt"], json!({"RetiringPrincipal": stranger.arn})).await;
    let ask = |principal: &str| json!({"RetiringPrincipal": principal});
    let listed = server.call_by(foreign_allowed, "ListRetirableGrants", ask(&stranger.arn)).await.unwrap();
    let ids: Vec<_> = listed["Grants"].as_array().unwrap().iter().map(|grant| text(&grant["GrantId"])).collect();
    assert_eq!(ids, [made.id]);
    let refusal = |caller: &Principal, principal: &str, reason: &str| {
        let action = "kms:ListRetirableGrants";
        let arn = &caller.arn;
        format!(
            "User: {arn} is not authorized to perform: {action} on resource: {principal} because no {reason} allows the {action} action"
        )
    };
    for (caller, principal, reason) in [
        (alice, &alice.arn, "identity-based policy"),
        (allowed, &stranger.arn, "resource-based policy"),
        (stranger, &stranger.arn, "identity-based policy"),
    ] {
        let refused = server.refused_by(caller, "ListRetirableGrants", ask(principal)).await;
        assert_eq!(refused.message, refusal(caller, principal, reason));
    }
    // A policy may speak of one principal.
    let narrow = statement("Allow", &["kms:ListRetirableGrants"], &alice.arn);
    let narrow = installation.create_user("narrow", &[narrow]).await;
    server.call_by(&narrow, "ListRetirableGrants", ask(&alice.arn)).await.unwrap();
    let refused = server.refused_by(&narrow, "ListRetirableGrants", ask(&narrow.arn)).await;
    assert_eq!(refused.message, refusal(&narrow, &narrow.arn, "identity-based policy"));
}
