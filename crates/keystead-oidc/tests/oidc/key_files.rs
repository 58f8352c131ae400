//! Keys in a file.

use std::time::{Duration, SystemTime};

use keystead_oidc::{IssuerSettings, Issuers, KeySettings, RefreshPolicy, SettingsError};

use crate::signer::{FileIssuer, ISSUER, Signer, claims, key_set, now};

/// Writes the file with another date than before, however coarse the file system's dates are.
fn write(path: &std::path::Path, text: &str, age: u64) {
    std::fs::write(path, text).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
}

#[tokio::test]
async fn a_changed_file_is_read_again() {
    let (first, second) = (Signer::p256("first"), Signer::p256("second"));
    let issuer = FileIssuer::new(&[&first]);
    let (of_first, of_second) = (first.token("ES256", &claims()), second.token("ES256", &claims()));
    assert!(issuer.issuers.verify(&of_first, now()).await.is_ok());
    assert!(issuer.issuers.verify(&of_second, now()).await.is_err());
    write(&issuer.file(), &key_set(&[&second]), 100);
    assert!(issuer.issuers.verify(&of_second, now()).await.is_ok());
    assert!(issuer.issuers.verify(&of_first, now()).await.is_err(), "the issuer has taken the key back");
    // One that is being written, or is gone, changes nothing.
    for broken in ["", "{\"keys\": []}", "{\"keys\""] {
        write(&issuer.file(), broken, 90);
        assert!(issuer.issuers.verify(&of_second, now()).await.is_ok(), "{broken}");
    }
    std::fs::remove_file(issuer.file()).unwrap();
    assert!(issuer.issuers.verify(&of_second, now()).await.is_ok());
    write(&issuer.file(), &key_set(&[&first]), 80);
    assert!(issuer.issuers.verify(&of_first, now()).await.is_ok());
}

#[test]
fn a_file_that_cannot_be_read_at_the_start_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let read = || {
        let settings = IssuerSettings { issuer: ISSUER.to_owned(), keys: KeySettings::File(path.clone()) };
        Issuers::new(vec![settings], RefreshPolicy::default())
    };
    assert!(matches!(read().err(), Some(SettingsError::File { .. })));
    for text in ["", "{}", "{\"keys\": []}", "[]"] {
        std::fs::write(&path, text).unwrap();
        assert!(matches!(read().err(), Some(SettingsError::File { .. })), "{text}");
    }
    std::fs::write(&path, " ".repeat(10_000_000)).unwrap();
    assert!(matches!(read().err(), Some(SettingsError::File { .. })));
}
