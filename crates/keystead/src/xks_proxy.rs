//! `keystead xks-proxy`.

use std::path::{Path, PathBuf};

use keystead_xks_proxy::key_manager::KeyUsage;
use keystead_xks_proxy::{Proxy, ProxyConfig, credential, external_keys, secret_json};

use crate::cli::{CredentialsCommand, KeysCommand, PrefixOfProxy};
use crate::stop_signal::Stop;
use crate::{Failure, logging, output};

/// Serves the proxy as configured until told to stop.
pub(crate) async fn serve(config: PathBuf) -> Result<(), Failure> {
    logging::start()?;
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

/// Manages the credentials of one prefix of the proxy that a configuration file describes.
pub(crate) fn manage_credentials(command: CredentialsCommand) -> Result<(), Failure> {
    match command {
        CredentialsCommand::Create { of } => {
            let credential = credential::add(&credentials_file(&of)?)?;
            output::line(std::str::from_utf8(&secret_json(&credential)?)?)?;
        }
        CredentialsCommand::List { of } => {
            for id in credential::list(&credentials_file(&of)?)? {
                output::line(&id)?;
            }
        }
        CredentialsCommand::Delete { id, of } => credential::remove(&credentials_file(&of)?, &id)?,
    }
    Ok(())
}

fn credentials_file(of: &PrefixOfProxy) -> Result<PathBuf, Failure> {
    file_of_prefix(&load(&of.file.config)?, of.prefix.as_deref())
}

fn file_of_prefix(config: &ProxyConfig, path: Option<&str>) -> Result<PathBuf, Failure> {
    let paths = || config.prefix.iter().map(|prefix| format!("{:?}", prefix.path)).collect::<Vec<_>>().join(", ");
    let chosen = match (path, config.prefix.as_slice()) {
        (Some(path), prefixes) => prefixes
            .iter()
            .find(|prefix| prefix.path == path)
            .ok_or_else(|| format!("--prefix: the configuration has no prefix {path:?}; it has {}", paths()))?,
        (None, [only]) => only,
        (None, _) => return Err(format!("--prefix is missing: the configuration has {}; choose one", paths()).into()),
    };
    Ok(chosen.credentials_file.clone())
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn config(prefixes: &[&str]) -> ProxyConfig {
        let mut text = "listen = '127.0.0.1:0'\nregion = 'us-east-1'\nkey_file = 'keys'\nroot_key_file = 'root.key'\n\
                        [tls]\ncertificate = 'proxy.pem'\nprivate_key = 'proxy.key'\n"
            .to_owned();
        for (n, path) in prefixes.iter().enumerate() {
            text.push_str(&format!("[[prefix]]\npath = '{path}'\ncredentials_file = 'credentials-{n}.json'\n"));
        }
        ProxyConfig::parse(&text, Path::new("/srv/proxy.toml")).unwrap()
    }

    #[test]
    fn the_only_prefix_need_not_be_named() {
        let (one, two) = (config(&["/one"]), config(&["/one", ""]));
        assert_eq!(file_of_prefix(&one, None).unwrap(), Path::new("/srv/credentials-0.json"));
        assert_eq!(file_of_prefix(&two, Some("/one")).unwrap(), Path::new("/srv/credentials-0.json"));
        assert_eq!(file_of_prefix(&two, Some("")).unwrap(), Path::new("/srv/credentials-1.json"));
        for (config, path) in [(&one, Some("/two")), (&two, None), (&two, Some("one"))] {
            let error = file_of_prefix(config, path).unwrap_err().to_string();
            assert!(error.starts_with("--prefix") && error.contains("\"/one\""), "{error}");
        }
    }
}
