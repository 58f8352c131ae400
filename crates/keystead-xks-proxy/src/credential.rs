//! Proxy authentication credentials: what KMS signs its requests with. They have nothing to do with IAM.
//!
//! A prefix's credentials stand in a private JSON file, several at once so that they can be rotated:
//!
//! ```json
//! { "credentials": [ { "AccessKeyId": "...", "RawSecretAccessKey": "..." } ] }
//! ```
//!
//! Source: specification, "Authentication".

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::error::Unspecified;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keystead_sigv4::{CredentialScope, SecretAccessKey, SigningKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::reloading::{FileSource, Reloading};
use crate::secret_json::secret_json_pretty;
use keystead_private_file::{create_private, lock_for_change, read_private, replace_private};

/// The lengths of an `AccessKeyId`, in characters of `[A-Z2-7]`.
pub const ACCESS_KEY_ID_CHARS: std::ops::RangeInclusive<usize> = 20..=30;
/// The lengths of a `RawSecretAccessKey`, in characters of `[A-Za-z0-9/+=]`.
pub const RAW_SECRET_ACCESS_KEY_CHARS: std::ops::RangeInclusive<usize> = 43..=64;

const BASE32_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const FILE_MAX_BYTES: u64 = 64 * 1024;

/// An access key id and its secret. The secret is zeroed on drop, and has no `Debug`.
///
/// Serialized it is `{"AccessKeyId":"...","RawSecretAccessKey":"..."}`, KMS's `XksProxyAuthenticationCredential`, with the secret in
/// clear: use [`secret_json`](crate::secret_json).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct XksCredential {
    access_key_id: String,
    #[serde(serialize_with = "serialize_secret")]
    raw_secret_access_key: Zeroizing<String>,
}

/// What is wrong with a credentials file. Never repeats a secret.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The file cannot be read or written.
    #[error("credentials file {path}: {source}; see credentials_file of the [[prefix]]")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file does not have the expected content.
    #[error("credentials file {path}: {problem}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The access key id that was named is not in the file.
    #[error(
        "credentials file {path}: it has no credential with the AccessKeyId {access_key_id}; list them to see which there are"
    )]
    NotFound {
        /// The file.
        path: PathBuf,
        /// What was looked for.
        access_key_id: String,
    },
    /// It is the last credential, and a prefix without one could never be called.
    #[error(
        "credentials file {path}: {access_key_id} is its only credential, and without one every request would be refused; create \
         another first, or set enabled = false for the [[prefix]]"
    )]
    LastCredential {
        /// The file.
        path: PathBuf,
        /// The credential that stays.
        access_key_id: String,
    },
    /// The system gives no random numbers.
    #[error("the system's random number generator failed")]
    Random,
}

impl XksCredential {
    /// Checks both parts against the specification's patterns. Fails with a sentence that names the part.
    pub fn new(access_key_id: String, raw_secret_access_key: Zeroizing<String>) -> Result<Self, &'static str> {
        let credential = Self { access_key_id, raw_secret_access_key };
        credential.check()?;
        Ok(credential)
    }

    fn check(&self) -> Result<(), &'static str> {
        let id = self.access_key_id.as_bytes();
        if !ACCESS_KEY_ID_CHARS.contains(&id.len()) || !id.iter().all(|b| BASE32_ALPHABET.contains(b)) {
            return Err("an AccessKeyId has 20 to 30 characters out of A-Z and 2-7");
        }
        let secret = self.raw_secret_access_key.as_bytes();
        let is_allowed = |b: &u8| b.is_ascii_alphanumeric() || b"/+=".contains(b);
        if !RAW_SECRET_ACCESS_KEY_CHARS.contains(&secret.len()) || !secret.iter().all(is_allowed) {
            return Err("a RawSecretAccessKey has 43 to 64 characters out of A-Z, a-z, 0-9, '/', '+' and '='");
        }
        Ok(())
    }

    /// The public half.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The secret half, for the one who hands it to KMS.
    pub fn expose_raw_secret_access_key(&self) -> &str {
        &self.raw_secret_access_key
    }
}

/// A fresh credential: 20 characters of id, and 256 random bits as 44 characters of secret.
///
/// Fails if the system's random number generator does.
pub fn generate() -> Result<XksCredential, Unspecified> {
    let mut id = [0u8; 20];
    aws_lc_rs::rand::fill(&mut id)?;
    let mut secret = Zeroizing::new([0u8; 32]);
    aws_lc_rs::rand::fill(secret.as_mut())?;
    let letter = |byte: &u8| char::from(BASE32_ALPHABET[usize::from(byte % 32)]);
    Ok(XksCredential {
        access_key_id: id.iter().map(letter).collect(),
        raw_secret_access_key: Zeroizing::new(STANDARD.encode(*secret)),
    })
}

/// Reads a credentials file: private (mode 0600), JSON, at least one credential, each access key id once.
pub fn read_file(path: &Path) -> Result<Vec<XksCredential>, CredentialsError> {
    let text = read_private(path, FILE_MAX_BYTES)
        .map_err(|source| CredentialsError::File { path: path.to_owned(), source })?;
    parse(&text).map_err(|problem| CredentialsError::Content { path: path.to_owned(), problem })
}

/// Makes a new credentials file, mode 0600. Fails rather than overwrite one.
pub fn create_file(path: &Path, credentials: &[XksCredential]) -> Result<(), CredentialsError> {
    write(path, credentials.iter(), create_private)
}

/// Adds a fresh credential to the file, and makes the file if there is none. Returns what was added, once it is durable; a running
/// proxy takes it from the next request on.
///
/// Fails with `Random`, `File`, `Content`.
pub fn add(path: &Path) -> Result<XksCredential, CredentialsError> {
    let _held = lock(path)?;
    let fresh = generate().map_err(|_| CredentialsError::Random)?;
    match read_file(path) {
        Ok(present) => write(path, present.iter().chain([&fresh]), replace_private)?,
        Err(CredentialsError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            create_file(path, std::slice::from_ref(&fresh))?;
        }
        Err(error) => return Err(error),
    }
    Ok(fresh)
}

/// The access key ids in the file, in the order of its lines. Fails with `File`, `Content`.
pub fn list(path: &Path) -> Result<Vec<String>, CredentialsError> {
    Ok(read_file(path)?.into_iter().map(|credential| credential.access_key_id).collect())
}

/// Removes a credential. A running proxy refuses it from the next request on.
///
/// Fails with `NotFound`, `LastCredential`, `File`, `Content`.
pub fn remove(path: &Path, access_key_id: &str) -> Result<(), CredentialsError> {
    let _held = lock(path)?;
    let mut credentials = read_file(path)?;
    let (path_buf, access_key_id) = (path.to_owned(), access_key_id.to_owned());
    let Some(index) = credentials.iter().position(|credential| credential.access_key_id == access_key_id) else {
        return Err(CredentialsError::NotFound { path: path_buf, access_key_id });
    };
    if credentials.len() == 1 {
        return Err(CredentialsError::LastCredential { path: path_buf, access_key_id });
    }
    credentials.remove(index);
    write(path, credentials.iter(), replace_private)
}

fn lock(path: &Path) -> Result<File, CredentialsError> {
    lock_for_change(path).map_err(|source| CredentialsError::File { path: path.to_owned(), source })
}

fn write<'a>(
    path: &Path,
    credentials: impl Iterator<Item = &'a XksCredential>,
    to_disk: impl FnOnce(&Path, &[u8]) -> io::Result<()>,
) -> Result<(), CredentialsError> {
    let failed = |source: io::Error| CredentialsError::File { path: path.to_owned(), source };
    let text =
        secret_json_pretty(&FileRef { credentials: credentials.collect() }).map_err(|error| failed(error.into()))?;
    to_disk(path, &text).map_err(failed)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileContent {
    credentials: Vec<Unchecked>,
}

/// A credential as the file has it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Unchecked {
    access_key_id: String,
    #[serde(deserialize_with = "deserialize_secret")]
    raw_secret_access_key: Zeroizing<String>,
}

#[derive(Serialize)]
struct FileRef<'a> {
    credentials: Vec<&'a XksCredential>,
}

fn parse(text: &[u8]) -> Result<Vec<XksCredential>, String> {
    // Only the place of a JSON error is told: its text may quote what stands there.
    let content: FileContent = serde_json::from_slice(text).map_err(|error| {
        format!(
            "line {}, column {}: expected {{\"credentials\": [{{\"AccessKeyId\": \"...\", \
             \"RawSecretAccessKey\": \"...\"}}]}}",
            error.line(),
            error.column()
        )
    })?;
    let mut credentials: Vec<XksCredential> = Vec::with_capacity(content.credentials.len());
    for (index, one) in content.credentials.into_iter().enumerate() {
        let credential = XksCredential::new(one.access_key_id, one.raw_secret_access_key)
            .map_err(|problem| format!("credentials[{index}]: {problem}"))?;
        if credentials.iter().any(|earlier| earlier.access_key_id == credential.access_key_id) {
            return Err(format!("credentials[{index}]: its AccessKeyId stands there twice; remove one"));
        }
        credentials.push(credential);
    }
    match credentials.is_empty() {
        true => Err("it has no credential: put at least one into \"credentials\"".to_owned()),
        false => Ok(credentials),
    }
}

fn serialize_secret<S: Serializer>(secret: &Zeroizing<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret)
}

fn deserialize_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

/// A credential ready to verify signatures.
pub(crate) struct VerifyingCredential {
    access_key_id: String,
    secret: SecretAccessKey,
    /// The key of the last scope that was asked for: it changes once a day.
    derived: RwLock<Option<(CredentialScope, Arc<SigningKey>)>>,
}

impl From<XksCredential> for VerifyingCredential {
    fn from(mut credential: XksCredential) -> Self {
        let secret = std::mem::take(&mut *credential.raw_secret_access_key);
        Self {
            access_key_id: credential.access_key_id,
            secret: SecretAccessKey::new(secret),
            derived: RwLock::new(None),
        }
    }
}

impl VerifyingCredential {
    /// The signing key for `scope`, whose claims have been checked: the cache must not follow a stranger's scope.
    pub(crate) fn signing_key(&self, scope: &CredentialScope) -> Arc<SigningKey> {
        if let Some(key) = self.cached(scope) {
            return key;
        }
        let key = Arc::new(SigningKey::derive(&self.secret, scope));
        let mut derived = self.derived.write().unwrap_or_else(PoisonError::into_inner);
        *derived = Some((scope.clone(), Arc::clone(&key)));
        key
    }

    fn cached(&self, scope: &CredentialScope) -> Option<Arc<SigningKey>> {
        let derived = self.derived.read().unwrap_or_else(PoisonError::into_inner);
        let (cached_scope, key) = derived.as_ref()?;
        (cached_scope == scope).then(|| Arc::clone(key))
    }
}

/// The credentials of one prefix, as its file has them.
pub(crate) struct CredentialSet(Vec<VerifyingCredential>);

impl CredentialSet {
    pub(crate) fn find(&self, access_key_id: &str) -> Option<&VerifyingCredential> {
        self.0.iter().find(|c| c.access_key_id == access_key_id)
    }
}

impl From<Vec<XksCredential>> for CredentialSet {
    fn from(credentials: Vec<XksCredential>) -> Self {
        Self(credentials.into_iter().map(Into::into).collect())
    }
}

/// Follows a credentials file. A broken new version is reported, and the last good one stays in force.
pub(crate) struct CredentialsSource {
    paths: [PathBuf; 1],
}

impl CredentialsSource {
    /// Starts following `path`. Fails if the file is not good now.
    pub(crate) fn follow(path: &Path) -> Result<Reloading<Self>, CredentialsError> {
        Reloading::new(Self { paths: [path.to_owned()] })
    }
}

impl FileSource for CredentialsSource {
    type Value = CredentialSet;
    type Error = CredentialsError;

    fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    fn read(&self) -> Result<CredentialSet, CredentialsError> {
        read_file(&self.paths[0]).map(Into::into)
    }

    fn after_failure(&self, error: CredentialsError, previous: Arc<CredentialSet>) -> Arc<CredentialSet> {
        tracing::error!(%error, "the changed credentials are not used; the last good ones stay in force");
        previous
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn generated_credentials_keep_the_rules_and_differ() {
        let (one, two) = (generate().unwrap(), generate().unwrap());
        assert_eq!(one.check(), Ok(()));
        assert_eq!(one.access_key_id.len(), 20);
        assert_ne!(one.access_key_id, two.access_key_id);
        assert_ne!(*one.raw_secret_access_key, *two.raw_secret_access_key);
    }

    #[test]
    fn documented_patterns() {
        let (id, secret) = ("A".repeat(20), "s".repeat(43));
        let table = [
            (id.clone(), secret.clone(), true),
            ("BETWEEN2TENAND3TENCHARACTERS".into(), "/+=".repeat(21) + "9", true),
            ("A".repeat(19), secret.clone(), false),
            ("A".repeat(31), secret.clone(), false),
            // The guide's own sample holds 0 and 1, which its pattern excludes.
            ("ABCDE12345670EXAMPLE".into(), secret.clone(), false),
            ("a".repeat(20), secret, false),
            (id.clone(), "s".repeat(42), false),
            (id.clone(), "s".repeat(65), false),
            (id, format!("{}-", "s".repeat(43)), false),
        ];
        for (id, secret, good) in table {
            let made = XksCredential::new(id.clone(), Zeroizing::new(secret.clone()));
            assert_eq!(made.is_ok(), good, "{id} {secret}");
        }
    }

    #[test]
    fn files_round_trip_and_mistakes_are_named_without_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.json");
        let both = [generate().unwrap(), generate().unwrap()];
        create_file(&path, &both).unwrap();
        assert!(create_file(&path, &both).is_err());
        let read = read_file(&path).unwrap();
        assert_eq!(read[1].access_key_id(), both[1].access_key_id());
        assert_eq!(read[1].expose_raw_secret_access_key(), both[1].expose_raw_secret_access_key());

        let secret = both[0].expose_raw_secret_access_key();
        let good = format!(r#"{{"AccessKeyId":"{}","RawSecretAccessKey":"{secret}"}}"#, both[0].access_key_id());
        let table = [
            (String::new(), "line 1"),
            (format!(r#"{{"credentials":[{good},{good}]}}"#), "twice"),
            (r#"{"credentials":[]}"#.to_owned(), "at least one"),
            (format!(r#"{{"credentials":[{good}],"more":1}}"#), "expected"),
            (
                format!(r#"{{"credentials":[{{"AccessKeyId":"{secret}","RawSecretAccessKey":"x"}}]}}"#),
                "credentials[0]: an AccessKeyId",
            ),
            (format!(r#"{{"credentials":"{secret}"}}"#), "expected"),
        ];
        for (text, expected) in table {
            replace_private(&path, text.as_bytes()).unwrap();
            let Err(error) = read_file(&path) else { panic!("{text} was taken") };
            let told = error.to_string();
            assert!(told.contains(expected), "{told}");
            assert!(!told.contains(secret), "{told}");
            assert!(told.contains("credentials.json"), "{told}");
        }
    }

    #[test]
    fn credentials_are_added_listed_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.json");
        assert!(matches!(list(&path), Err(CredentialsError::File { .. })));
        let (one, two) = (add(&path).unwrap(), add(&path).unwrap());
        assert_eq!(list(&path).unwrap(), [one.access_key_id(), two.access_key_id()]);
        let read = read_file(&path).unwrap();
        assert_eq!(read[1].expose_raw_secret_access_key(), two.expose_raw_secret_access_key());
        let unknown = remove(&path, "UNKNOWNUNKNOWNUNKNOWN").unwrap_err().to_string();
        assert!(unknown.contains("UNKNOWNUNKNOWNUNKNOWN") && unknown.contains("credentials.json"), "{unknown}");
        remove(&path, one.access_key_id()).unwrap();
        let last = remove(&path, two.access_key_id()).unwrap_err();
        assert!(matches!(&last, CredentialsError::LastCredential { .. }), "{last}");
        assert_eq!(list(&path).unwrap(), [two.access_key_id()]);
    }

    #[test]
    fn nothing_is_added_to_a_broken_file_and_none_is_lost_when_many_add() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.json");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| add(&path).unwrap());
            }
        });
        assert_eq!(list(&path).unwrap().len(), 8);
        replace_private(&path, b"{").unwrap();
        assert!(matches!(add(&path), Err(CredentialsError::Content { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"{");
    }

    #[test]
    fn a_credential_is_printed_as_kms_takes_it() {
        let credential = generate().unwrap();
        let text = crate::secret_json(&credential).unwrap();
        let (id, secret) = (credential.access_key_id(), credential.expose_raw_secret_access_key());
        let expected = format!(r#"{{"AccessKeyId":"{id}","RawSecretAccessKey":"{secret}"}}"#);
        assert_eq!(&**text, expected.as_bytes());
    }

    #[tokio::test]
    async fn a_broken_change_leaves_the_last_good_credentials_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.json");
        let (old, new) = (generate().unwrap(), generate().unwrap());
        create_file(&path, std::slice::from_ref(&old)).unwrap();
        let following = CredentialsSource::follow(&path).unwrap();
        replace_private(&path, b"{").unwrap();
        assert!(following.get().await.find(old.access_key_id()).is_some());
        write(&path, [&new].into_iter(), replace_private).unwrap();
        assert!(following.get().await.find(old.access_key_id()).is_none());
        assert!(following.get().await.find(new.access_key_id()).is_some());
    }

    #[test]
    fn a_signing_key_is_derived_once_a_scope() {
        let credential = VerifyingCredential::from(generate().unwrap());
        let scope = |date: &str| CredentialScope {
            date: date.to_owned(),
            region: "us-east-1".to_owned(),
            service: "kms-xks-proxy".to_owned(),
        };
        let first = credential.signing_key(&scope("20260102"));
        assert!(Arc::ptr_eq(&first, &credential.signing_key(&scope("20260102"))));
        assert!(!Arc::ptr_eq(&first, &credential.signing_key(&scope("20260103"))));
    }
}
