//! `[tls]`: the endpoint's certificate.

use std::path::PathBuf;

use keystead_server::TlsFiles;
use serde::Deserialize;

/// `[tls]`. The files are read again when they change.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsConfig {
    /// PEM: the server's certificate, then its intermediates.
    pub(crate) certificate: PathBuf,
    /// PEM: the certificate's private key.
    pub(crate) private_key: PathBuf,
}

impl TlsConfig {
    /// The paths that are relative to the folder of the configuration file.
    pub(super) fn paths(&mut self) -> [&mut PathBuf; 2] {
        [&mut self.certificate, &mut self.private_key]
    }

    /// What the front end is to know.
    pub(super) fn files(&self) -> TlsFiles {
        TlsFiles { certificate: self.certificate.clone(), private_key: self.private_key.clone() }
    }
}
