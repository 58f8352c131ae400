//! Certificates that change while clients call: nobody notices, but who connects anew.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use keystead_server::Limits;
use rustls::version::TLS13;
use rustls_pki_types::CertificateDer;
use tokio::task::JoinHandle;

use super::support::http1::{receive, send};
use super::support::request::Request;
use super::support::{Running, http2, log, tls};

/// Clients that call without end on connections that they keep, until they are told to stop. A call that fails ends the test.
struct Callers {
    stop: Arc<AtomicBool>,
    calls: Arc<[AtomicUsize; 2]>,
    tasks: Vec<JoinHandle<()>>,
}

impl Callers {
    async fn start(server: &Running, trusted: &[CertificateDer<'static>]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let calls = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let mut http1 = tls::connect_trusting(server.connect().await, trusted, &TLS13, &[b"http/1.1"]).await;
        let over_http2 = tls::connect_trusting(server.connect().await, trusted, &TLS13, &[b"h2"]).await;
        let mut http2 = http2::client(over_http2).await;
        let (told, counted) = (stop.clone(), calls.clone());
        let first = tokio::spawn(async move {
            while !told.load(Ordering::SeqCst) {
                send(&mut http1, &Request::random("localhost")).await;
                assert_eq!(receive(&mut http1).await.expect("the connection stays").status, 200);
                counted[0].fetch_add(1, Ordering::SeqCst);
            }
        });
        let (told, counted) = (stop.clone(), calls.clone());
        let second = tokio::spawn(async move {
            while !told.load(Ordering::SeqCst) {
                let request = http2::request("https", "localhost", Request::random("localhost"));
                assert_eq!(http2.send_request(request).await.expect("the connection stays").status(), 200);
                counted[1].fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { stop, calls, tasks: vec![first, second] }
    }

    /// Returns once each has made another few calls.
    async fn go_on(&self) {
        for (index, count) in self.calls.iter().enumerate() {
            let enough = count.load(Ordering::SeqCst) + 3;
            while count.load(Ordering::SeqCst) < enough {
                assert!(!self.tasks[index].is_finished(), "a call failed");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    async fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

/// The certificate that a new client is shown.
async fn shown(server: &Running, trusted: &[CertificateDer<'static>]) -> CertificateDer<'static> {
    let stream = tls::connect_trusting(server.connect().await, trusted, &TLS13, &[b"http/1.1"]).await;
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}

fn read(file: &Path) -> Vec<u8> {
    std::fs::read(file).unwrap()
}

#[tokio::test]
async fn a_new_certificate_is_shown_to_new_connections_and_no_call_fails() {
    log::keep();
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().to_str().unwrap();
    let (files, old) = tls::certificate(folder.path());
    let (next, new) = tls::certificate_named(folder.path(), "next");
    let trusted = [old.clone(), new.clone()];
    let server = Running::with(Limits::default(), Some(files.clone())).await;
    let callers = Callers::start(&server, &trusted).await;
    callers.go_on().await;

    // Half of it is written.
    let certificate = read(&next.certificate);
    std::fs::write(&files.certificate, &certificate[..certificate.len() / 2]).unwrap();
    log::lines_with(&[name, "server.pem", "the one before stays", "holds no certificate chain"]).await;
    assert_eq!(shown(&server, &trusted).await, old);
    callers.go_on().await;

    // The certificate is there, and its key is not.
    std::fs::write(&files.certificate, certificate).unwrap();
    log::lines_with(&[name, "the one before stays", "is not that of the first certificate"]).await;
    assert_eq!(shown(&server, &trusted).await, old);
    callers.go_on().await;

    // Neither is there for a while.
    std::fs::remove_file(&files.private_key).unwrap();
    log::lines_with(&[name, "the one before stays", "the private key file", "cannot be read"]).await;
    assert_eq!(shown(&server, &trusted).await, old);

    std::fs::write(&files.private_key, read(&next.private_key)).unwrap();
    log::lines_with(&[name, "the changed certificate is in use"]).await;
    assert_eq!(shown(&server, &trusted).await, new);
    callers.go_on().await;
    callers.end().await;
    for words in ["holds no certificate chain", "is not that of", "cannot be read", "is in use"] {
        assert_eq!(log::lines_with(&[name, words]).await, 1, "it is said once: {words}");
    }
}

/// As tools do it that keep versions in folders and turn a link.
#[tokio::test]
async fn a_link_that_is_turned_is_a_change() {
    let folder = tempfile::tempdir().unwrap();
    for version in ["1", "2"] {
        std::fs::create_dir(folder.path().join(version)).unwrap();
    }
    let (_, old) = tls::certificate(&folder.path().join("1"));
    let (_, new) = tls::certificate(&folder.path().join("2"));
    let link = folder.path().join("live");
    std::os::unix::fs::symlink("1", &link).unwrap();
    let files =
        keystead_server::TlsFiles { certificate: link.join("server.pem"), private_key: link.join("server.key") };
    let trusted = [old.clone(), new.clone()];
    let server = Running::with(Limits::default(), Some(files)).await;
    assert_eq!(shown(&server, &trusted).await, old);

    let turned = folder.path().join("turned");
    std::os::unix::fs::symlink("2", &turned).unwrap();
    std::fs::rename(&turned, &link).unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    while shown(&server, &trusted).await != new {
        assert!(tokio::time::Instant::now() < deadline, "the new certificate is not shown");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
