//! Services beside KMS that tell what they were handed, in protocols of their own.

use std::sync::Arc;

use async_trait::async_trait;
use keystead_core::KmsError;
use keystead_core::api_service::{AnonymousAnswer, ApiService, ServiceAnswer, ServiceAudit, ServiceEvent};
use keystead_core::kms::{Caller, RequestOrigin};
use keystead_core::port::SystemEntropy;
use keystead_model::arn::Region;
use keystead_server::Services;
use serde_json::{Value, json};

use super::ports::{FixedClock, Records};

/// How a service words an error: code, message, request ID.
type Words = fn(&str, &str, &str) -> String;

struct Echo {
    signing_name: &'static str,
    content_type: &'static str,
    error: Words,
    /// The operation that needs no signature.
    anonymous: Option<&'static str>,
    audit: ServiceAudit,
}

/// All of them, recording to where KMS records.
pub(crate) fn services(records: &Arc<Records>) -> Services {
    let echo = |signing_name, event_source, content_type, error, anonymous| {
        let audit = ServiceAudit {
            event_source,
            region: Region::parse("us-east-1").unwrap(),
            audit_log: records.clone(),
            clock: Arc::new(FixedClock),
            entropy: Arc::new(SystemEntropy),
        };
        Arc::new(Echo { signing_name, content_type, error, anonymous, audit })
    };
    let json_error: Words = |code, message, _| json!({"__type": code, "Message": message}).to_string();
    let xml_error: Words = |code, message, id| format!("<Code>{code}</Code><Message>{message}</Message><Id>{id}</Id>");
    Services {
        cloudhsm: echo("cloudhsm", "cloudhsm.amazonaws.com", "application/x-amz-json-1.1", json_error, None),
        ec2: echo("ec2", "ec2.amazonaws.com", "text/xml;charset=UTF-8", xml_error, None),
        iam: echo("iam", "iam.amazonaws.com", "text/xml", xml_error, None),
        sts: echo("sts", "sts.amazonaws.com", "text/xml", xml_error, Some("Action=AssumeRoleWithWebIdentity")),
    }
}

impl Echo {
    fn event(operation: Option<&str>, error: Option<(String, Option<String>)>) -> ServiceEvent {
        ServiceEvent {
            event_name: operation.unwrap_or("Unknown").to_owned(),
            read_only: true,
            request_parameters: Value::Null,
            response_elements: Value::Null,
            error,
        }
    }

    fn answer(&self, status: u16, body: String) -> ServiceAnswer {
        ServiceAnswer { status, content_type: self.content_type, body: body.into_bytes() }
    }
}

#[async_trait]
impl ApiService for Echo {
    fn signing_name(&self) -> &'static str {
        self.signing_name
    }

    async fn invoke(&self, operation: Option<&str>, body: &[u8], caller: &Caller) -> ServiceAnswer {
        self.audit.record(Self::event(operation, None), caller).await.unwrap();
        let mut told = format!("{} {} {}", self.signing_name, operation.unwrap_or("-"), String::from_utf8_lossy(body));
        if let Some(endpoint) = &caller.origin.vpc_endpoint {
            told.push_str(&format!(" through {} of {}", endpoint.vpc_endpoint_id, endpoint.vpc_id));
        }
        self.answer(200, told)
    }

    /// Whoever comes with a forged token has proved nothing.
    async fn invoke_anonymous(&self, body: &[u8], origin: &RequestOrigin) -> Option<AnonymousAnswer> {
        let body = std::str::from_utf8(body).ok()?;
        self.anonymous.filter(|action| body.split('&').any(|pair| pair == *action))?;
        self.audit.record_refusal(Self::event(None, None), None, origin).await.unwrap();
        let authenticated = !body.contains("WebIdentityToken=forged");
        let status = if authenticated { 200 } else { 400 };
        let answer = self.answer(status, format!("{} anonymous {body}", self.signing_name));
        Some(AnonymousAnswer { answer, authenticated })
    }

    async fn refuse(
        &self,
        operation: Option<&str>,
        error: KmsError,
        access_key_id: Option<&str>,
        origin: &RequestOrigin,
    ) -> ServiceAnswer {
        let (code, message) = (error.exception.name(), error.message.clone().unwrap_or_default());
        let event = Self::event(operation, Some((code.to_owned(), error.message)));
        match self.audit.record_refusal(event, access_key_id, origin).await {
            Ok(()) => self.answer(error.exception.status(), (self.error)(code, &message, &origin.request_id)),
            Err(_) => self.answer(500, (self.error)("InternalFailure", "", &origin.request_id)),
        }
    }
}
