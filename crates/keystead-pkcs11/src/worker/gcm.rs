//! Encryption, decryption and random bytes: the calls that come often.

use std::time::Instant;

use cryptoki::error::Error;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use rustix::rand::{GetRandomFlags, getrandom};
use zeroize::Zeroizing;

use super::Worker;
use super::failure::{is_refused_ciphertext, is_stale};
use super::key_objects::has_keys;
use crate::{Ciphertext, HsmError, IvSource};

const IV_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const TAG_BITS: u64 = 128;

impl Worker {
    pub(crate) fn encrypt(
        &self,
        id: &[u8],
        plaintext: &[u8],
        aad: &[u8],
        deadline: Instant,
    ) -> Result<Ciphertext, HsmError> {
        let mut iv = self.iv()?;
        let used = self.with_key(id, deadline, |session, key| {
            let mechanism = Mechanism::AesGcm(GcmParams::new(&mut iv, aad, TAG_BITS.into())?);
            session.encrypt(&mechanism, key, plaintext)
        })?;
        let ciphertext_and_tag = used.map_err(|error| self.blame(error))?;
        if ciphertext_and_tag.len() != plaintext.len() + TAG_BYTES {
            return Err(HsmError::Module("C_Encrypt returned a ciphertext of another length".into()));
        }
        if iv == [0; IV_BYTES] {
            return Err(HsmError::Module("C_Encrypt made no IV".into()));
        }
        Ok(Ciphertext { iv, ciphertext_and_tag })
    }

    pub(crate) fn decrypt(
        &self,
        id: &[u8],
        mut iv: [u8; IV_BYTES],
        ciphertext_and_tag: &[u8],
        aad: &[u8],
        deadline: Instant,
    ) -> Result<Zeroizing<Vec<u8>>, HsmError> {
        if ciphertext_and_tag.len() < TAG_BYTES {
            self.need_kms()?;
            return Err(HsmError::InvalidCiphertext);
        }
        let used = self.with_key(id, deadline, |session, key| {
            let mechanism = Mechanism::AesGcm(GcmParams::new(&mut iv, aad, TAG_BITS.into())?);
            session.decrypt(&mechanism, key, ciphertext_and_tag).map(Zeroizing::new)
        })?;
        let plaintext = used.map_err(|error| self.decryption_failure(error))?;
        if plaintext.len() + TAG_BYTES != ciphertext_and_tag.len() {
            return Err(HsmError::Module("C_Decrypt returned a plaintext of another length".into()));
        }
        Ok(plaintext)
    }

    pub(crate) fn generate_random(&self, length: u32, deadline: Instant) -> Result<Zeroizing<Vec<u8>>, HsmError> {
        /// What an answer has room for, and more than KMS asks for.
        const LENGTH_MAX: u32 = 64 << 10;
        if length > LENGTH_MAX {
            return Err(HsmError::Module(format!("at most {LENGTH_MAX} random bytes are given at a time")));
        }
        let token = self.token()?;
        token.need_initialized()?;
        let session = token.sessions.take(deadline)?;
        let mut random = Zeroizing::new(vec![0; length as usize]);
        let outcome = session.get()?.generate_random_slice(&mut random);
        if let Err(error) = outcome {
            session.discard();
            return Err(self.blame(error));
        }
        Ok(random)
    }

    /// 12 bytes for the token to use, or to fill.
    fn iv(&self) -> Result<[u8; IV_BYTES], HsmError> {
        let mut iv = [0; IV_BYTES];
        if self.settings.profile.iv_source == IvSource::Caller {
            // The kernel gives up to 256 bytes at once, or none.
            let count = getrandom(&mut iv[..], GetRandomFlags::empty());
            if count != Ok(IV_BYTES) {
                return Err(HsmError::Module("the operating system has no random bytes".into()));
            }
        }
        Ok(iv)
    }

    fn decryption_failure(&self, error: Error) -> HsmError {
        if !is_refused_ciphertext(&error) {
            return self.blame(error);
        }
        self.probe().err().unwrap_or(HsmError::InvalidCiphertext)
    }

    /// Uses a key of KMS; once more if handle or login were not what the worker took them for.
    ///
    /// The inner result is the module's own, which the caller knows the meaning of.
    fn with_key<T>(
        &self,
        id: &[u8],
        deadline: Instant,
        mut use_key: impl FnMut(&Session, ObjectHandle) -> Result<T, Error>,
    ) -> Result<Result<T, Error>, HsmError> {
        self.need_kms()?;
        match self.try_key(id, deadline, &mut use_key) {
            Ok(Err(error)) if is_stale(&error) => {
                self.forget_handle(id);
                self.probe()?;
                self.restore_login()?;
                self.try_key(id, deadline, &mut use_key).or_else(|error| self.confirm(error, deadline))
            }
            Err(HsmError::KeyNotFound) => {
                self.probe()?;
                match self.restore_login()? {
                    true => self.try_key(id, deadline, &mut use_key),
                    false => self.confirm(HsmError::KeyNotFound, deadline),
                }
            }
            other => other,
        }
    }

    fn try_key<T>(
        &self,
        id: &[u8],
        deadline: Instant,
        use_key: &mut impl FnMut(&Session, ObjectHandle) -> Result<T, Error>,
    ) -> Result<Result<T, Error>, HsmError> {
        let token = self.token()?;
        token.need_initialized()?;
        let session = token.sessions.take(deadline)?;
        let key = self.handle(&token, session.get()?, id)?;
        let outcome = use_key(session.get()?, key);
        if outcome.is_err() {
            session.discard();
        }
        Ok(outcome)
    }

    /// A key that is not there may be the sign of a token that is another one. kryoptic goes on telling what the token was when another
    /// process has initialised it anew; but all keys vanish at once only then.
    fn confirm<T>(&self, error: HsmError, deadline: Instant) -> Result<T, HsmError> {
        let token = self.token()?;
        if error == HsmError::KeyNotFound && token.handles.has_been_used() {
            let session = token.sessions.take(deadline)?;
            if !has_keys(session.get()?).map_err(|error| self.blame(error))? {
                return Err(self.initialized_anew());
            }
        }
        Err(error)
    }

    fn forget_handle(&self, id: &[u8]) {
        if let Ok(token) = self.token() {
            token.handles.forget(id);
        }
    }
}
