//! Users, roles and accounts of an installation, and calls in their names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use keystead_core::access::{Account, AttachedPolicies, Principal, PrincipalKind, Role, Session, User};
use keystead_core::port::{IdentityStore, Store};
use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, KeyArn, Region};
use keystead_policy::{NamedPolicy, PolicyDocument, PolicyKind};
use serde_json::{Value, json};

use super::installation::{Answer, Installation, Refused, Server, VIRGINIA, account};

/// More than any test needs.
const QUOTA: u64 = 1000;

/// An account of its own, beside the one that an installation begins with.
pub fn other_account() -> AccountId {
    AccountId::parse("444455556666").unwrap()
}

/// An identity policy, key policy or boundary: one statement.
pub fn statement(effect: &str, actions: &[&str], resource: &str) -> Value {
    json!({"Effect": effect, "Action": actions, "Resource": resource})
}

fn document(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn inline(statements: &[Value]) -> AttachedPolicies {
    let mut policies = AttachedPolicies::default();
    if !statements.is_empty() {
        policies.inline.insert("inline".to_owned(), document(statements));
    }
    policies
}

/// A unique ID: another one each time, whatever the name and the time.
fn new_unique_id(prefix: &str) -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    format!("{prefix}{:017}", MADE.fetch_add(1, Ordering::Relaxed))
}

impl Installation {
    pub async fn create_other_account(&self) {
        let account = Account::new(other_account(), "other".to_owned(), self.now());
        self.store.insert_account(&account).await.unwrap();
    }

    /// A user of the first account, and its ARN; with an inline policy if there are statements.
    pub async fn create_user(&self, name: &str, statements: &[Value]) -> Principal {
        self.create_user_of(account(), name, statements).await
    }

    pub async fn create_user_of(&self, account: AccountId, name: &str, statements: &[Value]) -> Principal {
        let (path, user_id) = ("/".to_owned(), new_unique_id("AIDA"));
        let mut user = User::new(account, path, name.to_owned(), user_id, self.now());
        user.policies = inline(statements);
        self.store.insert_user(&user, QUOTA).await.unwrap();
        Principal::user(&user)
    }

    pub async fn delete_user(&self, name: &str) {
        let user = self.store.user(&account(), name).await.unwrap().unwrap();
        self.store.delete_user(&account(), name, user.revision).await.unwrap();
    }

    pub async fn delete_role(&self, name: &str) {
        let role = self.store.role(&account(), name).await.unwrap().unwrap();
        self.store.delete_role(&account(), name, role.revision).await.unwrap();
    }

    /// A session of a new role of the first account.
    pub async fn create_session(&self, role_name: &str, statements: &[Value]) -> Principal {
        let role = Role {
            account: account(),
            role_name: role_name.to_owned(),
            path: "/".to_owned(),
            role_id: new_unique_id("AROA"),
            created: self.now(),
            description: String::new(),
            trust_policy: "{}".to_owned(),
            trust_policy_principals: BTreeMap::new(),
            max_session_duration: 3600,
            tags: BTreeMap::new(),
            policies: inline(statements),
            permissions_boundary: None,
            sessions_revoked_before: None,
            revision: 0,
        };
        self.store.insert_role(&role, QUOTA).await.unwrap();
        session_of(&role, None)
    }
}

/// A session named `session` of a role, with these session policies.
fn session_of(role: &Role, policies: Option<Vec<NamedPolicy>>) -> Principal {
    let kind = PrincipalKind::AssumedRole {
        role_name: role.role_name.clone(),
        role_id: role.role_id.clone(),
        role_arn: role.arn(),
        session_name: "session".to_owned(),
    };
    let session = Session {
        issued: role.created,
        expires: Timestamp::from_millis(i64::MAX),
        policies,
        tags: BTreeMap::new(),
        transitive_tag_keys: BTreeSet::new(),
        source_identity: None,
        federated_provider: None,
    };
    let arn = format!("arn:aws:sts::{}:assumed-role/{}/session", role.account, role.role_name);
    Principal::new(role.account, kind, arn, Some(Arc::new(session)))
}

/// The same session with a session policy.
pub fn with_session_policy(principal: &Principal, statements: &[Value]) -> Principal {
    let document = PolicyDocument::parse(&document(statements), PolicyKind::Identity).unwrap();
    let mut session = (**principal.session.as_ref().unwrap()).clone();
    session.policies = Some(vec![NamedPolicy { name: "session policy".to_owned(), document }]);
    Principal { session: Some(Arc::new(session)), ..principal.clone() }
}

impl Server {
    /// Calls an operation in the name of `principal`, in the Region of the ARN in `KeyId`, or else in the home Region.
    pub async fn call_by(&self, principal: &Principal, operation: &str, input: Value) -> Answer {
        let arn = input["KeyId"].as_str().and_then(KeyArn::parse);
        let region = arn.map_or_else(|| Region::parse(VIRGINIA).unwrap(), |arn| arn.region().clone());
        let policies = self.kms.catalog().principal_policies(principal).await.unwrap().expect("the caller is gone");
        self.call_as(principal, policies, region, operation, input).await
    }

    /// The refusal that such a call must end with.
    pub async fn refused_by(&self, principal: &Principal, operation: &str, input: Value) -> Refused {
        match self.call_by(principal, operation, input).await {
            Ok(answer) => panic!("{operation} by {} succeeded: {answer}", principal.arn),
            Err(refused) => refused,
        }
    }
}
