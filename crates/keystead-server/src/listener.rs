//! The listening socket.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use keystead_core::Kms;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::ServerConfig;
use crate::connection::Connections;
use crate::front::Front;
use crate::shutdown::Shutdown;
use crate::start_error::StartError;
use crate::tls::Tls;

/// How long to wait after a failure to accept: most come from a want of file descriptors, which only time mends.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A bound, not yet serving, server.
pub struct Server {
    listener: TcpListener,
    local_addr: SocketAddr,
    connections: Arc<Connections>,
    free: Arc<Semaphore>,
    shutdown_grace: Duration,
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
    pub async fn bind(config: ServerConfig, kms: Arc<Kms>) -> Result<Self, StartError> {
        let limits = config.limits.checked()?;
        let tls = config.tls.map(Tls::new).transpose()?;
        let address = config.listen;
        let listen_error = |error| StartError::Listen { address, error };
        let listener = TcpListener::bind(address).await.map_err(listen_error)?;
        let local_addr = listener.local_addr().map_err(listen_error)?;
        let front = Front::new(kms, &limits, config.clock_skew);
        Ok(Self {
            listener,
            local_addr,
            connections: Arc::new(Connections::new(front, tls, &limits)),
            free: Arc::new(Semaphore::new(limits.connections_max.min(Semaphore::MAX_PERMITS))),
            shutdown_grace: limits.shutdown_grace,
        })
    }

    /// The address that is listened on, with the real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `shutdown` is ready. Then no connection is taken any more, requests in flight finish (for `shutdown_grace` at the
    /// most), and it returns `Ok`, also if some had to be cut off; the log tells how many.
    ///
    /// Fails if the socket no longer listens.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        let in_flight = Shutdown::new();
        let ended = tokio::select! {
            () = shutdown => Ok(()),
            error = self.accept_all(&in_flight) => Err(ServeError::Accept { address: self.local_addr, error }),
            never = self.follow_certificate() => match never {},
        };
        // Closes the socket: who connects from now on is refused and can go elsewhere.
        drop(self.listener);
        in_flight.finish(self.shutdown_grace).await;
        ended
    }

    async fn follow_certificate(&self) -> Infallible {
        match self.connections.tls() {
            Some(tls) => tls.follow_files().await,
            None => std::future::pending().await,
        }
    }

    /// Accepts for as long as it is polled or can.
    async fn accept_all(&self, shutdown: &Shutdown) -> io::Error {
        loop {
            match self.accept().await {
                Ok((stream, address, permit)) => {
                    let (connections, in_flight) = (self.connections.clone(), shutdown.in_flight());
                    tokio::spawn(async move {
                        connections.serve(stream, address, in_flight).await;
                        drop(permit);
                    });
                }
                // EINVAL: the socket does not listen. All the rest concerns one connection, or passes (accept(2)).
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => return error,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// The next connection, once there is room for one.
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let permit = self.free.clone().acquire_owned().await.map_err(io::Error::other)?;
        let (stream, address) = self.listener.accept().await?;
        // Answers are single writes; waiting for more to send would only delay them.
        stream.set_nodelay(true)?;
        Ok((stream, address, permit))
    }
}
