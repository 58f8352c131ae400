//! Trust policies that name a user or a role that is gone show its unique ID, which gives nothing to who has the name now.
//!
//! Source: IAM User Guide, "AWS JSON policy elements: Principal".

use keystead_core::port::IdentityStore;
use serde_json::{Value, json};

use crate::support::{Iam, account};

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
const CLERK: &str = "arn:aws:iam::111122223333:role/clerk";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/clerk/monday";
const READER: (&str, &str) = ("RoleName", "reader");

/// Spaces, escapes and the order are the author's; the ARN in the condition is no principal.
fn trust(alice: &str, clerk: &str, session: &str) -> String {
    format!(
        r#"{{ "Version":"2012-10-17","Statement" : [{{"Effect":"Allow","Principal":{{"AWS":["111122223333", "{alice}","{clerk}", "{session}" ]}},
            "Action":"sts:AssumeRole","Condition":{{"ArnNotEquals":{{"aws:PrincipalArn":"{ALICE}"}}}}}},
            {{"Sid":"\u0061","Effect":"Deny","Principal":{{"AWS":"{alice}"}},"Action":"sts:TagSession"}}]}}"#
    )
}

async fn make_user_and_role(iam: &Iam) {
    iam.call("CreateUser", &[("UserName", "alice")]).await.unwrap();
    let open = json!({"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"});
    let open = json!({"Version": "2012-10-17", "Statement": open}).to_string();
    iam.call("CreateRole", &[("RoleName", "clerk"), ("AssumeRolePolicyDocument", &open)]).await.unwrap();
}

async fn delete_user_and_role(iam: &Iam) {
    iam.call("DeleteUser", &[("UserName", "alice")]).await.unwrap();
    iam.call("DeleteRole", &[("RoleName", "clerk")]).await.unwrap();
}

async fn ids(iam: &Iam) -> (String, String) {
    let store = &iam.installation.store;
    let user = store.user(&account(), "alice").await.unwrap().unwrap();
    let role = store.role(&account(), "clerk").await.unwrap().unwrap();
    (user.user_id, role.role_id)
}

/// The trust policy of the role `reader`, which every operation that shows it shows alike.
async fn shown(iam: &Iam) -> String {
    let one_of = |roles: &Value| {
        let roles = roles.as_array().unwrap();
        roles.iter().find(|role| role["RoleName"] == "reader").unwrap().clone()
    };
    let got = iam.call("GetRole", &[READER]).await.unwrap()["Role"].clone();
    let listed = one_of(&iam.call("ListRoles", &[]).await.unwrap()["Roles"]);
    let detail = one_of(&iam.call("GetAccountAuthorizationDetails", &[]).await.unwrap()["RoleDetailList"]);
    let described = iam.call("UpdateRoleDescription", &[READER, ("Description", "")]).await.unwrap()["Role"].clone();
    for role in [listed, detail, described] {
        assert_eq!(role["AssumeRolePolicyDocument"], got["AssumeRolePolicyDocument"]);
    }
    decoded(&got)
}

/// The trust policy of a role as an answer has it.
fn decoded(role: &Value) -> String {
    let body = format!("x={}", role["AssumeRolePolicyDocument"].as_str().unwrap());
    form_urlencoded::parse(body.as_bytes()).next().unwrap().1.into_owned()
}

#[tokio::test]
async fn who_is_gone_is_shown_by_the_unique_id() {
    let iam = Iam::new().await;
    make_user_and_role(&iam).await;
    let named = trust(ALICE, CLERK, SESSION);
    let made = iam.call("CreateRole", &[READER, ("AssumeRolePolicyDocument", &named)]).await.unwrap();
    assert_eq!(made, iam.call("GetRole", &[READER]).await.unwrap());
    assert_eq!(shown(&iam).await, named);
    let (user_id, role_id) = ids(&iam).await;
    delete_user_and_role(&iam).await;
    let gone = trust(&user_id, &role_id, &format!("{role_id}:monday"));
    assert_eq!(shown(&iam).await, gone);
    // Nor are those meant who have the names later.
    make_user_and_role(&iam).await;
    assert_eq!(shown(&iam).await, gone);
    // Those are meant once their names are put, in so many words.
    iam.call("UpdateAssumeRolePolicy", &[READER, ("PolicyDocument", &named)]).await.unwrap();
    assert_eq!(shown(&iam).await, named);
    delete_user_and_role(&iam).await;
    assert_ne!(shown(&iam).await, gone);
}

#[tokio::test]
async fn a_unique_id_cannot_be_put() {
    let iam = Iam::new().await;
    make_user_and_role(&iam).await;
    let named = trust(ALICE, CLERK, SESSION);
    iam.call("CreateRole", &[READER, ("AssumeRolePolicyDocument", &named)]).await.unwrap();
    let (user_id, role_id) = ids(&iam).await;
    for (principal, named) in [
        (user_id.clone(), trust(&user_id, CLERK, SESSION)),
        (role_id.clone(), trust(ALICE, &role_id, SESSION)),
        (format!("{role_id}:monday"), trust(ALICE, CLERK, &format!("{role_id}:monday"))),
    ] {
        let expected = format!("Invalid principal in policy: \"AWS\":\"{principal}\"");
        let update = [READER, ("PolicyDocument", named.as_str())];
        let create = [("RoleName", "other"), ("AssumeRolePolicyDocument", named.as_str())];
        for (operation, members) in [("UpdateAssumeRolePolicy", update), ("CreateRole", create)] {
            // It is so whether the user or role is there or not.
            let (code, message) = iam.refused(operation, &members).await;
            assert_eq!(code, "MalformedPolicyDocument");
            assert!(message.contains(&expected), "{message}");
        }
    }
    assert_eq!(shown(&iam).await, named);
}

/// A list of roles that name the same ARN shows of each whom that one means.
#[tokio::test]
async fn a_list_tells_apart_who_has_the_name_and_who_had_it() {
    let iam = Iam::new().await;
    make_user_and_role(&iam).await;
    let named = trust(ALICE, CLERK, SESSION);
    let make = async |name: &str| {
        iam.call("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", &named)]).await.unwrap()
    };
    let [first, second] = [make("a-first").await, make("c-second").await];
    let (user_id, role_id) = ids(&iam).await;
    delete_user_and_role(&iam).await;
    make_user_and_role(&iam).await;
    let [third, fourth] = [make("b-third").await, make("d-fourth").await];
    let gone = trust(&user_id, &role_id, &format!("{role_id}:monday"));
    for (operation, list) in [("ListRoles", "Roles"), ("GetAccountAuthorizationDetails", "RoleDetailList")] {
        let answer = iam.call(operation, &[]).await.unwrap();
        let roles = answer[list].as_array().unwrap();
        for (made, expected) in [(&first, &gone), (&second, &gone), (&third, &named), (&fourth, &named)] {
            let name = &made["Role"]["RoleName"];
            let role = roles.iter().find(|role| role["RoleName"] == *name).unwrap();
            assert_eq!(decoded(role), *expected, "{operation} {name}");
        }
    }
}
