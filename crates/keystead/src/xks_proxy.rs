//! `keystead xks-proxy`.

use std::path::{Path, PathBuf};

use keystead_xks_proxy::key_manager::KeyUsage;
use keystead_xks_proxy::{Proxy, ProxyConfig, external_keys};

use crate::cli::KeysCommand;
use crate::stop_signal::Stop;
use crate::{Failure, logging, output};

/// Serves the proxy as configured until told to stop.
pub(crate) async fn serve(config: PathBuf) -> Result<(), Failure> {
    logging::start();
    let stop = Stop::on_signal()?;
    let proxy = Proxy::bind(ProxyConfig::load(&config)?).await?;
    output::line(&format!("ready https://{}", proxy.local_addr()))?;
    Ok(proxy.serve(stop.told()).await?)
}

/// Manages the external keys of the proxy that a configuration file describes.
pub(crate) fn manage_keys(command: KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::Create { id, usage, file } => {
            let id = external_keys::create(&load(&file.config)?, id.as_deref(), &usages(&usage)?)?;
            output::line(&id.to_string())?;
        }
        KeysCommand::List { file } => {
            for key in external_keys::list(&load(&file.config)?)? {
                output::line(&serde_json::to_string(&key)?)?;
            }
        }
        KeysCommand::Disable { id, file } => external_keys::disable(&load(&file.config)?, &id)?,
        KeysCommand::Enable { id, file } => external_keys::enable(&load(&file.config)?, &id)?,
        KeysCommand::Rotate { id, file } => {
            let version = external_keys::rotate(&load(&file.config)?, &id)?;
            output::line(&format!("{id} encrypts with version {version} now; earlier versions still decrypt"))?;
        }
        KeysCommand::Delete { id, file } => external_keys::delete(&load(&file.config)?, &id)?,
    }
    Ok(())
}

fn load(config: &Path) -> Result<ProxyConfig, Failure> {
    Ok(ProxyConfig::load(config)?)
}

fn usages(names: &[String]) -> Result<Vec<KeyUsage>, Failure> {
    names
        .iter()
        .map(|name| {
            serde_json::from_value(name.as_str().into())
                .map_err(|_| format!("--usage: {name} is no key usage; give ENCRYPT,DECRYPT or some of DERIVE, SIGN, VERIFY, WRAP, UNWRAP").into())
        })
        .collect()
}
