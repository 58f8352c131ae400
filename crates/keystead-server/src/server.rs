//! The server: what it is made of, its start and its end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use keystead_core::Kms;
use keystead_listener::Listener;

use crate::config::ServerConfig;
use crate::connection::Connections;
use crate::front::Front;
use crate::services::Services;
use crate::start_error::StartError;
use crate::tls::Tls;
use crate::vpc_endpoint::VpcEndpoints;

/// A bound, not yet serving, server.
pub struct Server {
    listener: Listener,
    connections: Arc<Connections>,
}

/// Why a server ended without having been told to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The socket no longer listens.
    #[error("the socket on {address} no longer accepts connections: {error}. Start the server again.")]
    Accept {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        #[source]
        error: io::Error,
    },
}

impl Server {
    /// Reads the certificate and takes the address. From now on clients may connect; they are answered once [`Server::serve`] runs.
    pub async fn bind(config: ServerConfig, kms: Arc<Kms>, services: Services) -> Result<Self, StartError> {
        let limits = config.limits.checked()?;
        let tls = config.tls.map(Tls::new).transpose()?;
        let address = config.listen;
        let listener = Listener::bind(address, limits.connections_max, limits.shutdown_grace)
            .await
            .map_err(|error| StartError::Listen { address, error })?;
        let vpc_endpoints = VpcEndpoints::new(&config.vpc_endpoints);
        let front = Front::new(kms, services, &limits, config.clock_skew);
        Ok(Self { listener, connections: Arc::new(Connections::new(front, tls, &limits, vpc_endpoints)) })
    }

    /// The address that is listened on, with the real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// Serves until `shutdown` is ready. Then no connection is taken any more, requests in flight finish (for `shutdown_grace` at the
    /// most), and it returns `Ok`, also if some had to be cut off; the log tells how many.
    ///
    /// Fails if the socket no longer listens.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        let address = self.local_addr();
        let Self { listener, connections } = self;
        let serve = |stream, peer, in_flight| {
            let connections = connections.clone();
            async move { connections.serve(stream, peer, in_flight).await }
        };
        tokio::select! {
            ended = listener.serve(shutdown, serve) => ended.map_err(|error| ServeError::Accept { address, error }),
            never = follow_certificate(&connections) => match never {},
        }
    }
}

async fn follow_certificate(connections: &Connections) -> Infallible {
    match connections.tls() {
        Some(tls) => tls.follow_files().await,
        None => std::future::pending().await,
    }
}
