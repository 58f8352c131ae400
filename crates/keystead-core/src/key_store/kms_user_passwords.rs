//! What KMS knows of the passwords of `kmsuser`, HSM by HSM.
//!
//! Each connect gives `kmsuser` a new random password (CloudHSM key stores digest, 2.1 step 10 and 7.5). HSMs change their passwords one
//! after the other, and a crash or a loss may come between any two of them. So what is stored is, at any moment, for each HSM a set of
//! passwords one of which is the right one:
//!
//! - the passwords known for this very HSM ([`KmsUserPasswords::behind`]), or else the current one;
//! - and the pending one, if there is one: it was stored before the first HSM heard of it.
//!
//! A pending password goes only to an HSM whose set, without it, has a single password, so the set never has more than two: a login is
//! tried twice at the most, far from the five wrong ones that lock a user out.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use keystead_model::SecretString;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::port::Entropy;

/// Length of a password that KMS makes, in characters: the longest that `kmsuser` may have.
const LENGTH: usize = 32;
/// What a password may be made of: special characters are not allowed.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// How many passwords an HSM may have at the most, as far as KMS knows.
const CANDIDATES_MAX: usize = 2;

/// See the module's text. Zeroed on drop, no content in `Debug`.
#[derive(Debug)]
pub struct KmsUserPasswords {
    /// What every HSM has that is not named in `behind`.
    pub current: SecretString,
    /// What a rotation under way gives to the HSMs.
    pub pending: Option<SecretString>,
    /// The one or two passwords that an HSM may have which the last rotations did not reach, by HSM ID.
    pub behind: BTreeMap<String, Vec<SecretString>>,
    /// The current one is the owner's word, given after the pending one was made: more likely than that.
    pub set_by_owner: bool,
}

/// The stored form: JSON.
#[derive(Serialize)]
struct Written<'a> {
    current: &'a str,
    pending: Option<&'a str>,
    behind: BTreeMap<&'a str, Vec<&'a str>>,
    set_by_owner: bool,
}

#[derive(Deserialize)]
struct Read {
    current: SecretString,
    pending: Option<SecretString>,
    behind: BTreeMap<String, Vec<SecretString>>,
    set_by_owner: bool,
}

/// A second copy of a secret. Secrets do not implement `Clone`, so that each copy is seen.
pub(crate) fn copy_of(secret: &SecretString) -> SecretString {
    SecretString::from(secret.expose().to_owned())
}

/// Whether two secrets are the same, in a time that tells nothing of where they differ.
pub(crate) fn same_secret(one: &SecretString, other: &SecretString) -> bool {
    verify_slices_are_equal(one.expose().as_bytes(), other.expose().as_bytes()).is_ok()
}

/// A new password: 32 letters and digits, each equally likely.
pub(crate) fn random_password(entropy: &dyn Entropy) -> SecretString {
    let mut password = Zeroizing::new(String::with_capacity(LENGTH));
    let mut random = Zeroizing::new([0; 64]);
    while password.len() < LENGTH {
        entropy.fill(&mut *random);
        // 248 is the largest multiple of 62 that a byte can hold: what is above would favour some characters.
        let fair = random.iter().filter(|byte| **byte < 248);
        let missing = LENGTH - password.len();
        password.extend(fair.take(missing).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])));
    }
    SecretString::from(password.as_str().to_owned())
}

impl KmsUserPasswords {
    /// One password for every HSM.
    pub fn new(current: SecretString) -> Self {
        Self { current, pending: None, behind: BTreeMap::new(), set_by_owner: false }
    }

    /// The bytes to be sealed.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
        let texts = |secrets: &'_ Vec<SecretString>| secrets.len() * (LENGTH + 8);
        let room = 256 + self.behind.iter().map(|(id, secrets)| id.len() + 16 + texts(secrets)).sum::<usize>();
        let written = Written {
            current: self.current.expose(),
            pending: self.pending.as_ref().map(SecretString::expose),
            behind: self
                .behind
                .iter()
                .map(|(id, secrets)| (id.as_str(), secrets.iter().map(SecretString::expose).collect()))
                .collect(),
            set_by_owner: self.set_by_owner,
        };
        // Sized at once: a buffer that grows would leave copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        serde_json::to_writer(&mut *bytes, &written)?;
        Ok(bytes)
    }

    /// Reads what [`KmsUserPasswords::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let Read { current, pending, behind, set_by_owner } = serde_json::from_slice(bytes)?;
        Ok(Self { current, pending, behind, set_by_owner })
    }

    /// The passwords that an HSM may have, leaving the pending one aside: one, or two.
    fn settled(&self, hsm_id: &str) -> &[SecretString] {
        match self.behind.get(hsm_id) {
            Some(known) if !known.is_empty() => known,
            Some(_) | None => std::slice::from_ref(&self.current),
        }
    }

    /// The passwords that an HSM may have, at most two, the most likely one first.
    pub fn candidates(&self, hsm_id: &str) -> Vec<&SecretString> {
        let settled = self.settled(hsm_id);
        // With two known ones the pending one was never sent.
        let pending = self.pending.as_ref().filter(|_| settled.len() < CANDIDATES_MAX);
        let mut candidates: Vec<_> = pending.into_iter().chain(settled).take(CANDIDATES_MAX).collect();
        if self.set_by_owner && pending.is_some() {
            candidates.reverse();
        }
        candidates
    }

    /// Notes which password an HSM has, known from a login. Returns whether that is news which must be stored before the pending
    /// password goes to the HSM.
    pub(crate) fn note_proven(&mut self, hsm_id: &str, proven: &SecretString) -> bool {
        if self.pending.as_ref().is_some_and(|pending| same_secret(pending, proven)) {
            return false;
        }
        match self.settled(hsm_id) {
            [only] if same_secret(only, proven) => false,
            _ => {
                self.behind.insert(hsm_id.to_owned(), vec![copy_of(proven)]);
                true
            }
        }
    }

    /// The end of a rotation: the pending password is the current one of the HSMs in `reached`. The others of the cluster stay behind, and
    /// of HSMs that are no longer in it nothing is kept.
    pub(crate) fn promote_pending(&mut self, reached: &BTreeSet<String>, cluster: &BTreeSet<String>) {
        let Some(new) = self.pending.take() else { return };
        let behind = cluster
            .difference(reached)
            .map(|hsm_id| {
                let mut known: Vec<_> = self.settled(hsm_id).iter().map(copy_of).collect();
                if known.len() < CANDIDATES_MAX {
                    // It may have heard of the new one before it was lost.
                    known.push(copy_of(&new));
                }
                (hsm_id.clone(), known)
            })
            .collect();
        self.behind = behind;
        self.current = new;
        self.set_by_owner = false;
    }

    /// The owner says what the password is now. An HSM that was lost while its owner changed the others may still have what it had.
    pub(crate) fn replace_current(&mut self, new: SecretString) {
        for known in self.behind.values_mut() {
            known.truncate(CANDIDATES_MAX - 1);
            known.insert(0, copy_of(&new));
        }
        self.current = new;
        self.set_by_owner = self.pending.is_some();
    }

    /// What the HSMs may have, all together, the most likely first: for logging in again after a loss.
    pub(crate) fn all(&self) -> Vec<SecretString> {
        let mut all: Vec<SecretString> = Vec::new();
        let in_order = std::iter::once(&self.current).chain(&self.pending).chain(self.behind.values().flatten());
        for password in in_order {
            if !all.iter().any(|known| same_secret(known, password)) {
                all.push(copy_of(password));
            }
        }
        all
    }
}

/// How long a password of `kmsuser` may be, in characters, and what of: KMS Developer Guide, "Create a CloudHSM key store".
pub(crate) fn is_kms_user_password(password: &str) -> bool {
    (7..=32).contains(&password.len()) && password.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::port::SystemEntropy;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    fn texts(secrets: &[&SecretString]) -> Vec<String> {
        secrets.iter().map(|secret| secret.expose().to_owned()).collect()
    }

    fn set(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn bytes_round_trip() {
        let mut passwords = KmsUserPasswords::new(secret("current1"));
        passwords.pending = Some(secret("pending1"));
        passwords.behind.insert("hsm-2".to_owned(), vec![secret("old12345"), secret("older123")]);
        let read = KmsUserPasswords::from_bytes(&passwords.to_bytes().unwrap()).unwrap();
        assert_eq!(read.current.expose(), "current1");
        assert_eq!(read.pending.as_ref().unwrap().expose(), "pending1");
        assert_eq!(texts(&read.behind["hsm-2"].iter().collect::<Vec<_>>()), ["old12345", "older123"]);
        assert!(!format!("{read:?}").contains("current1"));
        assert!(KmsUserPasswords::from_bytes(b"{}").is_err());
    }

    #[test]
    fn the_buffer_of_the_bytes_does_not_grow() {
        let mut passwords = KmsUserPasswords::new(random_password(&SystemEntropy));
        passwords.pending = Some(random_password(&SystemEntropy));
        for number in 0..28 {
            let known = vec![random_password(&SystemEntropy), random_password(&SystemEntropy)];
            passwords.behind.insert(format!("hsm-abcdefghijk{number:05}"), known);
        }
        let bytes = passwords.to_bytes().unwrap();
        let room = 256 + 28 * (20 + 16 + 2 * 40);
        assert!(bytes.len() <= room && bytes.capacity() == room, "{} of {room}", bytes.len());
    }

    #[test]
    fn a_random_password_is_one_that_kmsuser_may_have() {
        let password = random_password(&SystemEntropy);
        assert_eq!(password.expose().len(), LENGTH);
        assert!(is_kms_user_password(password.expose()));
        assert_ne!(password.expose(), random_password(&SystemEntropy).expose());
    }

    #[test]
    fn what_kmsuser_may_have() {
        for good in ["abcdefg", "1234567", "A1b2C3d4", &"x".repeat(32)] {
            assert!(is_kms_user_password(good), "{good}");
        }
        for bad in ["abcdef", &"x".repeat(33), "abc-defg", "abcdefg ", "pässwort1"] {
            assert!(!is_kms_user_password(bad), "{bad}");
        }
    }

    #[test]
    fn an_hsm_has_two_candidates_at_the_most() {
        let mut passwords = KmsUserPasswords::new(secret("current"));
        assert_eq!(texts(&passwords.candidates("hsm-1")), ["current"]);
        passwords.pending = Some(secret("pending"));
        assert_eq!(texts(&passwords.candidates("hsm-1")), ["pending", "current"]);
        passwords.replace_current(secret("current"));
        assert_eq!(texts(&passwords.candidates("hsm-1")), ["current", "pending"]);
        passwords.set_by_owner = false;
        passwords.behind.insert("hsm-1".to_owned(), vec![secret("old"), secret("older")]);
        assert_eq!(texts(&passwords.candidates("hsm-1")), ["old", "older"]);
        assert!(passwords.note_proven("hsm-1", &secret("older")));
        assert_eq!(texts(&passwords.candidates("hsm-1")), ["pending", "older"]);
        assert!(!passwords.note_proven("hsm-1", &secret("older")));
        assert!(!passwords.note_proven("hsm-2", &secret("current")));
    }

    #[test]
    fn who_was_not_reached_stays_behind() {
        let mut passwords = KmsUserPasswords::new(secret("first"));
        passwords.pending = Some(secret("second"));
        passwords.promote_pending(&set(&["hsm-1"]), &set(&["hsm-1", "hsm-2"]));
        assert_eq!(texts(&passwords.candidates("hsm-1")), ["second"]);
        assert_eq!(texts(&passwords.candidates("hsm-2")), ["first", "second"]);
        assert_eq!(texts(&passwords.all().iter().collect::<Vec<_>>()), ["second", "first"]);
        passwords.pending = Some(secret("third"));
        passwords.promote_pending(&set(&["hsm-1"]), &set(&["hsm-1", "hsm-2"]));
        assert_eq!(texts(&passwords.candidates("hsm-2")), ["first", "second"], "the third was not sent to it");
        passwords.replace_current(secret("owners"));
        assert_eq!(texts(&passwords.candidates("hsm-2")), ["owners", "first"]);
        passwords.pending = Some(secret("fourth"));
        passwords.promote_pending(&set(&["hsm-3"]), &set(&["hsm-3"]));
        assert!(passwords.behind.is_empty(), "nothing is kept of HSMs that are gone");
    }
}
