//! STS and KMS over the real store, called as the front end calls them.

use std::collections::BTreeMap;
use std::sync::Arc;

use keystead_core::Kms;
use keystead_core::access::{Account, AttachedPolicies, Credential, Principal, Role, User, is_revoked};
use keystead_core::api_service::{ApiService, ServiceAnswer, ServiceAudit};
use keystead_core::catalog::Catalog;
use keystead_core::kms::{Caller, RequestOrigin, operation_named};
use keystead_core::port::{IdentityStore, Store, SystemEntropy};
use keystead_identity::StsService;
use keystead_model::arn::{AccountId, Region};
use keystead_oidc::Issuers;
use serde_json::{Value, json};

use crate::support::{Installation, Records, VIRGINIA, account, form, read_xml};

const VERSION: &str = "2011-06-15";
const QUOTA: u64 = 1000;

pub(crate) fn other_account() -> AccountId {
    AccountId::parse("444455556666").unwrap()
}

pub(crate) struct Sts {
    pub(crate) installation: Installation,
    pub(crate) kms: Arc<Kms>,
    service: StsService,
    records: Arc<Records>,
}

/// What is in `...Result`, or the error.
pub(crate) type Answer = Result<Value, Refused>;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refused {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Refused {
    fn new(code: &str) -> Self {
        Self { code: code.to_owned(), message: String::new() }
    }
}

/// A document of one statement that allows.
pub(crate) fn allow(actions: &[&str], resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resource})
}

pub(crate) fn document(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// A statement of a trust policy.
pub(crate) fn trust(principal: &str, actions: &[&str]) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": actions})
}

/// The same with a condition.
pub(crate) fn trust_if(principal: &str, actions: &[&str], condition: Value) -> Value {
    let mut statement = trust(principal, actions);
    statement["Condition"] = condition;
    statement
}

fn inline(statements: &[Value]) -> AttachedPolicies {
    let mut policies = AttachedPolicies::default();
    if !statements.is_empty() {
        policies.inline.insert("inline".to_owned(), document(statements));
    }
    policies
}

pub(crate) fn origin() -> RequestOrigin {
    RequestOrigin {
        request_id: "2c7e1e5a-2f0b-4c39-8f0c-6a5a2f3c1d11".to_owned(),
        source_ip: "127.0.0.1".to_owned(),
        user_agent: "test".to_owned(),
        tls: None,
        vpc_endpoint: None,
    }
}

impl Sts {
    /// Two accounts, and no issuers.
    pub(crate) async fn new() -> Self {
        Self::with_issuers(Issuers::default()).await
    }

    pub(crate) async fn with_issuers(issuers: Issuers) -> Self {
        let installation = Installation::new().await;
        let other = Account::new(other_account(), "other".to_owned(), installation.now());
        installation.store.insert_account(&other).await.unwrap();
        let kms = installation.serve().kms;
        let records = Arc::new(Records::default());
        let audit = ServiceAudit {
            event_source: StsService::EVENT_SOURCE,
            region: Region::parse(VIRGINIA).unwrap(),
            audit_log: records.clone(),
            clock: installation.clock.clone(),
            entropy: Arc::new(SystemEntropy),
        };
        Self { service: StsService::new(kms.clone(), audit, Arc::new(issuers)), installation, kms, records }
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        self.kms.catalog()
    }

    /// A user with these statements as inline policy.
    pub(crate) async fn user(&self, name: &str, statements: &[Value]) -> Principal {
        self.user_of(account(), name, statements).await
    }

    pub(crate) async fn user_of(&self, account: AccountId, name: &str, statements: &[Value]) -> Principal {
        let user_id = format!("AIDA{:0>17}", name.to_uppercase());
        let mut user = User::new(account, "/".to_owned(), name.to_owned(), user_id, self.installation.now());
        user.policies = inline(statements);
        user.tags.insert("Team".to_owned(), "of-the-user".to_owned());
        self.installation.store.insert_user(&user, QUOTA).await.unwrap();
        Principal::user(&user)
    }

    /// A role with this trust policy and these statements as inline policy; its ARN.
    pub(crate) async fn role(&self, name: &str, trust: &[Value], statements: &[Value]) -> String {
        self.changed_role(name, trust, statements, |_| {}).await
    }

    pub(crate) async fn changed_role(
        &self,
        name: &str,
        trust: &[Value],
        statements: &[Value],
        change: impl FnOnce(&mut Role),
    ) -> String {
        let mut role = Role {
            account: account(),
            role_name: name.to_owned(),
            path: "/team/".to_owned(),
            role_id: format!("AROA{:0>17}", name.to_uppercase()),
            created: self.installation.now(),
            description: String::new(),
            trust_policy: document(trust),
            trust_policy_principals: BTreeMap::new(),
            max_session_duration: 3600,
            tags: BTreeMap::from([("Stage".to_owned(), "test".to_owned())]),
            policies: inline(statements),
            permissions_boundary: None,
            sessions_revoked_before: None,
            revision: 0,
        };
        change(&mut role);
        self.installation.store.insert_role(&role, QUOTA).await.unwrap();
        role.arn()
    }

    /// The caller as the front end makes one.
    async fn caller(&self, principal: &Principal, access_key_id: &str) -> Result<Caller, Refused> {
        let policies = self.catalog().principal_policies(principal).await.unwrap();
        if is_revoked(principal, policies.as_deref()) {
            return Err(Refused::new("InvalidClientTokenId"));
        }
        Ok(Caller {
            principal: Arc::new(principal.clone()),
            policies: policies.unwrap(),
            access_key_id: access_key_id.to_owned(),
            region: Region::parse(VIRGINIA).unwrap(),
            origin: origin(),
        })
    }

    pub(crate) async fn by(&self, principal: &Principal, operation: &str, parameters: &[(&str, &str)]) -> Answer {
        let caller = self.caller(principal, "AKIATEST").await?;
        self.invoke(&caller, operation, parameters).await
    }

    async fn invoke(&self, caller: &Caller, operation: &str, parameters: &[(&str, &str)]) -> Answer {
        read(operation, self.service.invoke(None, form(VERSION, operation, parameters).as_bytes(), caller).await)
    }

    /// A request without a signature.
    pub(crate) async fn anonymously(&self, operation: &str, parameters: &[(&str, &str)]) -> Option<Answer> {
        let served = self.service.invoke_anonymous(form(VERSION, operation, parameters).as_bytes(), &origin()).await?;
        Some(read(operation, served.answer))
    }

    /// Whether a request without a signature proves who sends it.
    pub(crate) async fn authenticates(&self, operation: &str, parameters: &[(&str, &str)]) -> bool {
        let form = form(VERSION, operation, parameters);
        self.service.invoke_anonymous(form.as_bytes(), &origin()).await.unwrap().authenticated
    }

    /// Whom credentials stand for now.
    pub(crate) async fn credential(&self, credentials: &Value) -> Result<Arc<Credential>, Refused> {
        let token = credentials["SessionToken"].as_str().unwrap();
        let credential = self.catalog().session_credential(token).await.unwrap();
        let credential = credential.ok_or_else(|| Refused::new("InvalidClientTokenId"))?;
        assert_eq!(credential.access_key_id, credentials["AccessKeyId"].as_str().unwrap());
        assert_eq!(credential.secret_access_key.expose(), credentials["SecretAccessKey"].as_str().unwrap());
        if credential.expires.is_some_and(|expires| self.installation.now() >= expires) {
            return Err(Refused::new("ExpiredToken"));
        }
        Ok(credential)
    }

    /// A call of STS with temporary credentials.
    pub(crate) async fn with(&self, credentials: &Value, operation: &str, parameters: &[(&str, &str)]) -> Answer {
        let credential = self.credential(credentials).await?;
        let caller = self.caller(&credential.principal, &credential.access_key_id).await?;
        self.invoke(&caller, operation, parameters).await
    }

    /// A call of KMS with temporary credentials.
    pub(crate) async fn kms_with(&self, credentials: &Value, operation: &str, input: Value) -> Answer {
        let credential = self.credential(credentials).await?;
        let caller = self.caller(&credential.principal, &credential.access_key_id).await?;
        let answer = self.kms.invoke(operation_named(operation).unwrap(), input.to_string().as_bytes(), &caller).await;
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if answer.status == 200 {
            return Ok(body);
        }
        let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
        Err(Refused { code: text("__type"), message: text("message") })
    }

    /// A key that its account's policies decide about; its ARN.
    pub(crate) async fn key(&self) -> String {
        self.installation.serve().create_key(json!({})).await
    }

    /// Assumes a role, and gives the whole answer.
    pub(crate) async fn assume(&self, principal: &Principal, role: &str, more: &[(&str, &str)]) -> Answer {
        self.by(principal, "AssumeRole", &[&[("RoleArn", role), ("RoleSessionName", "session")], more].concat()).await
    }

    /// The same with temporary credentials.
    pub(crate) async fn assume_with(&self, credentials: &Value, role: &str, more: &[(&str, &str)]) -> Answer {
        let parameters = [&[("RoleArn", role), ("RoleSessionName", "chained")], more].concat();
        self.with(credentials, "AssumeRole", &parameters).await
    }

    pub(crate) fn records(&self, event_name: &str) -> Vec<Value> {
        self.records.of(event_name)
    }

    /// All that was ever recorded, as text.
    pub(crate) fn all_records(&self) -> String {
        json!(self.records.all()).to_string()
    }
}

fn read(operation: &str, answer: ServiceAnswer) -> Answer {
    assert_eq!(answer.content_type, "text/xml");
    let (name, body) = read_xml(std::str::from_utf8(&answer.body).unwrap());
    if answer.status == 200 {
        assert_eq!(name, format!("{operation}Response"));
        return Ok(body[format!("{operation}Result")].clone());
    }
    assert_eq!(name, "ErrorResponse");
    let text = |member: &str| body["Error"][member].as_str().unwrap().to_owned();
    Err(Refused { code: text("Code"), message: text("Message") })
}
