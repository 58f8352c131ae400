//! The data folder of `keystead dev`, and what its files tell.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rustls_pki_types::ServerName;
use serde_json::Value;

use crate::Failure;
use crate::connection::Endpoint;
use crate::kms_call::{KmsServer, text};
use crate::process::Server;
use crate::signer::Signer;

/// The Region of `keystead dev`.
const DEFAULT_REGION: &str = "us-east-1";

/// A data folder.
pub(crate) struct DataFolder(PathBuf);

/// The XKS proxy of a data folder, as KMS reaches it.
pub(crate) struct SampleProxy {
    pub(crate) endpoint: Endpoint,
    pub(crate) host: String,
    pub(crate) uri_path: String,
    pub(crate) key_id: String,
    pub(crate) signer: Signer,
}

impl DataFolder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The KMS that `server` serves from this folder.
    pub(crate) fn kms(&self, server: &Server, tls: bool) -> Result<KmsServer, Failure> {
        let address = server.address();
        let endpoint = if tls {
            Endpoint::tls(address, ServerName::from(address.ip()), &self.file("ca.pem"))?
        } else {
            Endpoint::plain(address)
        };
        Ok(KmsServer { endpoint, host: address.to_string(), signer: self.signer()? })
    }

    /// The proxy that a running `keystead dev` serves from this folder.
    pub(crate) fn proxy(&self) -> Result<SampleProxy, Failure> {
        let proxy: Value = serde_json::from_str(&self.read("xks-proxy.json")?)?;
        let host = text(&proxy, "/XksProxyUriEndpoint")?.replacen("https://", "", 1);
        let address = self.address_of(&host)?;
        Ok(SampleProxy {
            endpoint: Endpoint::tls(address, ServerName::try_from(host.clone())?, &self.file("ca.pem"))?,
            uri_path: text(&proxy, "/XksProxyUriPath")?,
            key_id: text(&proxy, "/XksKeyId")?,
            signer: Signer::for_proxy(
                &text(&proxy, "/XksProxyAuthenticationCredential/AccessKeyId")?,
                &text(&proxy, "/XksProxyAuthenticationCredential/RawSecretAccessKey")?,
                self.signer()?.region(),
            ),
            host,
        })
    }

    /// The input of CreateCustomKeyStore for that proxy.
    pub(crate) fn create_custom_key_store_input(&self) -> Result<Value, Failure> {
        Ok(serde_json::from_str(&self.read("create-custom-key-store.json")?)?)
    }

    /// The input of CreateCustomKeyStore for the sample cluster of HSMs.
    pub(crate) fn create_cloudhsm_key_store_input(&self) -> Result<Value, Failure> {
        Ok(serde_json::from_str(&self.read("create-cloudhsm-key-store.json")?)?)
    }

    /// Changes the configuration that `keystead dev` has left.
    pub(crate) fn change_configuration(&self, change: impl FnOnce(&mut toml::Table)) -> Result<(), Failure> {
        let mut config: toml::Table = self.read("keystead.toml")?.parse()?;
        change(&mut config);
        Ok(std::fs::write(self.file("keystead.toml"), config.to_string())?)
    }

    fn signer(&self) -> Result<Signer, Failure> {
        signer_of(&self.read("env")?)
    }

    fn address_of(&self, host: &str) -> Result<SocketAddr, Failure> {
        let config: toml::Table = self.read("keystead.toml")?.parse()?;
        let address = config.get("xks").and_then(|xks| xks.get("connect_to")?.get(host)?.as_str());
        Ok(address.ok_or_else(|| format!("no address of {host} in keystead.toml"))?.parse()?)
    }

    fn read(&self, name: &str) -> Result<String, Failure> {
        let file = self.file(name);
        std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()).into())
    }
}

/// Whoever the lines of a file for a shell make of an AWS SDK.
pub(crate) fn signer_of(env: &str) -> Result<Signer, Failure> {
    let variable = |name| exported(env, name).ok_or_else(|| format!("no {name} among the variables"));
    let region = exported(env, "AWS_REGION").unwrap_or(DEFAULT_REGION);
    Ok(Signer::for_kms(variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?, region))
}

/// The value of `export NAME=VALUE` among the lines of a file for a shell. The values read here need no quotes.
fn exported<'a>(env: &'a str, name: &str) -> Option<&'a str> {
    env.lines().find_map(|line| line.strip_prefix("export ")?.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_by_their_whole_name() {
        let env = "export AWS_REGION_X=a\nexport AWS_REGION=b=c\n";
        assert_eq!((exported(env, "AWS_REGION"), exported(env, "REGION")), (Some("b=c"), None));
    }

    #[test]
    fn the_proxys_address_is_in_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::new(folder.path().to_owned());
        std::fs::write(data.file("keystead.toml"), "[xks.connect_to]\n\"a.test\" = \"127.0.0.1:7\"\n").unwrap();
        assert_eq!(data.address_of("a.test").unwrap().port(), 7);
        assert!(data.address_of("b.test").unwrap_err().to_string().contains("b.test"));
    }
}
