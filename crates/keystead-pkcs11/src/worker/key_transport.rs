//! Copying keys from HSM to HSM, never in clear: keys under the masking key, the masking key under an RSA key of the receiver.
//!
//! Source: CloudHSM key stores digest 7.6.

use cryptoki::error::Error;
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::Session;

use super::Worker;
use super::key_info::key_info;
use super::key_objects::MASKING_KEY;
use super::key_template::{Purpose, aes_key, foreign_transport_key, transport_private_key, transport_public_key};
use super::rsa_public_key::RsaPublicKey;
use crate::{HsmError, KeyInfo, OaepHash};

impl Worker {
    pub(crate) fn generate_transport_key(&self) -> Result<Vec<u8>, HsmError> {
        self.need_kms()?;
        self.change_objects(&[], |session, transport_key| {
            if let Some(old) = transport_key.take() {
                session.destroy_object(old).map_err(|error| self.blame(error))?;
            }
            let (public, private) = session
                .generate_key_pair(&Mechanism::RsaPkcsKeyPairGen, &transport_public_key(), &transport_private_key())
                .map_err(|error| self.blame(error))?;
            *transport_key = Some(private);
            let key = read_public_key(session, public).map_err(|error| self.blame(error))?;
            session.destroy_object(public).map_err(|error| self.blame(error))?;
            Ok(key.to_der())
        })
    }

    pub(crate) fn wrap_masking_key(&self, transport_public_key: &[u8]) -> Result<Vec<u8>, HsmError> {
        self.need_kms()?;
        let key = RsaPublicKey::from_der(transport_public_key)
            .ok_or_else(|| HsmError::Module("the transport key is no RSAPublicKey in DER".into()))?;
        self.change_objects(&[], |session, _| {
            let masking_key = self.find_one(session, MASKING_KEY.as_bytes())?;
            let wrap = || {
                let transport = session.create_object(&foreign_transport_key(&key.modulus, &key.public_exponent))?;
                let wrapped = session.wrap_key(&self.oaep(), transport, masking_key);
                session.destroy_object(transport)?;
                wrapped
            };
            wrap().map_err(|error| self.blame(error))
        })
    }

    pub(crate) fn unwrap_masking_key(&self, wrapped: &[u8]) -> Result<KeyInfo, HsmError> {
        self.need_kms()?;
        let id = MASKING_KEY.as_bytes();
        self.change_objects(id, |session, transport_key| {
            let transport = transport_key.take().ok_or(HsmError::KeyNotFound)?;
            let template = aes_key(id, MASKING_KEY, Purpose::Masking, false);
            let unwrapped = session.unwrap_key(&self.oaep(), transport, wrapped, &template);
            session.destroy_object(transport).map_err(|error| self.blame(error))?;
            unwrapped.and_then(|key| key_info(session, key)).map_err(|error| self.unwrapping_failure(error))
        })
    }

    pub(crate) fn wrap_key(&self, id: &[u8]) -> Result<Vec<u8>, HsmError> {
        self.need_kms()?;
        self.change_objects(&[], |session, _| {
            let masking_key = self.find_one(session, MASKING_KEY.as_bytes())?;
            let key = self.find_one(session, id)?;
            session.wrap_key(&Mechanism::AesKeyWrap, masking_key, key).map_err(|error| self.blame(error))
        })
    }

    pub(crate) fn unwrap_key(&self, wrapped: &[u8], id: &[u8], label: &str) -> Result<KeyInfo, HsmError> {
        self.need_kms()?;
        self.change_objects(id, |session, _| {
            let masking_key = self.find_one(session, MASKING_KEY.as_bytes())?;
            let template = aes_key(id, label, Purpose::Encryption, false);
            session
                .unwrap_key(&Mechanism::AesKeyWrap, masking_key, wrapped, &template)
                .and_then(|key| key_info(session, key))
                .map_err(|error| self.unwrapping_failure(error))
        })
    }

    fn oaep(&self) -> Mechanism<'static> {
        let (hash, mask) = match self.settings.profile.oaep_hash {
            OaepHash::Sha1 => (MechanismType::SHA1, PkcsMgfType::MGF1_SHA1),
            OaepHash::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
        };
        Mechanism::RsaPkcsOaep(PkcsOaepParams::new(hash, mask, PkcsOaepSource::empty()))
    }

    /// A damaged wrapped key looks like a damaged ciphertext.
    fn unwrapping_failure(&self, error: Error) -> HsmError {
        match self.blame(error) {
            HsmError::Module(text) => HsmError::Module(format!("the wrapped key was not taken: {text}")),
            other => other,
        }
    }
}

fn read_public_key(session: &Session, key: ObjectHandle) -> Result<RsaPublicKey, Error> {
    let mut read = RsaPublicKey { modulus: Vec::new(), public_exponent: Vec::new() };
    for attribute in session.get_attributes(key, &[AttributeType::Modulus, AttributeType::PublicExponent])? {
        match attribute {
            Attribute::Modulus(modulus) => read.modulus = modulus,
            Attribute::PublicExponent(exponent) => read.public_exponent = exponent,
            // Not asked for.
            _ => {}
        }
    }
    Ok(read)
}
