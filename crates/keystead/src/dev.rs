//! `keystead dev`: everything on one machine, in a folder that survives a restart.

mod certificates;
mod folder;
mod identity;
mod proxy;
mod welcome;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::cli::DevArguments;
use crate::config::Config;
use crate::serve::{endpoint, ready_line};
use crate::service::Service;
use crate::stop_signal::Stop;
use crate::{Failure, logging, output};
use certificates::PrivateCa;
use folder::Folder;

/// The host of the sample proxy: a name that can never be registered (RFC 6761), so that no call leaves this machine by mistake.
pub(crate) const PROXY_HOST: &str = "xks-proxy.keystead.test";
/// The external key that the sample proxy has from the start.
pub(crate) const SAMPLE_KEY: &str = "sample-key";

/// Makes what is missing in the folder, starts proxy and KMS, and serves both until told to stop.
pub(crate) async fn run(arguments: DevArguments) -> Result<(), Failure> {
    logging::start()?;
    let stop = Stop::on_signal()?;
    // Locked for as long as this lives: a second `keystead dev` on the folder is refused.
    let folder = Folder::open(&arguments.data_dir)?;
    let ca = PrivateCa::open(&folder)?;
    let proxy = proxy::start(&folder, &ca, arguments.region.as_str()).await?;
    let config = write_configuration(&folder, &ca, &arguments, proxy.local_addr())?;
    let access_key = identity::administrator(&config, &arguments.account).await?;
    let service = Service::open(&config).await?;
    let endpoint = endpoint(&config, &service);
    folder.write_environment(&endpoint, arguments.region.as_str(), &access_key, arguments.tls)?;
    welcome::print(&arguments, &folder, &endpoint, proxy.local_addr())?;
    output::line(&ready_line(&config, &service))?;

    // KMS stops first: its last requests still need the proxy.
    let (kms_stopped, proxy_stop) = tokio::sync::oneshot::channel::<()>();
    let proxy = tokio::spawn(proxy.serve(async move {
        // An error means that KMS is gone, which is what is waited for.
        let _ = proxy_stop.await;
    }));
    let served = service.serve(stop).await;
    drop(kms_stopped);
    proxy.await??;
    served
}

/// What the endpoint's certificate is for: loopback always, which stands for an address of `0.0.0.0`.
fn addresses(listen: IpAddr) -> Vec<IpAddr> {
    let mut addresses = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    if !addresses.contains(&listen) {
        addresses.push(listen);
    }
    addresses
}

/// The configuration that `keystead serve` would take, made anew at each start.
fn write_configuration(
    folder: &Folder,
    ca: &PrivateCa,
    arguments: &DevArguments,
    proxy: SocketAddr,
) -> Result<Config, Failure> {
    let root_key = folder.path("root.key");
    if !root_key.exists() {
        keystead_private_file::create_root_key_file(&root_key)?;
    }
    let tls = if arguments.tls {
        ca.issue(folder, "server", &["localhost"], &addresses(arguments.listen.ip()))?;
        "\n[tls]\ncertificate = \"server.pem\"\nprivate_key = \"server.key\"\n"
    } else {
        ""
    };
    let DevArguments { listen, region, connection_transition_ms, .. } = arguments;
    let text = format!(
        "# Written by `keystead dev` at each start; copy it to change it, and start it with `keystead serve`.\n\
         listen = \"{listen}\"\n\
         data_dir = \".\"\n\
         region = \"{region}\"\n\
         \n\
         [root_key]\n\
         file = \"root.key\"\n\
         {tls}\n\
         [custom_key_stores]\n\
         transition_min_ms = {connection_transition_ms}\n\
         \n\
         [xks]\n\
         trust_roots = [\"ca.pem\"]\n\
         public_trust_roots = false\n\
         \n\
         [xks.connect_to]\n\
         \"{PROXY_HOST}\" = \"{proxy}\"\n"
    );
    let file = folder.path("keystead.toml");
    folder.write_public("keystead.toml", text.as_bytes())?;
    Ok(Config::load(&file)?)
}
