//! A connection for the time of one call, and the call on it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::Response;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use keystead_core::key_store::ProxyFailure;

use super::budget::Budget;
use super::connection::Monitor;
use super::failure::{self, AttemptError};
use super::pool::{Pool, SharedConnection};
use super::request::{Protocol, RequestBody, SignedRequest};
use super::response::{self, Answer, ReadError};

/// A connection of one HTTP version.
pub(crate) enum Connection {
    /// HTTP/1.1: nobody else's meanwhile.
    Own(http1::SendRequest<RequestBody>),
    /// HTTP/2: with others.
    Shared(SharedConnection),
}

/// A connection for one call. Dropped without [`Lease::give_back`], an HTTP/1.1 connection is closed.
pub(crate) struct Lease {
    pool: Arc<Pool>,
    connection: Option<Connection>,
    monitor: Arc<Monitor>,
    /// It had served a call, or been idle, before.
    reused: bool,
    bytes_read_before: u64,
    answers_before: u64,
}

impl Lease {
    pub(crate) fn new(pool: Arc<Pool>, connection: Connection, monitor: Arc<Monitor>, reused: bool) -> Self {
        Self {
            pool,
            connection: Some(connection),
            bytes_read_before: monitor.bytes_read(),
            answers_before: monitor.answers(),
            monitor,
            reused,
        }
    }

    /// Sends `request` and reads the whole answer within `budget`; then the connection is given back or closed.
    pub(crate) async fn exchange(mut self, request: &SignedRequest, budget: Budget) -> Result<Answer, AttemptError> {
        match budget.limit(self.send_and_read(request)).await {
            Ok(Ok(answer)) => {
                self.monitor.answered();
                self.give_back();
                Ok(answer)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => {
                self.give_up();
                Err(AttemptError::TimedOut(ProxyFailure::TimedOut))
            }
        }
    }

    async fn send_and_read(&mut self, request: &SignedRequest) -> Result<Answer, AttemptError> {
        let response = match self.send(request).await? {
            Ok(response) => response,
            Err(error) => return Err(self.unanswered(&error).await),
        };
        match response::read(response).await {
            Ok(answer) => Ok(answer),
            Err(ReadError::Oversized) => Err(AttemptError::Failed(ProxyFailure::OversizedResponse)),
            Err(ReadError::Http(error)) => Err(AttemptError::Failed(self.failure_of(&error).await)),
        }
    }

    /// The head of the response, or how HTTP failed.
    async fn send(&mut self, request: &SignedRequest) -> Result<hyper::Result<Response<Incoming>>, AttemptError> {
        let endpoint = self.pool.endpoint();
        Ok(match &mut self.connection {
            Some(Connection::Own(sender)) => {
                let request = built(request.for_protocol(Protocol::Http1, endpoint))?;
                match sender.ready().await {
                    Ok(()) => sender.send_request(request).await,
                    Err(error) => Err(error),
                }
            }
            Some(Connection::Shared(shared)) => {
                let request = built(request.for_protocol(Protocol::Http2, endpoint))?;
                shared.sender.send_request(request).await
            }
            None => return Err(AttemptError::Failed(ProxyFailure::ConnectionClosed)),
        })
    }

    /// Whether a request without a byte in answer may go out again depends on what ended: the connection, or this call's
    /// stream alone.
    async fn unanswered(&self, error: &hyper::Error) -> AttemptError {
        let reset = failure::stream_reset(error);
        match self.failure_of(error).await {
            _ if reset == Some(h2::Reason::REFUSED_STREAM) => AttemptError::Refused,
            ProxyFailure::ConnectionClosed if reset.is_none() && self.was_silent_reuse() => {
                self.pool.remove_shared(&self.monitor);
                AttemptError::Stale
            }
            failure => AttemptError::Failed(failure),
        }
    }

    async fn failure_of(&self, error: &hyper::Error) -> ProxyFailure {
        tracing::debug!(%error, source = ?std::error::Error::source(error), "a call to an XKS proxy broke");
        match failure::of_http(error) {
            Some(failure) => failure,
            None => self.monitor.ended().await,
        }
    }

    /// A connection from before this call that ended without a byte for it. What other calls read from a shared connection
    /// does not tell, but HTTP/2 says which calls were not answered.
    fn was_silent_reuse(&self) -> bool {
        let is_shared = matches!(self.connection, Some(Connection::Shared(_)));
        self.reused && (is_shared || self.monitor.bytes_read() == self.bytes_read_before)
    }

    /// The call took too long. A shared connection that answered nobody meanwhile is not offered to others.
    fn give_up(&self) {
        if matches!(self.connection, Some(Connection::Shared(_))) && self.monitor.answers() == self.answers_before {
            self.pool.remove_shared(&self.monitor);
        }
    }

    /// The connection is whole and may serve another call.
    pub(crate) fn give_back(mut self) {
        match self.connection.take() {
            Some(Connection::Own(sender)) => {
                self.pool.put_back(sender, Arc::clone(&self.monitor));
            }
            shared => self.connection = shared,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(Connection::Shared(shared)) = &self.connection {
            shared.calls.fetch_sub(1, Ordering::Relaxed);
            self.pool.available.notify_one();
        }
    }
}

/// A request of checked parts can be built; if not, the path is what the key store's configuration brought in.
fn built<T>(request: Result<T, http::Error>) -> Result<T, AttemptError> {
    request.map_err(|error| {
        tracing::error!(%error, "a request to an XKS proxy cannot be built");
        AttemptError::Failed(ProxyFailure::InvalidUriPath)
    })
}
