//! The way of a request through the front: who, what, how much; then the service; and whatever happens, an answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{EXPECT, USER_AGENT};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use keystead_core::audit::TlsDetails;
use keystead_core::kms::{Caller, RequestOrigin, VpcEndpoint};
use keystead_core::{Kms, KmsError};
use keystead_model::kms::Exception;
use keystead_sigv4::SignatureError;
use tokio::task::JoinError;
use tokio::time::Instant;

use super::answer::{self, Reply};
use super::authentication::{Authenticator, Claim, Signer};
use super::body::{self, BodyLimits};
use super::dispatch::Dispatch;
use super::failed_authentications::FailedAuthentications;
use super::refusal::Refusal;
use super::service::{Called, is_form};
use super::signed_head::{SignedHead, host};
use super::{form, protocol};
use crate::config::Limits;
use crate::connection::ConnectionContext;
use crate::services::Services;
use crate::tls::NegotiatedTls;

/// The longest body without a signature: the token and the session policies of AssumeRoleWithWebIdentity, written as a form.
const UNSIGNED_BODY_BYTES_MAX: usize = 64 * 1024;

/// The front end.
pub(crate) struct Front {
    kms: Arc<Kms>,
    dispatch: Arc<Dispatch>,
    authenticator: Authenticator,
    failed_authentications: FailedAuthentications,
    header_bytes_max: usize,
    body_limits: BodyLimits,
}

/// Who is at the other end of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Its address; that of an IPv4 client of an IPv6 socket is the IPv4 one.
    pub(crate) address: IpAddr,
    /// Set if it comes through a VPC endpoint.
    pub(crate) vpc_endpoint: Option<Arc<VpcEndpoint>>,
    /// Set if it speaks TLS.
    pub(crate) tls: Option<NegotiatedTls>,
}

/// A request as the audit record knows it, whatever comes of it.
struct Exchange {
    head: SignedHead,
    called: Called,
    address: IpAddr,
    origin: RequestOrigin,
}

/// What goes back, and whether the connection can be used again.
struct Outcome {
    reply: Reply,
    body_left: bool,
}

impl Front {
    pub(crate) fn new(kms: Arc<Kms>, services: Services, limits: &Limits, clock_skew: Duration) -> Self {
        let dispatch = Arc::new(Dispatch::new(kms.clone(), services));
        Self {
            authenticator: Authenticator::new(kms.clone(), dispatch.clone(), clock_skew),
            failed_authentications: FailedAuthentications::new(limits.failed_authentications_per_second_max),
            dispatch,
            kms,
            header_bytes_max: limits.header_bytes_max,
            body_limits: BodyLimits { bytes_max: limits.body_bytes_max, timeout: limits.body_timeout },
        }
    }

    /// Serves one request.
    ///
    /// The work runs in a task of its own. So a client that goes away does not stop a mutation between its commit and its audit record
    /// (the HTTP library drops the future of a request whose connection is lost), and a panic, which would be a bug, ends with an
    /// answer and not with the connection. A task costs 1.4 microseconds (measured with two worker threads, a 1 KiB future and a release
    /// build); that is worth having one rule for all operations.
    pub(crate) async fn serve(context: Arc<ConnectionContext>, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let http1 = request.version() < Version::HTTP_2;
        let (head, body) = request.into_parts();
        let exchange = Arc::new(context.front.exchange(head, &context.peer));
        let task = tokio::spawn({
            let (context, exchange) = (context.clone(), exchange.clone());
            async move { context.front.handle(body, &exchange).await }
        });
        let outcome = match task.await {
            Ok(outcome) => outcome,
            Err(error) => Outcome { reply: Self::broken(&context, &exchange, &error).await, body_left: true },
        };
        let mut response = answer::response(outcome.reply, &exchange.origin.request_id);
        if outcome.body_left && http1 {
            answer::close(&mut response);
        }
        response
    }

    /// Records and answers a request of HTTP/1 whose head the HTTP library could not read; `status` is what the library makes of it. In a
    /// task of its own, as in [`Front::serve`].
    pub(crate) async fn refuse_unreadable(
        context: Arc<ConnectionContext>,
        status: StatusCode,
    ) -> Response<Full<Bytes>> {
        let (nothing_known, ()) = Request::new(()).into_parts();
        let exchange = Arc::new(context.front.exchange(nothing_known, &context.peer));
        let task = tokio::spawn({
            let (context, exchange) = (context.clone(), exchange.clone());
            async move { context.front.refuse(Refusal::of_unreadable_head(status), &exchange).await }
        });
        let reply = match task.await {
            Ok(reply) => reply,
            Err(error) => Self::broken(&context, &exchange, &error).await,
        };
        let mut response = answer::response(reply, &exchange.origin.request_id);
        answer::close(&mut response);
        response
    }

    fn exchange(&self, parts: Parts, peer: &Peer) -> Exchange {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let user_agent = parts.headers.get(USER_AGENT).map(HeaderValue::as_bytes);
        let origin = RequestOrigin {
            request_id: self.kms.new_uuid(),
            source_ip: peer.address.to_string(),
            user_agent: text(user_agent.unwrap_or_default()),
            tls: peer.tls.as_ref().map(|tls| TlsDetails {
                tls_version: tls.version.clone(),
                cipher_suite: tls.cipher_suite.clone(),
                client_provided_host_header: text(host(&parts).unwrap_or_default()),
            }),
            vpc_endpoint: peer.vpc_endpoint.clone(),
        };
        let is_form = is_form(&parts);
        let head = SignedHead::new(parts, is_form);
        Exchange { called: Called::of(&head, is_form), head, address: peer.address, origin }
    }

    async fn handle(&self, mut body: Incoming, exchange: &Exchange) -> Outcome {
        let deadline = Instant::now() + self.body_limits.timeout;
        match self.invoke(&mut body, deadline, exchange).await {
            Ok(reply) => Outcome { reply, body_left: false },
            Err(refusal) => {
                // Who waits for `100 Continue` has not sent its body and will not.
                let waits = exchange.head.parts.headers.contains_key(EXPECT);
                let body_left = waits || !body::discard(&mut body, refusal.discarded_bytes_max, deadline).await;
                Outcome { reply: self.refuse(refusal, exchange).await, body_left }
            }
        }
    }

    /// The checks in their order, then the operation.
    async fn invoke(&self, body: &mut Incoming, deadline: Instant, exchange: &Exchange) -> Result<Reply, Refusal> {
        let Exchange { head, called, address, .. } = exchange;
        protocol::check(&head.parts, called, self.header_bytes_max).map_err(Refusal::of_unknown_caller)?;
        let now_ms = self.kms.clock().monotonic_ms();
        let admitted = self.failed_authentications.admit(*address, now_ms);
        admitted.map_err(|error| Refusal::new(error).of_unknown_caller())?;
        if called.is_form() && !head.is_signed() {
            return self.invoke_unsigned(body, deadline, exchange).await;
        }
        let claim = self.authenticator.claim(head, called.service()).await;
        let claim = claim.map_err(|refusal| self.counted(refusal, *address))?;
        let body = body::read(body, self.body_limits, deadline).await;
        let body = body.map_err(|refusal| refusal.claimed_by(&claim.credential().access_key_id))?;
        let signer = self.authenticator.verify(&claim, &body).await;
        let signer = signer.map_err(|refusal| self.counted(refusal, *address))?;
        self.authenticator.note_use(&claim);
        let body = if called.is_form() { form::whole(head, body) } else { body };
        Ok(self.dispatch.invoke(called, &body, &caller(&claim, signer, exchange)).await)
    }

    /// A form that nobody signed: of an operation that needs no signature, or refused in the words of the service that it seems to be for.
    async fn invoke_unsigned(
        &self,
        body: &mut Incoming,
        deadline: Instant,
        exchange: &Exchange,
    ) -> Result<Reply, Refusal> {
        let bytes_max = self.body_limits.bytes_max.min(UNSIGNED_BODY_BYTES_MAX);
        let limits = BodyLimits { bytes_max, ..self.body_limits };
        let body = body::read(body, limits, deadline).await.map_err(Refusal::of_unknown_caller)?;
        let form = form::whole(&exchange.head, body);
        if let Some((reply, authenticated)) = self.dispatch.invoke_anonymous(&form, &exchange.origin).await {
            // A failure of our own is not the caller's.
            if !authenticated && reply.status < 500 {
                self.failed_authentications.count(exchange.address, self.kms.clock().monotonic_ms());
            }
            return Ok(reply);
        }
        let refusal = Refusal::from(SignatureError::MissingAuthenticationToken).of_unknown_caller();
        Err(self.counted(refusal, exchange.address).calling(Called::of_unsigned_form(&form)))
    }

    /// Counts a refusal of who did not show who it is, unless it is our own failure.
    fn counted(&self, refusal: Refusal, address: IpAddr) -> Refusal {
        if refusal.error.exception.status() < 500 {
            self.failed_authentications.count(address, self.kms.clock().monotonic_ms());
        }
        refusal
    }

    async fn refuse(&self, refusal: Refusal, exchange: &Exchange) -> Reply {
        let Exchange { head, called, origin, .. } = exchange;
        let told = refusal.called.clone();
        let called = told.as_ref().unwrap_or(called);
        let region = self.authenticator.asked_region(head, called.service());
        self.dispatch.refuse(called, refusal, region, origin).await
    }

    /// A panic: recorded and answered, if that does not panic as well.
    async fn broken(context: &Arc<ConnectionContext>, exchange: &Arc<Exchange>, error: &JoinError) -> Reply {
        let (event_name, request_id) = (exchange.called.event_name(), &exchange.origin.request_id);
        tracing::error!(event_name, request_id, %error, "a request ended in a panic: this is a bug, please report it");
        let refusing = tokio::spawn({
            let (context, exchange) = (context.clone(), exchange.clone());
            async move {
                let error = KmsError::bare(Exception::InternalFailure);
                context.front.refuse(Refusal::new(error), &exchange).await
            }
        });
        refusing.await.unwrap_or_else(|error| {
            tracing::error!(request_id, %error, "the panic could not be recorded");
            Reply::internal_failure(exchange.called.service().protocol(), request_id)
        })
    }
}

fn caller(claim: &Claim<'_>, signer: Signer, exchange: &Exchange) -> Caller {
    let Signer { credential, policies } = signer;
    Caller {
        principal: credential.principal.clone(),
        policies,
        access_key_id: credential.access_key_id.clone(),
        region: claim.region().clone(),
        origin: exchange.origin.clone(),
    }
}
