//! `keystead serve`.

use std::path::PathBuf;

use crate::config::Config;
use crate::service::Service;
use crate::stop_signal::Stop;
use crate::{Failure, logging, output};

/// Serves KMS as configured until told to stop.
pub(crate) async fn run(config: PathBuf) -> Result<(), Failure> {
    logging::start();
    let stop = Stop::on_signal()?;
    let config = Config::load(&config)?;
    let service = Service::open(&config).await?;
    output::line(&ready_line(&config, &service))?;
    service.serve(stop).await
}

/// What tells a program that waits that requests are accepted.
pub(crate) fn ready_line(config: &Config, service: &Service) -> String {
    format!("ready {}", endpoint(config, service))
}

/// The URL of the KMS endpoint. Over TLS it names the host that the sample certificate is for.
pub(crate) fn endpoint(config: &Config, service: &Service) -> String {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    format!("{scheme}://{}", service.local_addr())
}
