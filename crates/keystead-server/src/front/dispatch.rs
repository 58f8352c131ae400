//! From a request to the service it is for, and back.

use std::sync::Arc;

use keystead_core::api_service::ServiceAnswer;
use keystead_core::kms::{Answer, Caller, RequestOrigin};
use keystead_core::{Kms, KmsError};
use keystead_model::arn::Region;
use keystead_model::kms::Exception;

use super::answer::{CONTENT_TYPE_AWS_JSON, Reply};
use super::refusal::Refusal;
use super::service::{Called, Service};
use crate::services::Services;

/// The service in the scope of a KMS request's signature.
const KMS_SIGNING_NAME: &str = "kms";

/// All services of the endpoint.
pub(super) struct Dispatch {
    kms: Arc<Kms>,
    beside: Services,
}

impl Dispatch {
    pub(super) fn new(kms: Arc<Kms>, beside: Services) -> Self {
        Self { kms, beside }
    }

    /// The service's name in the scope of a signature.
    pub(super) fn signing_name(&self, service: Service) -> &'static str {
        match service {
            Service::Kms => KMS_SIGNING_NAME,
            Service::CloudHsm => self.beside.cloudhsm.signing_name(),
            Service::Ec2 => self.beside.ec2.signing_name(),
            Service::Iam => self.beside.iam.signing_name(),
            Service::Sts => self.beside.sts.signing_name(),
        }
    }

    /// Serves a verified request. Its audit record is written when this returns.
    pub(super) async fn invoke(&self, called: &Called, body: &[u8], caller: &Caller) -> Reply {
        match called {
            Called::Kms(Some(operation)) => self.kms.invoke(operation, body, caller).await.into(),
            // `protocol::check` lets none through; were one to come, it is the service's to refuse.
            Called::Kms(None) => {
                let error = KmsError::bare(Exception::UnknownOperation);
                let Caller { access_key_id, region, origin, .. } = caller;
                self.kms.refuse(called.event_name(), error, Some(access_key_id), region, origin).await.into()
            }
            Called::CloudHsm(operation) => self.beside.cloudhsm.invoke(operation.as_deref(), body, caller).await.into(),
            Called::Ec2 => self.beside.ec2.invoke(None, body, caller).await.into(),
            Called::Iam => self.beside.iam.invoke(None, body, caller).await.into(),
            Called::Sts => self.beside.sts.invoke(None, body, caller).await.into(),
        }
    }

    /// Serves a form without a signature, if it is of an operation whose caller proves in another way who it is:
    /// `AssumeRoleWithWebIdentity` of STS. Also tells whether the caller has proved it. Its audit record is written when this returns.
    pub(super) async fn invoke_anonymous(&self, form: &[u8], origin: &RequestOrigin) -> Option<(Reply, bool)> {
        let served = self.beside.sts.invoke_anonymous(form, origin).await?;
        Some((served.answer.into(), served.authenticated))
    }

    /// Records a refusal in the Region that was asked, and answers with it in the service's own words. The record is written when this
    /// returns.
    pub(super) async fn refuse(
        &self,
        called: &Called,
        refusal: Refusal,
        region: &Region,
        origin: &RequestOrigin,
    ) -> Reply {
        let Refusal { error, status, access_key_id, .. } = refusal;
        let access_key_id = access_key_id.as_deref();
        let mut reply: Reply = match called {
            Called::Kms(_) => self.kms.refuse(called.event_name(), error, access_key_id, region, origin).await.into(),
            Called::CloudHsm(operation) => {
                self.beside.cloudhsm.refuse(operation.as_deref(), error, access_key_id, origin).await.into()
            }
            Called::Ec2 => self.beside.ec2.refuse(None, error, access_key_id, origin).await.into(),
            Called::Iam => self.beside.iam.refuse(None, error, access_key_id, origin).await.into(),
            Called::Sts => self.beside.sts.refuse(None, error, access_key_id, origin).await.into(),
        };
        // If the record could not be written, the answer is another one: the server's fault, and not the client's.
        if let Some(status) = status.filter(|_| reply.is_refusal()) {
            reply.status = status;
        }
        reply
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        let Answer { status, body, cause } = answer;
        Self { status, content_type: CONTENT_TYPE_AWS_JSON, body, cause }
    }
}

impl From<ServiceAnswer> for Reply {
    fn from(answer: ServiceAnswer) -> Self {
        let ServiceAnswer { status, content_type, body } = answer;
        Self { status, content_type, body: body.into(), cause: None }
    }
}
