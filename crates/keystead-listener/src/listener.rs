//! The listening socket.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::shutdown::{InFlight, Shutdown};

/// How long to wait after a failure to accept: most come from a want of file descriptors, which only time mends.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A socket that listens. Connections wait until [`Listener::serve`] takes them.
pub struct Listener {
    socket: TcpListener,
    local_addr: SocketAddr,
    slots: Arc<Semaphore>,
    shutdown_grace: Duration,
}

impl Listener {
    /// Takes the address. At most `connections_max` connections are served at once; further ones wait in the system's queue.
    pub async fn bind(address: SocketAddr, connections_max: usize, shutdown_grace: Duration) -> io::Result<Self> {
        let socket = TcpListener::bind(address).await?;
        Ok(Self {
            local_addr: socket.local_addr()?,
            socket,
            slots: Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS))),
            shutdown_grace,
        })
    }

    /// The address that is listened on, with the real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves each connection in a task of its own, until `shutdown` is ready. Then the address is given up, requests in flight finish
    /// (for the grace period at the most), and it returns `Ok`, also if some had to be cut off; the log tells how many.
    ///
    /// Fails if the socket no longer listens.
    pub async fn serve<C, F>(self, shutdown: impl Future<Output = ()> + Send, connection: C) -> io::Result<()>
    where
        C: Fn(TcpStream, SocketAddr, InFlight) -> F + Send + Sync,
        F: Future<Output = ()> + Send + 'static,
    {
        let in_flight = Shutdown::new();
        let ended = tokio::select! {
            () = shutdown => Ok(()),
            error = self.accept_all(&in_flight, connection) => Err(error),
        };
        // Closes the socket: who connects from now on is refused and can go elsewhere.
        drop(self.socket);
        in_flight.finish(self.shutdown_grace).await;
        ended
    }

    /// Accepts for as long as it is polled or can.
    async fn accept_all<C, F>(&self, shutdown: &Shutdown, connection: C) -> io::Error
    where
        C: Fn(TcpStream, SocketAddr, InFlight) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        loop {
            match self.accept().await {
                Ok((stream, address, slot)) => {
                    let serving = connection(stream, address, shutdown.in_flight());
                    tokio::spawn(async move {
                        serving.await;
                        drop(slot);
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

    /// The next connection, once there is a slot for one.
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let slot = self.slots.clone().acquire_owned().await.map_err(io::Error::other)?;
        let (stream, address) = self.socket.accept().await?;
        // Answers are single writes; waiting for more to send would only delay them.
        stream.set_nodelay(true)?;
        Ok((stream, address, slot))
    }
}
