//! A running proxy with its files, and a client that signs.

pub(crate) mod client;
pub(crate) mod key_managers;
pub(crate) mod pki;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use keystead_private_file::create_root_key_file;
use keystead_xks_proxy::credential::{self, XksCredential};
use keystead_xks_proxy::key_manager::{KeyManager, KeyUsage};
use keystead_xks_proxy::{Proxy, ProxyConfig, ServeError, external_keys};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::pki::Authority;

pub(crate) const REGION: &str = "us-east-1";
pub(crate) const SERVER_NAME: &str = "xks.example.com";
pub(crate) const PREFIX: &str = "/example";
pub(crate) const KEY: &str = "key-1";

/// The files of a proxy that is not running yet.
pub(crate) struct Setup {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) authority: Authority,
    pub(crate) credential: XksCredential,
    /// TOML in front of the tables.
    pub(crate) top: String,
    /// TOML inside `[tls]`.
    pub(crate) tls: String,
    /// TOML after `[tls]`.
    pub(crate) rest: String,
}

pub(crate) struct RunningProxy {
    pub(crate) setup: Setup,
    pub(crate) config: ProxyConfig,
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl Setup {
    /// A CA, a server certificate, a root key, the key [`KEY`], and one credential for [`PREFIX`].
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new("Test CA");
        let setup = Self {
            folder,
            authority,
            credential: credential::generate().unwrap(),
            top: String::new(),
            tls: String::new(),
            rest: String::new(),
        };
        setup.write_server_certificate(&setup.authority.server());
        create_root_key_file(&setup.path("root.key")).unwrap();
        let credentials = [setup.copy_of_credential()];
        credential::create_file(&setup.path("credentials.json"), &credentials).unwrap();
        let both = [KeyUsage::Encrypt, KeyUsage::Decrypt];
        external_keys::create(&setup.config(), Some(KEY), &both).unwrap();
        setup
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn copy_of_credential(&self) -> XksCredential {
        copy(&self.credential)
    }

    pub(crate) fn write_server_certificate(&self, identity: &pki::Identity) {
        std::fs::write(self.path("proxy.key"), identity.key_pem()).unwrap();
        std::fs::write(self.path("proxy.pem"), identity.certificate_pem()).unwrap();
    }

    pub(crate) fn config(&self) -> ProxyConfig {
        let text = format!(
            r#"
listen = "127.0.0.1:0"
region = "{REGION}"
key_file = "keys.json"
root_key_file = "root.key"
{}
[tls]
certificate = "proxy.pem"
private_key = "proxy.key"
{}
[[prefix]]
path = "{PREFIX}"
credentials_file = "credentials.json"
{}
"#,
            self.top, self.tls, self.rest
        );
        std::fs::write(self.path("proxy.toml"), text).unwrap();
        ProxyConfig::load(&self.path("proxy.toml")).unwrap()
    }

    pub(crate) async fn start(self) -> RunningProxy {
        let config = self.config();
        let proxy = Proxy::bind(config.clone()).await.unwrap();
        self.serve(config, proxy)
    }

    pub(crate) async fn start_with(self, key_manager: Arc<dyn KeyManager>) -> RunningProxy {
        let config = self.config();
        let proxy = Proxy::bind_with(config.clone(), key_manager).await.unwrap();
        self.serve(config, proxy)
    }

    fn serve(self, config: ProxyConfig, proxy: Proxy) -> RunningProxy {
        let (stop, stopped) = oneshot::channel();
        let address = proxy.local_addr();
        let serving = tokio::spawn(proxy.serve(async {
            let _ = stopped.await;
        }));
        RunningProxy { setup: self, config, address, stop, serving }
    }
}

impl RunningProxy {
    /// Begins to stop; the returned task ends when the proxy has.
    pub(crate) fn begin_stop(self) -> (Setup, JoinHandle<Result<(), ServeError>>) {
        self.stop.send(()).unwrap();
        (self.setup, self.serving)
    }

    pub(crate) async fn stop(self) -> Setup {
        let (setup, serving) = self.begin_stop();
        serving.await.unwrap().unwrap();
        setup
    }
}

pub(crate) fn copy(credential: &XksCredential) -> XksCredential {
    let secret = credential.expose_raw_secret_access_key().to_owned();
    XksCredential::new(credential.access_key_id().to_owned(), secret.into()).unwrap()
}
