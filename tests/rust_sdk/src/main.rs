//! The part of the AWS SDK for Rust: the tasks that programs use KMS for, through the SDK's own types.
//!
//! Endpoint and credentials come from the environment, by the names of the AWS CLI. Ends with status 0 if all went as it should, and with a
//! text that says what did not otherwise.

use std::error::Error;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{
    DataKeyPairSpec, DataKeySpec, KeySpec, KeyState, KeyUsageType, MacAlgorithmSpec, MessageType, SigningAlgorithmSpec,
    Tag,
};
use aws_sdk_kms::{Client, Config};
use aws_smithy_http_client::Builder;

type Failure = Box<dyn Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let client = client()?;
    symmetric(&client).await?;
    signatures(&client).await?;
    macs(&client).await?;
    data_key_pairs(&client).await?;
    pages(&client).await?;
    errors(&client).await
}

fn client() -> Result<Client, Failure> {
    let variable = |name: &str| std::env::var(name).map_err(|error| format!("{name}: {error}"));
    let (id, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(variable("AWS_ENDPOINT_URL")?)
        .region(Region::new(variable("AWS_REGION")?))
        .credentials_provider(Credentials::new(id, secret, None, None, "test"))
        .http_client(Builder::new().build_http());
    Ok(Client::from_conf(config.build()))
}

fn expect(held: bool, what: &str) -> Result<(), Failure> {
    if held { Ok(()) } else { Err(what.into()) }
}

fn required<T>(member: Option<T>, name: &str) -> Result<T, Failure> {
    member.ok_or_else(|| format!("the answer has no {name}").into())
}

async fn key(client: &Client, spec: KeySpec, usage: KeyUsageType) -> Result<String, Failure> {
    let tag = Tag::builder().tag_key("made-by").tag_value("rust").build()?;
    let made = client.create_key().key_spec(spec).key_usage(usage).tags(tag).send().await?;
    Ok(required(made.key_metadata, "KeyMetadata")?.key_id)
}

async fn symmetric(client: &Client) -> Result<(), Failure> {
    let key = key(client, KeySpec::SymmetricDefault, KeyUsageType::EncryptDecrypt).await?;
    client.create_alias().alias_name("alias/rust").target_key_id(&key).send().await?;
    let data_key = client
        .generate_data_key()
        .key_id("alias/rust")
        .key_spec(DataKeySpec::Aes256)
        .encryption_context("purpose", "test")
        .send()
        .await?;
    let plaintext = required(data_key.plaintext, "Plaintext")?;
    expect(plaintext.as_ref().len() == 32, "a data key of 256 bits")?;
    let ciphertext = required(data_key.ciphertext_blob, "CiphertextBlob")?;
    let decrypt = client.decrypt().ciphertext_blob(ciphertext.clone());
    let decrypted = decrypt.encryption_context("purpose", "test").send().await?;
    expect(decrypted.plaintext == Some(plaintext), "Decrypt gives the data key back")?;
    let without_context = client.decrypt().ciphertext_blob(ciphertext).send().await.err();
    let refused = required(without_context, "error")?.into_service_error();
    expect(refused.is_invalid_ciphertext_exception(), "the encryption context is needed")
}

async fn signatures(client: &Client) -> Result<(), Failure> {
    let key = key(client, KeySpec::EccNistP256, KeyUsageType::SignVerify).await?;
    let message = b"a message that Rust signs";
    let algorithm = SigningAlgorithmSpec::EcdsaSha256;
    let sign = client.sign().key_id(&key).message(Blob::new(message)).message_type(MessageType::Raw);
    let signature = required(sign.signing_algorithm(algorithm.clone()).send().await?.signature, "Signature")?;
    let public_key = client.get_public_key().key_id(&key).send().await?;
    let public_key = required(public_key.public_key, "PublicKey")?;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public_key.as_ref())
        .verify(message, signature.as_ref())
        .map_err(|_| "the signature does not verify with another library")?;
    let verify = client.verify().key_id(&key).message(Blob::new(message)).signature(signature.clone());
    expect(verify.signing_algorithm(algorithm.clone()).send().await?.signature_valid, "Verify")?;
    let other = client.verify().key_id(&key).message(Blob::new(b"another")).signature(signature);
    let refused = required(other.signing_algorithm(algorithm).send().await.err(), "error")?;
    expect(refused.into_service_error().is_kms_invalid_signature_exception(), "another message is refused")
}

async fn macs(client: &Client) -> Result<(), Failure> {
    let key = key(client, KeySpec::Hmac256, KeyUsageType::GenerateVerifyMac).await?;
    let message = Blob::new(b"a message");
    let algorithm = MacAlgorithmSpec::HmacSha256;
    let made = client.generate_mac().key_id(&key).message(message.clone()).mac_algorithm(algorithm.clone());
    let mac = required(made.send().await?.mac, "Mac")?;
    let verify = client.verify_mac().key_id(&key).message(message).mac(mac).mac_algorithm(algorithm);
    expect(verify.send().await?.mac_valid, "VerifyMac")
}

async fn data_key_pairs(client: &Client) -> Result<(), Failure> {
    let spec = DataKeyPairSpec::EccNistP384;
    let pair = client.generate_data_key_pair().key_id("alias/rust").key_pair_spec(spec).send().await?;
    let encrypted = required(pair.private_key_ciphertext_blob, "PrivateKeyCiphertextBlob")?;
    let decrypted = client.decrypt().ciphertext_blob(encrypted).key_id("alias/rust").send().await?;
    expect(decrypted.plaintext == pair.private_key_plaintext, "Decrypt gives the private key back")
}

async fn pages(client: &Client) -> Result<(), Failure> {
    let mut pages = client.list_keys().into_paginator().page_size(1).send();
    let mut keys = Vec::new();
    while let Some(page) = pages.next().await {
        keys.extend(page?.keys.unwrap_or_default());
    }
    expect(keys.len() >= 3, "ListKeys goes through all pages")
}

async fn errors(client: &Client) -> Result<(), Failure> {
    let key = key(client, KeySpec::SymmetricDefault, KeyUsageType::EncryptDecrypt).await?;
    client.schedule_key_deletion().key_id(&key).pending_window_in_days(7).send().await?;
    let described = client.describe_key().key_id(&key).send().await?;
    let state = required(described.key_metadata, "KeyMetadata")?.key_state;
    expect(state == Some(KeyState::PendingDeletion), "the state is PendingDeletion")?;
    let encrypt = client.encrypt().key_id(&key).plaintext(Blob::new(b"plain")).send().await;
    let refused = required(encrypt.err(), "error")?.into_service_error();
    expect(refused.is_kms_invalid_state_exception(), "a key that is pending deletion is refused")?;
    let dry_run = client.encrypt().key_id("alias/rust").plaintext(Blob::new(b"plain")).dry_run(true).send().await;
    let refused = required(dry_run.err(), "error")?.into_service_error();
    expect(refused.is_dry_run_operation_exception(), "a dry run ends in its own exception")?;
    let missing = client.describe_key().key_id("alias/nothing").send().await.err();
    let code = required(missing, "error")?.into_service_error();
    expect(code.code() == Some("NotFoundException"), "an alias that is not there")
}
