//! `keystead dev`: everything on one machine, in a folder that survives a restart.

mod certificates;
mod customer_ca;
mod folder;
mod identity;
mod proxy;
mod regions;
mod sample_cluster;
mod welcome;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use keystead_core::kms::{Caller, RequestOrigin};

use crate::cli::DevArguments;
use crate::config::Config;
use crate::serve::{endpoint, ready_line};
use crate::service::Service;
use crate::stop_signal::Stop;
use crate::{Failure, logging, output};
use certificates::PrivateCa;
use folder::Folder;
use regions::Regions;

/// The host of the sample proxy: a name that can never be registered (RFC 6761), so that no call leaves this machine by mistake.
pub(crate) const PROXY_HOST: &str = "xks-proxy.keystead.test";
/// The external key that the sample proxy has from the start.
pub(crate) const SAMPLE_KEY: &str = "sample-key";

/// How long the states of clusters and HSMs are to be seen at the most.
const HSM_TRANSITION_MS_MAX: u64 = 100;

/// Makes what is missing in the folder, starts proxy and KMS, and serves both until told to stop.
pub(crate) async fn run(arguments: DevArguments) -> Result<(), Failure> {
    logging::start()?;
    let stop = Stop::on_signal()?;
    // Locked for as long as this lives, which is to the end: a second `keystead dev` on the folder is refused before it writes anything.
    let folder = Arc::new(Folder::open(&arguments.data_dir)?);
    let ca = PrivateCa::open(&folder)?;
    let regions = Regions::of(&arguments);
    let proxy = proxy::start(&folder, &ca, &regions).await?;
    let config = write_configuration(&folder, &ca, &arguments, &regions, proxy.local_addr())?;
    let access_key = identity::administrator(&config, &arguments.account).await?;
    let service = Service::open(&config).await?;
    let endpoint = endpoint(&config, &service);
    folder.write_environment(&endpoint, arguments.region.as_str(), &access_key, arguments.tls)?;
    welcome::print(&arguments, &regions, &folder, &endpoint, proxy.local_addr())?;
    output::line(&ready_line(&config, &service))?;

    // KMS stops first: its last requests still need the proxy.
    let (kms_stopped, proxy_stop) = tokio::sync::oneshot::channel::<()>();
    let proxy = tokio::spawn(proxy.serve(async move {
        // An error means that KMS is gone, which is what is waited for.
        let _ = proxy_stop.await;
    }));
    let sample = sample(&arguments, &config, &service, &access_key.access_key_id, folder.clone()).await?;
    let served = service.serve(stop, sample).await;
    drop(kms_stopped);
    proxy.await??;
    served
}

/// What is made once KMS serves: the sample cluster of HSMs.
async fn sample(
    arguments: &DevArguments,
    config: &Config,
    service: &Service,
    access_key_id: &str,
    folder: Arc<Folder>,
) -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let caller = caller(service, access_key_id).await?;
    let (hsms, kms, module) = (service.hsms(), service.kms(), config.hsm.soft_module()?);
    let wanted = !arguments.no_hsm;
    Ok(async move {
        if wanted {
            sample_cluster::prepare(hsms, kms, caller, module, folder).await;
        }
    })
}

/// The administrator, as the audit log is to know who made the sample.
async fn caller(service: &Service, access_key_id: &str) -> Result<Caller, Failure> {
    let credential = service.kms().catalog().credential(access_key_id).await.map_err(|error| error.to_string())?;
    let credential = credential.ok_or("the administrator's access key is gone")?;
    let policies = service.kms().catalog().principal_policies(&credential.principal).await;
    let policies = policies.map_err(|error| error.to_string())?.ok_or("the administrator is gone")?;
    let origin = RequestOrigin {
        request_id: service.kms().new_uuid(),
        source_ip: Ipv4Addr::LOCALHOST.to_string(),
        user_agent: concat!("keystead-dev/", env!("CARGO_PKG_VERSION")).to_owned(),
        tls: None,
        vpc_endpoint: None,
    };
    Ok(Caller {
        principal: credential.principal.clone(),
        policies,
        access_key_id: access_key_id.to_owned(),
        region: service.kms().home_region().clone(),
        origin,
    })
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
    regions: &Regions,
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
    let DevArguments { listen, connection_transition_ms, .. } = arguments;
    let (region, other_regions) = (&regions.home, regions.others_as_toml());
    // The sample cluster passes through many states before it is ready.
    let hsm_transition_ms = HSM_TRANSITION_MS_MAX.min(*connection_transition_ms);
    let text = format!(
        "# Written by `keystead dev` at each start; copy it to change it, and start it with `keystead serve`.\n\
         listen = \"{listen}\"\n\
         data_dir = \".\"\n\
         region = \"{region}\"\n\
         other_regions = {other_regions}\n\
         \n\
         [root_key]\n\
         file = \"root.key\"\n\
         {tls}\n\
         [custom_key_stores]\n\
         transition_min_ms = {connection_transition_ms}\n\
         \n\
         [request_quotas]\n\
         enabled = false\n\
         \n\
         [hsm]\n\
         transition_min_ms = {hsm_transition_ms}\n\
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
