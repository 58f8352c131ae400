//! IAM over the real store, and callers that it refuses or obeys.

use std::sync::Arc;

use keystead_core::Kms;
use keystead_core::access::{Account, Principal};
use keystead_core::kms::operation_named;
use keystead_core::port::Store;
use keystead_model::arn::AccountId;
use serde_json::{Value, json};

use crate::support::{self, Refused, caller, root};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// The same server, whose answers are read by the names of elements.
pub(crate) struct Iam {
    server: support::Iam,
    pub(crate) kms: Arc<Kms>,
}

/// An answer as XML, or a refusal.
pub(crate) type Answer = Result<Xml, Refused>;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Xml(pub(crate) String);

impl Xml {
    /// The contents of all elements of a name that has none of the same name in it, unescaped.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let parts = self.0.split(&open).skip(1);
        parts.map(|part| unescaped(part.split(&close).next().unwrap())).collect()
    }

    /// The content of the first element of a name.
    pub(crate) fn first(&self, name: &str) -> String {
        self.all(name).into_iter().next().unwrap_or_else(|| panic!("no {name} in {}", self.0))
    }

    /// The members of a list of texts.
    pub(crate) fn members(&self, name: &str) -> Vec<String> {
        Xml(self.first(name)).all("member")
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// What percent-encoding stands for.
pub(crate) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::new();
    let mut index = 0;
    while index < bytes.len() {
        if bytes[index] == b'%' {
            decoded.push(u8::from_str_radix(&text[index + 1..index + 3], 16).unwrap());
            index += 3;
        } else {
            decoded.push(bytes[index]);
            index += 1;
        }
    }
    String::from_utf8(decoded).unwrap()
}

impl Iam {
    pub(crate) async fn new() -> Self {
        let server = support::Iam::new().await;
        let id = AccountId::parse("444455556666").unwrap();
        let other = Account::new(id, "other".to_owned(), server.installation.now());
        server.installation.store.insert_account(&other).await.unwrap();
        Self { kms: server.kms.clone(), server }
    }

    /// With a user `alice`, a group `admins` and a role `reader`.
    pub(crate) async fn with_holders() -> Self {
        let iam = Self::new().await;
        iam.user("alice").await;
        iam.done("CreateGroup", &[("GroupName", "admins")]).await;
        iam.role("reader").await;
        iam
    }

    pub(crate) fn root() -> Principal {
        root()
    }

    pub(crate) async fn call_by(&self, who: &Principal, operation: &str, parameters: &[(&str, &str)]) -> Answer {
        let caller = caller(&self.kms, who.clone()).await;
        let (status, text) = self.server.xml(&caller, operation, parameters).await;
        let xml = Xml(text);
        if status == 200 {
            return Ok(xml);
        }
        Err(Refused { status, code: xml.first("Code"), message: xml.first("Message") })
    }

    /// By the root user.
    pub(crate) async fn call(&self, operation: &str, parameters: &[(&str, &str)]) -> Answer {
        self.call_by(&Self::root(), operation, parameters).await
    }

    /// By the root user, and it must succeed.
    pub(crate) async fn done(&self, operation: &str, parameters: &[(&str, &str)]) -> Xml {
        self.call(operation, parameters).await.unwrap_or_else(|refused| panic!("{operation}: {refused:?}"))
    }

    /// By the root user, and it must be refused so.
    pub(crate) async fn refused(&self, operation: &str, parameters: &[(&str, &str)], code: &str, message: &str) {
        match self.call(operation, parameters).await {
            Ok(answer) => panic!("{operation} succeeded: {}", answer.0),
            Err(refused) => assert_eq!((refused.code.as_str(), refused.message.as_str()), (code, message)),
        }
    }

    pub(crate) async fn user(&self, name: &str) -> Principal {
        self.done("CreateUser", &[("UserName", name)]).await;
        self.existing_user(name).await
    }

    pub(crate) async fn existing_user(&self, name: &str) -> Principal {
        self.server.user(name).await
    }

    pub(crate) async fn role(&self, name: &str) {
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]});
        let trust = trust.to_string();
        self.done("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", &trust)]).await;
    }

    /// A managed policy of one statement, and its ARN.
    pub(crate) async fn policy(&self, name: &str, action: &str) -> String {
        let document = allow(action, "*");
        self.done("CreatePolicy", &[("PolicyName", name), ("PolicyDocument", &document)]).await.first("Arn")
    }

    /// Calls an operation of KMS; `None` if it is done, otherwise the exception.
    pub(crate) async fn kms_by(&self, who: &Principal, operation: &str, input: Value) -> Result<Value, String> {
        let caller = caller(&self.kms, who.clone()).await;
        let operation = operation_named(operation).unwrap();
        let answer = self.kms.invoke(operation, input.to_string().as_bytes(), &caller).await;
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        if answer.status == 200 { Ok(body) } else { Err(body["__type"].as_str().unwrap().to_owned()) }
    }
}

/// A document that allows an action.
pub(crate) fn allow(action: &str, resource: &str) -> String {
    document(json!([{"Effect": "Allow", "Action": action, "Resource": resource}]))
}

pub(crate) fn document(statements: Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

pub(crate) fn arn(kind_and_name: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{kind_and_name}")
}
