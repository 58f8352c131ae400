//! `keystead serve`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use crate::config::Config;
use crate::service::Service;
use crate::stop_signal::Stop;
use crate::{Failure, logging, output};

/// Serves KMS as configured until told to stop.
pub(crate) async fn run(config: PathBuf) -> Result<(), Failure> {
    logging::start()?;
    let stop = Stop::on_signal()?;
    let config = Config::load(&config)?;
    let service = Service::open(&config).await?;
    output::line(&ready_line(&config, &service))?;
    service.serve(stop, std::future::ready(())).await
}

/// What tells a program that waits that requests are accepted.
pub(crate) fn ready_line(config: &Config, service: &Service) -> String {
    format!("ready {}", endpoint(config, service))
}

/// The URL at which a client on this machine reaches the KMS endpoint.
pub(crate) fn endpoint(config: &Config, service: &Service) -> String {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    format!("{scheme}://{}", reachable(service.local_addr()))
}

/// Nobody can call "all addresses", and no certificate is for them: loopback stands for them.
fn reachable(address: SocketAddr) -> SocketAddr {
    let loopback: IpAddr = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(loopback, address.port())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_are_told_as_loopback() {
        for (listen, told) in [
            ("0.0.0.0:8443", "127.0.0.1:8443"),
            ("[::]:8443", "[::1]:8443"),
            ("127.0.0.2:1", "127.0.0.2:1"),
            ("192.0.2.1:8443", "192.0.2.1:8443"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), told);
        }
    }
}
