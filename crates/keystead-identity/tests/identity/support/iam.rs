//! A server of IAM.

use std::sync::Arc;

use keystead_core::Kms;
use keystead_core::access::Principal;
use keystead_core::api_service::{ApiService, ServiceAudit};
use keystead_core::kms::Caller;
use keystead_core::port::{IdentityStore, SystemEntropy};
use keystead_identity::IamService;
use keystead_model::arn::Region;
use serde_json::{Value, json};

use super::{Installation, Records, account, caller, form, read_xml, root};

const VERSION: &str = "2010-05-08";

/// What is in `...Result`, `null` if there is none; or the error.
pub(crate) type Answer = Result<Value, Refused>;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refused {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

pub(crate) struct Iam {
    pub(crate) installation: Installation,
    pub(crate) kms: Arc<Kms>,
    service: IamService,
    records: Arc<Records>,
}

impl Iam {
    pub(crate) async fn new() -> Self {
        let installation = Installation::new().await;
        let kms = installation.serve().kms;
        let records = Arc::new(Records::default());
        let audit = ServiceAudit {
            event_source: IamService::EVENT_SOURCE,
            region: Region::parse("us-east-1").unwrap(),
            audit_log: records.clone(),
            clock: installation.clock.clone(),
            entropy: Arc::new(SystemEntropy),
        };
        Self { service: IamService::new(kms.clone(), audit), installation, kms, records }
    }

    /// Calls an operation as the account's root user.
    pub(crate) async fn call(&self, operation: &str, members: &[(&str, &str)]) -> Answer {
        self.call_as(root(), operation, members).await
    }

    pub(crate) async fn call_as(&self, principal: Principal, operation: &str, members: &[(&str, &str)]) -> Answer {
        let caller = caller(&self.kms, principal).await;
        let (status, xml) = self.xml(&caller, operation, members).await;
        let (name, body) = read_xml(&xml);
        if status == 200 {
            assert_eq!(name, format!("{operation}Response"));
            assert_eq!(body["ResponseMetadata"]["RequestId"], caller.origin.request_id.as_str());
            return Ok(body[format!("{operation}Result")].clone());
        }
        assert_eq!((name.as_str(), &body["RequestId"]), ("ErrorResponse", &json!(caller.origin.request_id)));
        let text = |member: &str| body["Error"][member].as_str().unwrap().to_owned();
        assert_eq!(text("Type"), if status < 500 { "Sender" } else { "Receiver" });
        Err(Refused { status, code: text("Code"), message: text("Message") })
    }

    /// The status of an answer, and its text.
    pub(crate) async fn xml(&self, caller: &Caller, operation: &str, members: &[(&str, &str)]) -> (u16, String) {
        let answer = self.service.invoke(None, form(VERSION, operation, members).as_bytes(), caller).await;
        assert_eq!(answer.content_type, "text/xml");
        (answer.status, String::from_utf8(answer.body).unwrap())
    }

    /// Sends a body as the account's root user, and gives the status of the answer.
    pub(crate) async fn send(&self, body: &str) -> u16 {
        let caller = caller(&self.kms, root()).await;
        self.service.invoke(None, body.as_bytes(), &caller).await.status
    }

    /// The refusal that a call must end with: its code and its message.
    pub(crate) async fn refused(&self, operation: &str, members: &[(&str, &str)]) -> (String, String) {
        match self.call(operation, members).await {
            Ok(answer) => panic!("{operation} {members:?} succeeded: {answer}"),
            Err(refused) => (refused.code, refused.message),
        }
    }

    /// A user as it is stored, as a caller.
    pub(crate) async fn user(&self, user_name: &str) -> Principal {
        let user = self.installation.store.user(&account(), user_name).await.unwrap();
        Principal::user(&user.expect("no such user"))
    }

    /// A new user with an inline policy of one statement, as a caller.
    pub(crate) async fn user_who_may(&self, user_name: &str, statement: Value) -> Principal {
        self.call("CreateUser", &[("UserName", user_name)]).await.unwrap();
        let mut user = self.installation.store.user(&account(), user_name).await.unwrap().unwrap();
        let document = json!({ "Version": "2012-10-17", "Statement": statement }).to_string();
        user.policies.inline.insert("inline".to_owned(), document);
        self.installation.store.update_user(&user).await.unwrap();
        self.kms.catalog().forget_identities();
        Principal::user(&user)
    }

    /// The audit records of an event, in order.
    pub(crate) fn records(&self, event_name: &str) -> Vec<Value> {
        self.records.of(event_name)
    }
}
