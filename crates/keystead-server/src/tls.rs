//! The server's TLS: 1.2 and 1.3, HTTP/2 and HTTP/1.1 by ALPN, and a certificate that follows its files.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig, ServerConnection};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use crate::config::TlsFiles;

/// How often the files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// HTTP/2 first.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why the certificate or its private key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("tls: the {what} file {} cannot be read: {error}. Check that it exists and that this process may read it.", file.display())]
    Unreadable {
        /// `certificate` or `private key`.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        #[source]
        error: io::Error,
    },
    /// The certificate file has no certificate, or broken PEM.
    #[error(
        "tls: the certificate file {} holds no certificate chain: {problem}. It must hold PEM blocks 'BEGIN CERTIFICATE', the \
         server's own certificate first.",
        file.display()
    )]
    Certificate {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The private key file has no usable private key.
    #[error(
        "tls: the private key file {} holds no private key that can be used: {problem}. It must hold one PEM block 'BEGIN PRIVATE \
         KEY' (or 'BEGIN EC PRIVATE KEY', 'BEGIN RSA PRIVATE KEY'), not encrypted: RSA, ECDSA (P-256, P-384, P-521) or Ed25519.",
        file.display()
    )]
    PrivateKey {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The two files do not belong together.
    #[error(
        "tls: the private key in {} is not that of the first certificate in {}. Give the two that were made together; in the \
         certificate file the server's own certificate comes first.",
        private_key.display(),
        certificate.display()
    )]
    Mismatch {
        /// The certificate file.
        certificate: PathBuf,
        /// The private key file.
        private_key: PathBuf,
    },
    /// The TLS library refuses its own defaults; not caused by a file.
    #[error("tls: the TLS library cannot be set up: {0}")]
    Library(rustls::Error),
}

/// The server's end of TLS.
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    certificate: Arc<ServerCertificate>,
    /// The version of the files that was read at the start.
    read_version: FileVersions,
}

/// What a handshake agreed on, in CloudTrail's words.
#[derive(Clone, Debug)]
pub(crate) struct NegotiatedTls {
    /// `TLSv1.3`
    pub(crate) version: String,
    /// `TLS_AES_256_GCM_SHA384`
    pub(crate) cipher_suite: String,
}

impl Tls {
    /// Reads the files. Fails if they are not good now; later on, a version that is not good is reported and the last good one stays.
    pub(crate) fn new(files: TlsFiles) -> Result<Self, TlsError> {
        let provider = Arc::new(default_provider());
        // Looked at before they are read: a change that comes in between is noticed later.
        let read_version = FileVersions::of(&files);
        let certificate = Arc::new(ServerCertificate::read(files, provider.clone())?);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Library)?
            .with_no_client_auth()
            .with_cert_resolver(certificate.clone());
        config.alpn_protocols = ALPN.iter().map(|name| name.to_vec()).collect();
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificate, read_version })
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// Reads the files again whenever they change. Connections that are there keep what they began with.
    ///
    /// What changed is read once it has stayed the same from one look to the next: a file that is still being written may look whole, and
    /// lack the end of its chain. What cannot be used is tried again at each look: a file may become readable and not change.
    pub(crate) async fn follow_files(&self) -> Infallible {
        let mut looked_at = self.read_version.clone();
        let mut following = Following { used: looked_at.clone(), problem: None };
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let now = self.certificate.present_version().await.unwrap_or_else(|| looked_at.clone());
            if now == looked_at && now != following.used {
                self.certificate.follow(&mut following, &now).await;
            }
            looked_at = now;
        }
    }
}

impl NegotiatedTls {
    /// What the finished handshake of `connection` agreed on.
    pub(crate) fn of(connection: &ServerConnection) -> Option<Self> {
        let version = match connection.protocol_version()? {
            rustls::ProtocolVersion::TLSv1_3 => "TLSv1.3".to_owned(),
            rustls::ProtocolVersion::TLSv1_2 => "TLSv1.2".to_owned(),
            other => format!("{other:?}"),
        };
        // The library writes `TLS13_` where the standard's names have `TLS_`.
        let suite = format!("{:?}", connection.negotiated_cipher_suite()?.suite());
        Some(Self { version, cipher_suite: suite.replacen("TLS13_", "TLS_", 1) })
    }
}

/// The certificate in use, and the files it came from.
struct ServerCertificate {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    in_use: RwLock<Arc<CertifiedKey>>,
}

impl ServerCertificate {
    fn read(files: TlsFiles, provider: Arc<CryptoProvider>) -> Result<Self, TlsError> {
        let in_use = RwLock::new(Arc::new(read_certified_key(&files, &provider)?));
        Ok(Self { files, provider, in_use })
    }

    /// The version of the files now; `None` if the runtime ends.
    async fn present_version(self: &Arc<Self>) -> Option<FileVersions> {
        let this = self.clone();
        tokio::task::spawn_blocking(move || FileVersions::of(&this.files)).await.ok()
    }

    /// Uses what the files have in their present version, or says once why not.
    async fn follow(self: &Arc<Self>, following: &mut Following, present: &FileVersions) {
        match self.reload().await {
            Ok(()) => {
                tracing::info!(file = %self.files.certificate.display(), "the changed certificate is in use");
                *following = Following { used: present.clone(), problem: None };
            }
            Err(problem) if following.problem.as_ref() != Some(&problem) => {
                tracing::warn!(error = problem, "the changed certificate is not used; the one before stays");
                following.problem = Some(problem);
            }
            Err(_) => {}
        }
    }

    /// Uses what the files have now; otherwise the one before stays.
    async fn reload(self: &Arc<Self>) -> Result<(), String> {
        let this = self.clone();
        let read = tokio::task::spawn_blocking(move || read_certified_key(&this.files, &this.provider)).await;
        let key = read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        // The lock guards one assignment; what a panicking holder left is whole.
        *self.in_use.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
        Ok(())
    }
}

impl fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerCertificate").field("files", &self.files).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.in_use.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// How far the files are followed.
struct Following {
    /// The version that the certificate in use is of.
    used: FileVersions,
    /// Why a later one is not used, as it was said last.
    problem: Option<String>,
}

/// By which a change of the files is noticed; `None` for a file that is not there.
#[derive(Clone, PartialEq, Eq)]
struct FileVersions([Option<FileVersion>; 2]);

/// Two files that were written at once, and are as long as each other, differ in their inode.
#[derive(Clone, PartialEq, Eq)]
struct FileVersion {
    device: u64,
    inode: u64,
    length: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    /// That of the inode: also when the file becomes readable.
    changed: (i64, i64),
}

impl FileVersions {
    /// Reads what the file system tells of them, which may block.
    fn of(files: &TlsFiles) -> Self {
        Self([version_of(&files.certificate), version_of(&files.private_key)])
    }
}

fn version_of(file: &Path) -> Option<FileVersion> {
    let metadata = std::fs::metadata(file).ok()?;
    Some(FileVersion {
        device: metadata.dev(),
        inode: metadata.ino(),
        length: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}

fn read_certified_key(files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let chain = read_chain(&files.certificate)?;
    let private_key = read_private_key(&files.private_key)?;
    CertifiedKey::from_der(chain, private_key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            TlsError::Mismatch { certificate: files.certificate.clone(), private_key: files.private_key.clone() }
        }
        rustls::Error::InvalidCertificate(error) => {
            TlsError::Certificate { file: files.certificate.clone(), problem: error.to_string() }
        }
        error => TlsError::PrivateKey { file: files.private_key.clone(), problem: error.to_string() },
    })
}

fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |problem| TlsError::Certificate { file: file.to_owned(), problem };
    let text = read_file("certificate", file)?;
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|error| failed(error.to_string()))?;
    if chain.is_empty() {
        return Err(failed("there is no certificate in it".to_owned()));
    }
    Ok(chain)
}

fn read_private_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = read_file("private key", file)?;
    PrivateKeyDer::from_pem_slice(&text)
        .map_err(|error| TlsError::PrivateKey { file: file.to_owned(), problem: error.to_string() })
}

fn read_file(what: &'static str, file: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    std::fs::read(file).map(Zeroizing::new).map_err(|error| TlsError::Unreadable { what, file: file.to_owned(), error })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn made(folder: &Path, name: &str) -> TlsFiles {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let files = TlsFiles {
            certificate: folder.join(format!("{name}.pem")),
            private_key: folder.join(format!("{name}.key")),
        };
        std::fs::write(&files.certificate, made.cert.pem()).unwrap();
        std::fs::write(&files.private_key, made.signing_key.serialize_pem()).unwrap();
        files
    }

    fn problem(certificate: &Path, private_key: &Path) -> String {
        let files = TlsFiles { certificate: certificate.to_owned(), private_key: private_key.to_owned() };
        Tls::new(files).err().unwrap().to_string()
    }

    #[test]
    fn unusable_files_are_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (made(folder.path(), "one"), made(folder.path(), "two"));
        let (missing, garbage) = (folder.path().join("missing"), folder.path().join("garbage"));
        std::fs::write(&garbage, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        let rows = [
            (&missing, &one.private_key, "the certificate file", "missing cannot be read"),
            (&one.certificate, &missing, "the private key file", "missing cannot be read"),
            (&one.private_key, &one.private_key, "one.key", "no certificate in it"),
            (&garbage, &one.private_key, "garbage", "BEGIN CERTIFICATE"),
            (&one.certificate, &one.certificate, "one.pem", "BEGIN PRIVATE KEY"),
            (&one.certificate, &two.private_key, "two.key", "is not that of the first certificate"),
        ];
        for (certificate, private_key, file, what) in rows {
            let text = problem(certificate, private_key);
            assert!(text.starts_with("tls: ") && text.contains(file) && text.contains(what), "{text}");
        }
        assert!(Tls::new(one).is_ok());
    }

    #[tokio::test]
    async fn a_good_new_certificate_is_taken_and_a_bad_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (files, other) = (made(folder.path(), "one"), made(folder.path(), "two"));
        let tls = Tls::new(files.clone()).unwrap();
        let in_use = || tls.certificate.in_use.read().unwrap().cert.clone();
        let first = in_use();

        std::fs::copy(&other.certificate, &files.certificate).unwrap();
        assert!(tls.certificate.reload().await.is_err_and(|problem| problem.contains("is not that of")));
        assert_eq!(in_use(), first, "the new certificate has another private key");

        std::fs::copy(&other.private_key, &files.private_key).unwrap();
        assert_eq!(tls.certificate.reload().await, Ok(()));
        assert_ne!(in_use(), first);
    }

    #[test]
    fn a_change_of_either_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let files = made(folder.path(), "one");
        let before = FileVersions::of(&files);
        assert!(before == FileVersions::of(&files));
        std::fs::write(&files.private_key, "shorter").unwrap();
        let changed = FileVersions::of(&files);
        assert!(before != changed);
        std::fs::remove_file(&files.certificate).unwrap();
        assert!(changed != FileVersions::of(&files));
    }
}
