//! What the operator asks for, done and recorded.

use std::path::PathBuf;
use std::sync::Arc;

use keystead_cloudhsm::{
    CloudHsm, ConnectedKeyStores, HsmOutcome, HsmUsers, HsmUsersError, Registration, RegistrationError,
};
use keystead_core::access::NamedPrincipal;
use keystead_core::audit::{AuditRecord, UserIdentity};
use keystead_core::operation::AccessQuestion;
use keystead_core::port::{AuditLog, Clock, DocumentKind, DocumentStore, Entropy, StoreError};
use keystead_core::{Kms, KmsError};
use keystead_model::SecretString;
use keystead_model::arn::{AccountId, Region};
use keystead_pkcs11::Pin;
use serde_json::{Map, Value, json};

use super::message::{Answer, HsmUsersAction, Request};

/// The source of the records of users and registrations: they are part of what CloudHSM is.
pub(crate) const CLOUDHSM_EVENT_SOURCE: &str = "cloudhsm.amazonaws.com";
/// How the request came, where a record has the caller's address and program.
const SOURCE: &str = "admin.sock";
const USER_AGENT: &str = concat!("keystead/", env!("CARGO_PKG_VERSION"));

const KMS_EVENT_SOURCE: &str = "kms.amazonaws.com";

/// Serves the operator of this server.
pub(crate) struct Operator {
    pub(crate) kms: Arc<Kms>,
    pub(crate) cloud_hsm: Arc<CloudHsm>,
    pub(crate) documents: Arc<dyn DocumentStore>,
    pub(crate) key_stores: Arc<dyn ConnectedKeyStores>,
    pub(crate) region: Region,
    pub(crate) audit_log: Arc<dyn AuditLog>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// What the audit log is to say of a request.
struct Event {
    source: &'static str,
    name: &'static str,
    read_only: bool,
    account: Option<AccountId>,
    parameters: Map<String, Value>,
}

/// Why nothing was done.
struct Refusal {
    /// In one word, for programs that read the audit log.
    code: &'static str,
    text: String,
}

impl Operator {
    /// Does what is asked, for the user `uid`, and records it. The answer is given only once the record is written.
    pub(crate) async fn act(&self, request: Request, uid: u32) -> Answer {
        let event = match self.event(&request).await {
            Ok(event) => event,
            Err(error) => return Answer::Refused(format!("the store failed: {error}")),
        };
        let result = match request {
            Request::HsmUsers { cluster_id, hsm_id, action } => {
                self.hsm_users(&cluster_id, hsm_id.as_deref(), action).await
            }
            Request::RegisterCluster { account, file } => self.register(&account, file).await,
            Request::ExplainAccess { principal, action, resource, context } => {
                self.explain(&AccessQuestion { principal, action, resource, context }).await
            }
        };
        match self.audit_log.write(self.record(event, &result, uid)).await {
            Ok(()) => result.unwrap_or_else(|refusal| Answer::Refused(refusal.text)),
            Err(error) => {
                Answer::Refused(format!("it may have been done, but its audit record could not be written: {error}"))
            }
        }
    }

    async fn hsm_users(
        &self,
        cluster_id: &str,
        hsm_id: Option<&str>,
        action: HsmUsersAction,
    ) -> Result<Answer, Refusal> {
        let users = HsmUsers::new(self.cloud_hsm.clone(), self.key_stores.clone());
        let outcomes = match action {
            HsmUsersAction::List => return Ok(Answer::Users(users.list(cluster_id, hsm_id).await?)),
            HsmUsersAction::Keys => return Ok(Answer::Keys(users.keys(cluster_id, hsm_id).await?)),
            HsmUsersAction::Create { user, new_password, co_password } => {
                users.create(cluster_id, hsm_id, &user, &secret(&co_password), &secret(&new_password)).await?
            }
            HsmUsersAction::ChangePassword { user, new_password, authority } => {
                users.change_password(cluster_id, hsm_id, &user, &secret(&authority), &secret(&new_password)).await?
            }
            HsmUsersAction::Delete { user, co_password } => {
                users.delete(cluster_id, hsm_id, &user, &secret(&co_password)).await?
            }
            HsmUsersAction::Login { user, password } => {
                users.log_in(cluster_id, hsm_id, &user, &secret(&password)).await?
            }
            HsmUsersAction::Logout { user: _ } => users.log_out(cluster_id, hsm_id).await?,
            HsmUsersAction::DeleteKey { key_id } => users.delete_key(cluster_id, &key_id, hsm_id).await?,
        };
        Ok(Answer::Outcomes(outcomes))
    }

    async fn register(&self, account: &AccountId, file: PathBuf) -> Result<Answer, Refusal> {
        // Reading files may block.
        let loaded = tokio::task::spawn_blocking(move || Registration::load(&file)).await;
        let registration = loaded.map_err(|error| Refusal { code: "Internal", text: error.to_string() })??;
        Ok(Answer::Registered(self.cloud_hsm.register(account, registration).await?))
    }

    async fn explain(&self, question: &AccessQuestion) -> Result<Answer, Refusal> {
        let explanation = self.kms.explain_access(question).await?;
        let value = serde_json::to_value(&explanation)
            .map_err(|error| Refusal { code: "Internal", text: error.to_string() })?;
        Ok(Answer::Explained { allowed: explanation.is_allowed(), text: explanation.to_string(), explanation: value })
    }

    async fn event(&self, request: &Request) -> Result<Event, StoreError> {
        let mut parameters = Map::new();
        match request {
            Request::HsmUsers { cluster_id, hsm_id, action } => {
                parameters.insert("clusterId".to_owned(), json!(cluster_id));
                let key_id = match action {
                    HsmUsersAction::DeleteKey { key_id } => Some(key_id.as_str()),
                    _ => None,
                };
                let named = [("hsmId", hsm_id.as_deref()), ("userName", action.user()), ("keyId", key_id)];
                parameters.extend(named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))));
                let cluster = self.documents.document(DocumentKind::HsmCluster, cluster_id).await?;
                Ok(Event {
                    source: CLOUDHSM_EVENT_SOURCE,
                    name: action.event_name(),
                    read_only: action.is_read_only(),
                    account: cluster.map(|cluster| cluster.account),
                    parameters,
                })
            }
            Request::RegisterCluster { account, file } => {
                parameters.insert("file".to_owned(), json!(file));
                let source = CLOUDHSM_EVENT_SOURCE;
                Ok(Event { source, name: "ClusterRegister", read_only: false, account: Some(*account), parameters })
            }
            Request::ExplainAccess { principal, action, resource, context: _ } => {
                let named = [("principal", principal), ("action", action), ("resource", resource)];
                parameters.extend(named.map(|(name, value)| (name.to_owned(), json!(value))));
                let account = NamedPrincipal::parse(principal).map(|principal| *principal.account());
                Ok(Event { source: KMS_EVENT_SOURCE, name: "ExplainAccess", read_only: true, account, parameters })
            }
        }
    }

    fn record(&self, event: Event, result: &Result<Answer, Refusal>, uid: u32) -> AuditRecord {
        let mut event_id = [0; 16];
        self.entropy.fill(&mut event_id);
        let event_id = uuid::Builder::from_random_bytes(event_id).into_uuid().to_string();
        let mut record = AuditRecord::of_call(event.name, &self.region, self.clock.now(), event_id, event.read_only);
        let account = event.account.map(|account| account.to_string());
        record.event_source = event.source;
        record.source_ip_address = SOURCE.to_owned();
        record.user_agent = USER_AGENT.to_owned();
        record.user_identity = UserIdentity {
            identity_type: Some("Operator"),
            principal_id: Some(format!("uid {uid}")),
            ..UserIdentity::default()
        };
        record.recipient_account_id = account;
        record.request_parameters = Value::Object(event.parameters);
        match result {
            Ok(Answer::Outcomes(outcomes)) => record.response_elements = json!({ "hsms": recorded(outcomes) }),
            Ok(Answer::Registered(cluster_id)) => record.response_elements = json!({ "clusterId": cluster_id }),
            Ok(_) => {}
            Err(refusal) => record.set_error(refusal.code.to_owned(), Some(&refusal.text)),
        }
        record
    }
}

fn recorded(outcomes: &[HsmOutcome]) -> Value {
    let each = outcomes.iter().map(|outcome| match &outcome.problem {
        Some(problem) => json!({ "hsmId": outcome.hsm_id, "problem": problem }),
        None => json!({ "hsmId": outcome.hsm_id }),
    });
    each.collect()
}

fn secret(pin: &Pin) -> SecretString {
    SecretString::from(pin.expose().to_owned())
}

impl From<HsmUsersError> for Refusal {
    fn from(error: HsmUsersError) -> Self {
        let code = match &error {
            HsmUsersError::NotFound(_) => "NotFound",
            HsmUsersError::Invalid(_) => "Invalid",
            HsmUsersError::Refused(_) => "Refused",
            HsmUsersError::Failed(_) => "Failed",
            HsmUsersError::Internal(_) => "Internal",
        };
        Self { code, text: error.to_string() }
    }
}

impl From<KmsError> for Refusal {
    fn from(error: KmsError) -> Self {
        let code = error.exception.name();
        Self { code, text: error.message.unwrap_or_else(|| code.to_owned()) }
    }
}

impl From<RegistrationError> for Refusal {
    fn from(error: RegistrationError) -> Self {
        let code = match &error {
            RegistrationError::File { .. } | RegistrationError::Invalid(_) => "Invalid",
            RegistrationError::Store(_) => "Internal",
        };
        Self { code, text: error.to_string() }
    }
}
