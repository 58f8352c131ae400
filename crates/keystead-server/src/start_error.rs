//! Why a server does not start.

use std::io;
use std::net::SocketAddr;

use crate::tls::TlsError;

/// Why a server does not start: what is wrong, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A limit is zero.
    #[error("limits: {name} is 0. Nobody could be served; set it to more than 0, or leave it out for its default.")]
    ZeroLimit {
        /// The limit.
        name: &'static str,
    },
    /// The certificate or its private key is not usable.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}. {}", listen_remedy(.error))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        #[source]
        error: io::Error,
    },
}

fn listen_remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "Another process has this port: stop it, or listen on another port (0 takes any free one)."
        }
        io::ErrorKind::PermissionDenied => {
            "Ports below 1024 need a privilege: listen on a higher port, or grant CAP_NET_BIND_SERVICE."
        }
        io::ErrorKind::AddrNotAvailable => {
            "This machine has no such address: listen on one it has, such as 127.0.0.1, or on 0.0.0.0 for all."
        }
        _ => "Check the address.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_operating_system_says_comes_with_a_remedy() {
        let rows = [
            (io::ErrorKind::AddrInUse, "another port"),
            (io::ErrorKind::PermissionDenied, "CAP_NET_BIND_SERVICE"),
            (io::ErrorKind::AddrNotAvailable, "0.0.0.0"),
            (io::ErrorKind::Other, "Check the address"),
        ];
        for (kind, remedy) in rows {
            let error = StartError::Listen { address: SocketAddr::from(([127, 0, 0, 1], 80)), error: kind.into() };
            let text = error.to_string();
            assert!(text.starts_with("cannot listen on 127.0.0.1:80: ") && text.contains(remedy), "{text}");
        }
    }
}
