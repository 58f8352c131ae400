//! The enclave's key pair, and opening what was encrypted for it.

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};

pub(crate) struct Recipient {
    key: PrivateDecryptingKey,
}

impl Recipient {
    pub(crate) fn generate(size: KeySize) -> Self {
        Self { key: PrivateDecryptingKey::generate(size).unwrap() }
    }

    /// SubjectPublicKeyInfo.
    pub(crate) fn public_key_der(&self) -> Vec<u8> {
        AsDer::<PublicKeyX509Der<'_>>::as_der(&self.key.public_key()).unwrap().as_ref().to_vec()
    }

    pub(crate) fn pkcs8_der(&self) -> Vec<u8> {
        AsDer::<Pkcs8V1Der<'_>>::as_der(&self.key).unwrap().as_ref().to_vec()
    }

    /// Decrypts the content-encryption key, then the content.
    pub(crate) fn open(&self, encrypted_key: &[u8], iv: &[u8], content: &[u8]) -> Vec<u8> {
        let key = OaepPrivateDecryptingKey::new(self.key.clone()).unwrap();
        let mut content_key = vec![0; key.min_output_size()];
        let content_key = key.decrypt(&OAEP_SHA256_MGF1SHA256, encrypted_key, &mut content_key, None).unwrap();
        let cipher =
            PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, content_key).unwrap()).unwrap();
        let mut content = content.to_vec();
        let iv: [u8; 16] = iv.try_into().unwrap();
        cipher.decrypt(&mut content, DecryptionContext::Iv128(iv.into())).unwrap().to_vec()
    }
}
