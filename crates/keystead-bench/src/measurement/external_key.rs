//! Encrypt under an external key against direct calls of the same proxy: what KMS adds.
//!
//! `keystead dev` runs KMS and proxy in one process, so both share the two processors with this program: what is added here is an upper
//! limit of what is added with a proxy of its own machine, but for the network.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::interleaved::{Party, compared, run};
use super::{Add, PLAINTEXT_BYTES, plaintext};
use crate::Failure;
use crate::arguments::Extent;
use crate::connection::Target;
use crate::data_folder::DataFolder;
use crate::keystead::{Keystead, Mode};
use crate::kms_call::{KmsServer, text};
use crate::load::Load;
use crate::process::Server;
use crate::report::{Figure, Goal, Measurement, Unit};

/// design.md, "Speed": at this rate, which is below the quota of 1,800 requests per second for a key store.
const REQUESTS_PER_SECOND: u32 = 1000;
/// Enough that a connection is free whenever a request is due, but for answers later than 16 ms.
const CONNECTIONS: usize = 16;
const ADDED_P50_US: Goal = Goal::AtMost(150.0);
const ADDED_P99_US: Goal = Goal::AtMost(500.0);
/// Rounds are this much longer than asked for: at a fixed rate it takes longer until a p99 means something.
const ROUND_FACTOR: u32 = 3;
/// What the KMS key's own layer adds to the plaintext that the proxy gets, in bytes: nonce and tag.
const INNER_LAYER_BYTES: usize = 32;
/// The length of the data that KMS has the proxy authenticate when there is no encryption context, in bytes.
const AAD_BYTES: usize = 56;

/// Measures with the audit log synced, as by default, and not.
pub(super) fn measure(keystead: &Keystead, extent: Extent, add: &mut Add<'_>) -> Result<(), Failure> {
    for fsync in [true, false] {
        add(measure_one(keystead, fsync, extent)?)?;
    }
    Ok(())
}

fn measure_one(keystead: &Keystead, fsync: bool, extent: Extent) -> Result<Measurement, Failure> {
    let mode = Mode { tls: false, fsync };
    let folder = keystead.new_data_folder(if fsync { "external" } else { "external-no-fsync" }, mode)?;
    let server = keystead.dev(&folder, mode)?;
    let mut parties = parties(&folder, &server).map_err(|error| server.explain(&error.to_string()))?;
    run(&mut parties, extent.round * ROUND_FACTOR, extent.rounds)?;

    let [direct, kms] = &parties;
    let added_p50_us = compared(kms, direct, |kms, direct| kms.p50_us - direct.p50_us);
    let added_p99_us = compared(kms, direct, |kms, direct| kms.p99_us - direct.p99_us);
    let (id, note) = if fsync { ("", "") } else { ("_no_fsync", ", audit fsync off") };
    // The goals are for the default.
    let goal = |goal| fsync.then_some(goal);
    Ok(Measurement {
        id: format!("external_key_encrypt{id}"),
        title: format!("Encrypt of 1 KiB, external key, {REQUESTS_PER_SECOND} requests/s{note}"),
        series: parties.iter().map(Party::series).collect(),
        figures: vec![
            Figure::new("added by KMS at p50", added_p50_us, Unit::Microseconds, goal(ADDED_P50_US)),
            Figure::new("added by KMS at p99", added_p99_us, Unit::Microseconds, goal(ADDED_P99_US)),
        ],
    })
}

fn parties(folder: &DataFolder, server: &Server) -> Result<[Party; 2], Failure> {
    let kms = folder.kms(server, false)?;
    let through_kms = kms.target(
        "Encrypt",
        &json!({"KeyId": external_key(folder, &kms)?, "Plaintext": STANDARD.encode(plaintext(PLAINTEXT_BYTES))}),
    )?;
    let paced = |name: &str, target: &Target| {
        let mut load = Load::for_open_loop(target, CONNECTIONS)?;
        let drive = move |duration| load.open_loop(REQUESTS_PER_SECOND, duration);
        Ok::<_, Failure>(Party::new(name, [server.pid()], drive))
    };
    Ok([paced("the proxy directly", &direct(folder)?)?, paced("through KMS", &through_kms)?])
}

/// What KMS asks of the proxy for that Encrypt, asked without KMS.
fn direct(folder: &DataFolder) -> Result<Target, Failure> {
    let proxy = folder.proxy()?;
    let path = format!("{}/keys/{}/encrypt", proxy.uri_path, proxy.key_id);
    let input = json!({
        "requestMetadata": {
            "awsPrincipalArn": "arn:aws:iam::111122223333:user/admin",
            "kmsOperation": "Encrypt",
            "kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
            "kmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        },
        "plaintext": STANDARD.encode(plaintext(PLAINTEXT_BYTES + INNER_LAYER_BYTES)),
        "encryptionAlgorithm": "AES_GCM",
        "additionalAuthenticatedData": STANDARD.encode(plaintext(AAD_BYTES)),
        "ciphertextDataIntegrityValueAlgorithm": "SHA_256",
    });
    let request = crate::request::PreparedRequest::proxy(&proxy.host, &path, &input)?;
    Ok(Target { endpoint: proxy.endpoint, request: Arc::new(request), signer: proxy.signer })
}

/// Makes a key store of the folder's proxy, connects it, and makes a key in it.
fn external_key(folder: &DataFolder, kms: &KmsServer) -> Result<String, Failure> {
    let created = kms.call("CreateCustomKeyStore", &folder.create_custom_key_store_input()?)?;
    let id = text(&created, "/CustomKeyStoreId")?;
    kms.connect(&id)?;
    let xks_key_id = folder.proxy()?.key_id;
    kms.create_key(&json!({"Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": id, "XksKeyId": xks_key_id}))
}
