//! How an owner wraps key material.

use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Server;

/// What GetParametersForImport gave.
pub struct Parameters {
    pub token: Value,
    pub public_key: Vec<u8>,
    pub valid_to: Value,
    algorithm: String,
}

impl Parameters {
    pub async fn get(server: &Server, arn: &str, algorithm: &str, spec: &str) -> Self {
        let input = json!({"KeyId": arn, "WrappingAlgorithm": algorithm, "WrappingKeySpec": spec});
        let answer = server.call("GetParametersForImport", input).await.unwrap();
        assert_eq!(answer["KeyId"], arn);
        Self {
            token: answer["ImportToken"].clone(),
            public_key: STANDARD.decode(answer["PublicKey"].as_str().unwrap()).unwrap(),
            valid_to: answer["ParametersValidTo"].clone(),
            algorithm: algorithm.to_owned(),
        }
    }

    /// With RSA_2048 and SHA-256, as fits the length of the material.
    pub async fn for_material(server: &Server, arn: &str, material: &[u8]) -> Self {
        let algorithm = if material.len() <= 190 { "RSAES_OAEP_SHA_256" } else { "RSA_AES_KEY_WRAP_SHA_256" };
        Self::get(server, arn, algorithm, "RSA_2048").await
    }

    /// The same wrapping key, with another algorithm than that of the token.
    pub fn wrapping_as(&self, algorithm: &str) -> Self {
        let (token, public_key, valid_to) = (self.token.clone(), self.public_key.clone(), self.valid_to.clone());
        Self { token, public_key, valid_to, algorithm: algorithm.to_owned() }
    }

    /// Wraps key material as the wrapping algorithm says.
    pub fn wrap(&self, material: &[u8]) -> Vec<u8> {
        if !self.algorithm.starts_with("RSA_AES_KEY_WRAP") {
            return self.encrypt(material);
        }
        let aes_key = [0x5a; 32];
        let mut wrapped = vec![0; material.len() + 15];
        let kek = AesKek::new(&AES_256, &aes_key).unwrap();
        let wrapped = kek.wrap_with_padding(material, &mut wrapped).unwrap();
        [self.encrypt(&aes_key), wrapped.to_vec()].concat()
    }

    fn encrypt(&self, plaintext: &[u8]) -> Vec<u8> {
        let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(&self.public_key).unwrap()).unwrap();
        let hash = if self.algorithm.ends_with("SHA_1") { &OAEP_SHA1_MGF1SHA1 } else { &OAEP_SHA256_MGF1SHA256 };
        let mut ciphertext = vec![0; key.ciphertext_size()];
        key.encrypt(hash, plaintext, &mut ciphertext, None).unwrap().to_vec()
    }

    /// An ImportKeyMaterial of material that does not expire, with these members besides.
    pub fn request(&self, arn: &str, encrypted: &[u8], more: Value) -> Value {
        let mut request = json!({
            "KeyId": arn, "ImportToken": self.token, "EncryptedKeyMaterial": STANDARD.encode(encrypted),
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        });
        for (member, value) in more.as_object().unwrap() {
            request[member] = value.clone();
        }
        request
    }
}

impl Server {
    /// Imports material that does not expire unless the members besides say so.
    pub async fn import(&self, arn: &str, material: &[u8], more: Value) -> super::Answer {
        let parameters = Parameters::for_material(self, arn, material).await;
        self.call("ImportKeyMaterial", parameters.request(arn, &parameters.wrap(material), more)).await
    }

    /// The same, which must be refused.
    pub async fn import_refused(&self, arn: &str, material: &[u8], more: Value) -> super::Refused {
        match self.import(arn, material, more).await {
            Ok(answer) => panic!("ImportKeyMaterial succeeded: {answer}"),
            Err(refused) => refused,
        }
    }
}
