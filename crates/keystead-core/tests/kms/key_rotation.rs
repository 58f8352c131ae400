//! Rotation: automatic and on demand, of single-Region and multi-Region keys, and by two servers at once.
//!
//! Source: KMS core digest 5.4, 7.2; KMS Developer Guide, "Rotate AWS KMS keys".

use crate::support::{IRELAND, Installation, KEY_TRANSITION_MS, OHIO, Server};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keystead_core::key::rotate_due_keys;
use serde_json::{Value, json};

const TWENTY_MINUTES_MS: i64 = 20 * 60 * 1000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

async fn status(server: &Server, arn: &str) -> Value {
    server.call("GetKeyRotationStatus", json!({"KeyId": arn})).await.unwrap()
}

async fn enable(server: &Server, arn: &str, days: u32) {
    server.call("EnableKeyRotation", json!({"KeyId": arn, "RotationPeriodInDays": days})).await.unwrap();
}

fn seconds(at: keystead_model::Timestamp) -> Value {
    (at.millis() as f64 / 1000.0).into()
}

fn id_of(material: &Value) -> &str {
    material["KeyMaterialId"].as_str().unwrap()
}

#[tokio::test]
async fn automatic_rotation_is_told_while_it_is_enabled() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = server.create_key(json!({})).await;
    let id = arn.rsplit('/').next().unwrap();
    assert_eq!(status(&server, &arn).await, json!({"KeyRotationEnabled": false, "KeyId": id}));

    server.call("EnableKeyRotation", json!({"KeyId": arn})).await.unwrap();
    let next = seconds(installation.now().plus_days(365));
    let enabled =
        json!({"KeyRotationEnabled": true, "KeyId": id, "RotationPeriodInDays": 365, "NextRotationDate": next});
    assert_eq!(status(&server, &arn).await, enabled);

    // Asked again, nothing is put off; another period counts from now.
    installation.advance_days(100);
    enable(&server, &arn, 365).await;
    assert_eq!(status(&server, &arn).await, enabled);
    enable(&server, &arn, 90).await;
    let status_then = status(&server, &arn).await;
    assert_eq!(status_then["RotationPeriodInDays"], 90);
    assert_eq!(status_then["NextRotationDate"], seconds(installation.now().plus_days(90)));

    server.call("DisableKeyRotation", json!({"KeyId": arn})).await.unwrap();
    server.call("DisableKeyRotation", json!({"KeyId": arn})).await.unwrap();
    assert_eq!(status(&server, &arn).await, json!({"KeyRotationEnabled": false, "KeyId": id}));
}

#[tokio::test]
async fn a_key_rotates_when_its_day_comes_and_old_ciphertexts_decrypt() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = server.create_key(json!({})).await;
    enable(&server, &arn, 90).await;
    let mut ciphertexts = Vec::new();
    for round in 0..3 {
        let ciphertext = server.encrypt(&arn, b"attack at dawn").await;
        let (_, material) = server.decrypt(&arn, &ciphertext).await;
        ciphertexts.push((ciphertext, material));

        installation.advance_days(90);
        installation.advance(-1);
        rotate_due_keys(&server.kms).await.unwrap();
        assert_eq!(server.materials(&arn).await.len(), round + 1, "it rotated too early");
        installation.advance(1);
        rotate_due_keys(&server.kms).await.unwrap();
        rotate_due_keys(&server.kms).await.unwrap();

        let materials = server.materials(&arn).await;
        assert_eq!(materials.len(), round + 2);
        let newest = materials.last().unwrap();
        assert_eq!(newest["KeyMaterialState"], "CURRENT");
        assert_eq!(newest["RotationType"], "AUTOMATIC");
        assert_eq!(newest["RotationDate"], seconds(installation.now()));
        assert_eq!(server.describe(&arn).await["CurrentKeyMaterialId"], newest["KeyMaterialId"]);
        assert!(materials[..=round].iter().all(|material| material["KeyMaterialState"] == "NON_CURRENT"));
        assert_eq!(status(&server, &arn).await["NextRotationDate"], seconds(installation.now().plus_days(90)));
    }
    let materials = server.materials(&arn).await;
    for ((ciphertext, material), listed) in ciphertexts.iter().zip(&materials) {
        assert_eq!(id_of(listed), material);
        assert_eq!(server.decrypt(&arn, ciphertext).await, (b"attack at dawn".to_vec(), material.clone()));
    }
    let new = server.call("GenerateDataKey", json!({"KeyId": arn, "KeySpec": "AES_256"})).await.unwrap();
    assert_eq!(new["KeyMaterialId"], materials[3]["KeyMaterialId"]);
    let again = json!({"CiphertextBlob": ciphertexts[0].0, "DestinationKeyId": arn});
    let again = server.call("ReEncrypt", again).await.unwrap();
    assert_eq!(again["SourceKeyMaterialId"], materials[0]["KeyMaterialId"]);
    assert_eq!(again["DestinationKeyMaterialId"], materials[3]["KeyMaterialId"]);

    let records = server.records("RotateKey");
    assert_eq!(records.len(), 3);
    for (record, pair) in records.iter().zip(materials.windows(2)) {
        let details = json!({
            "rotationType": "AUTOMATIC", "keyOrigin": "AWS_KMS", "keyId": arn.rsplit('/').next().unwrap(),
            "previousKeyMaterialId": id_of(&pair[0]), "currentKeyMaterialId": id_of(&pair[1]),
        });
        assert_eq!(record["serviceEventDetails"], details);
        assert_eq!(record["eventType"], "AwsServiceEvent");
        assert_eq!(record["userIdentity"]["invokedBy"], "AWS Internal");
        assert_eq!(record["resources"][0]["ARN"], arn);
    }
    assert!(server.records("SynchronizeMultiRegionKey").is_empty());
}

#[tokio::test]
async fn a_disabled_key_rotates_when_it_is_enabled_again() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = server.create_key(json!({})).await;
    enable(&server, &arn, 90).await;
    server.call("DisableKey", json!({"KeyId": arn})).await.unwrap();
    installation.advance_days(400);
    rotate_due_keys(&server.kms).await.unwrap();
    assert_eq!(server.materials(&arn).await.len(), 1);
    assert_eq!(status(&server, &arn).await["KeyRotationEnabled"], true);
    server.call("EnableKey", json!({"KeyId": arn})).await.unwrap();
    // One rotation, however many were missed.
    rotate_due_keys(&server.kms).await.unwrap();
    rotate_due_keys(&server.kms).await.unwrap();
    assert_eq!(server.materials(&arn).await.len(), 2);
    assert_eq!(status(&server, &arn).await["NextRotationDate"], seconds(installation.now().plus_days(90)));
}

#[tokio::test]
async fn a_rotation_that_is_done_late_puts_off_no_other() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = server.create_key(json!({})).await;
    enable(&server, &arn, 90).await;
    let enabled = installation.now();
    for (late_days, next_days) in [(1, 180), (89, 270), (0, 360)] {
        let day = i64::from(next_days) - 90 + late_days;
        installation.advance(enabled.millis() + day * DAY_MS - installation.now().millis());
        rotate_due_keys(&server.kms).await.unwrap();
        assert_eq!(status(&server, &arn).await["NextRotationDate"], seconds(enabled.plus_days(next_days)));
    }
    // No rotation is made up for: that a whole period was missed shows.
    installation.advance_days(180);
    rotate_due_keys(&server.kms).await.unwrap();
    rotate_due_keys(&server.kms).await.unwrap();
    assert_eq!(server.materials(&arn).await.len(), 5);
    assert_eq!(status(&server, &arn).await["NextRotationDate"], seconds(installation.now().plus_days(90)));
}

#[tokio::test]
async fn a_key_pending_deletion_does_not_rotate_until_the_deletion_is_cancelled() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = server.create_key(json!({})).await;
    enable(&server, &arn, 90).await;
    let before = status(&server, &arn).await;
    installation.advance_days(80);
    server.call("ScheduleKeyDeletion", json!({"KeyId": arn})).await.unwrap();
    let pending = status(&server, &arn).await;
    assert_eq!(pending, json!({"KeyRotationEnabled": false, "KeyId": before["KeyId"]}));
    installation.advance_days(20);
    rotate_due_keys(&server.kms).await.unwrap();
    assert_eq!(server.materials(&arn).await.len(), 1);
    server.call("CancelKeyDeletion", json!({"KeyId": arn})).await.unwrap();
    assert_eq!(status(&server, &arn).await, before);
    server.call("EnableKey", json!({"KeyId": arn})).await.unwrap();
    rotate_due_keys(&server.kms).await.unwrap();
    assert_eq!(server.materials(&arn).await.len(), 2);
}

#[tokio::test]
async fn rotation_on_demand_takes_a_while_and_changes_no_schedule() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = server.create_key(json!({})).await;
    enable(&server, &arn, 90).await;
    installation.advance_days(30);
    let before = status(&server, &arn).await;
    let answer = server.call("RotateKeyOnDemand", json!({"KeyId": arn})).await.unwrap();
    assert_eq!(answer, json!({"KeyId": arn}));
    let begun = installation.now();
    assert_eq!(status(&server, &arn).await["OnDemandRotationStartDate"], seconds(begun));
    let refused = server.refused("RotateKeyOnDemand", json!({"KeyId": arn})).await;
    assert_eq!(refused.exception, "ConflictException");

    installation.advance(KEY_TRANSITION_MS - 1);
    rotate_due_keys(&server.kms).await.unwrap();
    assert_eq!(server.materials(&arn).await.len(), 1);
    installation.advance(1);
    rotate_due_keys(&server.kms).await.unwrap();
    let materials = server.materials(&arn).await;
    assert_eq!(materials.len(), 2);
    assert_eq!(materials[1]["RotationType"], "ON_DEMAND");
    assert_eq!(status(&server, &arn).await, before);
    let details = &server.records("RotateKey")[0]["serviceEventDetails"];
    assert_eq!(details["rotationType"], "ON_DEMAND");
    assert_eq!(server.records("RotateKeyOnDemand")[0]["responseElements"], json!({"keyId": arn}));
}

#[tokio::test]
async fn a_rotation_on_demand_is_done_although_the_key_was_disabled_since() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = server.create_key(json!({})).await;
    server.call("RotateKeyOnDemand", json!({"KeyId": arn})).await.unwrap();
    server.call("DisableKey", json!({"KeyId": arn})).await.unwrap();
    let refused = server.refused("RotateKeyOnDemand", json!({"KeyId": arn})).await;
    assert_eq!(refused.message, format!("{arn} is disabled."));
    installation.advance(KEY_TRANSITION_MS);
    rotate_due_keys(&server.kms).await.unwrap();
    assert_eq!(server.materials(&arn).await.len(), 2);
}

#[tokio::test]
async fn none_on_demand_within_twenty_minutes_before_an_automatic_one() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = server.create_key(json!({})).await;
    enable(&server, &arn, 90).await;
    installation.advance_days(90);
    installation.advance(-TWENTY_MINUTES_MS);
    assert_eq!(server.refused("RotateKeyOnDemand", json!({"KeyId": arn})).await.exception, "ConflictException");
    installation.advance(-1);
    server.call("RotateKeyOnDemand", json!({"KeyId": arn})).await.unwrap();
}

#[tokio::test]
async fn twenty_five_rotations_on_demand_and_no_more() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = server.create_key(json!({})).await;
    let first = server.encrypt(&arn, b"first").await;
    for _ in 0..25 {
        server.call("RotateKeyOnDemand", json!({"KeyId": arn})).await.unwrap();
        installation.advance(KEY_TRANSITION_MS);
        rotate_due_keys(&server.kms).await.unwrap();
    }
    let refused = server.refused("RotateKeyOnDemand", json!({"KeyId": arn})).await;
    assert_eq!(refused.exception, "LimitExceededException");
    assert_eq!(
        refused.message,
        format!(
            "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: {arn}"
        )
    );
    assert_eq!(server.decrypt(&arn, &first).await.0, b"first");

    // Page by page, the oldest first; what comes in between is at the end.
    let mut pages = Vec::new();
    let mut marker = Value::Null;
    loop {
        let mut input = json!({"KeyId": arn, "Limit": 10});
        if marker.is_string() {
            input["Marker"] = marker;
        }
        let page = server.call("ListKeyRotations", input).await.unwrap();
        let rotations = page["Rotations"].as_array().unwrap();
        assert!(rotations.len() <= 10);
        pages.extend(rotations.iter().map(|rotation| id_of(rotation).to_owned()));
        marker = page["NextMarker"].clone();
        assert_eq!(page["Truncated"].as_bool().unwrap(), marker.is_string());
        if marker.is_null() {
            break;
        }
    }
    let all: Vec<_> = server.materials(&arn).await.iter().map(|material| id_of(material).to_owned()).collect();
    assert_eq!(all.len(), 26);
    assert_eq!(pages, all[1..]);
}

#[tokio::test]
async fn a_marker_is_of_one_key_and_one_kind_of_list() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let [arn, other] = [server.create_key(json!({})).await, server.create_key(json!({})).await];
    for _ in 0..2 {
        server.call("RotateKeyOnDemand", json!({"KeyId": arn})).await.unwrap();
        installation.advance(KEY_TRANSITION_MS);
        rotate_due_keys(&server.kms).await.unwrap();
    }
    let page = server.call("ListKeyRotations", json!({"KeyId": arn, "Limit": 1})).await.unwrap();
    let marker = page["NextMarker"].clone();
    for input in [
        json!({"KeyId": other, "Marker": marker}),
        json!({"KeyId": arn, "IncludeKeyMaterial": "ALL_KEY_MATERIAL", "Marker": marker}),
        json!({"KeyId": arn, "Marker": "forged"}),
    ] {
        assert_eq!(server.refused("ListKeyRotations", input).await.exception, "InvalidMarkerException");
    }
}

#[tokio::test]
async fn an_entry_has_what_is_documented_and_no_more() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = server.create_key(json!({})).await;
    server.call("RotateKeyOnDemand", json!({"KeyId": arn})).await.unwrap();
    installation.advance(KEY_TRANSITION_MS);
    rotate_due_keys(&server.kms).await.unwrap();
    let names = |entry: &Value| entry.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let materials = server.materials(&arn).await;
    assert_eq!(names(&materials[0]), ["KeyId", "KeyMaterialId", "KeyMaterialState"]);
    assert_eq!(names(&materials[1]), ["KeyId", "KeyMaterialId", "KeyMaterialState", "RotationDate", "RotationType"]);
    let rotations = server.call("ListKeyRotations", json!({"KeyId": arn})).await.unwrap();
    assert_eq!(rotations["Rotations"], json!([materials[1]]));
    assert_eq!(rotations["Truncated"], false);
}

#[tokio::test]
async fn keys_of_other_kinds_do_not_rotate() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let hmac = server.create_key(json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"})).await;
    let pair = server.create_key(json!({"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"})).await;
    let external = server.create_key(json!({"Origin": "EXTERNAL"})).await;
    let automatic = ["EnableKeyRotation", "DisableKeyRotation", "GetKeyRotationStatus"];
    for operation in automatic.into_iter().chain(["RotateKeyOnDemand", "ListKeyRotations"]) {
        for arn in [&hmac, &pair] {
            let refused = server.refused(operation, json!({"KeyId": arn})).await;
            assert_eq!((refused.exception.as_str(), refused.message.as_str()), ("UnsupportedOperationException", ""));
        }
    }
    for operation in automatic {
        let refused = server.refused(operation, json!({"KeyId": external})).await;
        assert_eq!(refused.exception, "UnsupportedOperationException");
        assert_eq!(refused.message, format!("{external} origin is EXTERNAL which is not valid for this operation."));
    }
    let refused = server.refused("RotateKeyOnDemand", json!({"KeyId": external})).await;
    assert_eq!(refused.message, format!("{external} is pending import."));
    assert_eq!(server.materials(&external).await, Vec::<Value>::new());
}

#[tokio::test]
async fn replicas_follow_their_primary_key() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = server.create_key(json!({"MultiRegion": true})).await;
    let replicas = [server.replicate(&arn, OHIO).await, server.replicate(&arn, IRELAND).await];
    installation.advance(KEY_TRANSITION_MS);
    for replica in &replicas {
        for operation in ["EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand"] {
            let refused = server.refused(operation, json!({"KeyId": replica})).await;
            assert_eq!(refused.exception, "UnsupportedOperationException", "{operation}");
        }
    }
    let old = server.encrypt(&replicas[0], b"old").await;
    enable(&server, &arn, 120).await;
    for replica in &replicas {
        assert_eq!(status(&server, replica).await, status(&server, &arn).await);
    }
    // A replica that is disabled, or to be deleted, gets the material all the same.
    server.call("DisableKey", json!({"KeyId": replicas[0]})).await.unwrap();
    server.call("ScheduleKeyDeletion", json!({"KeyId": replicas[1]})).await.unwrap();
    installation.advance_days(120);
    rotate_due_keys(&server.kms).await.unwrap();
    server.call("EnableKey", json!({"KeyId": replicas[0]})).await.unwrap();
    server.call("CancelKeyDeletion", json!({"KeyId": replicas[1]})).await.unwrap();
    server.call("EnableKey", json!({"KeyId": replicas[1]})).await.unwrap();

    let materials = server.materials(&arn).await;
    assert_eq!(materials.len(), 2);
    for replica in &replicas {
        assert_eq!(server.materials(replica).await, materials);
        assert_eq!(server.describe(replica).await["CurrentKeyMaterialId"], materials[1]["KeyMaterialId"]);
        assert_eq!(status(&server, replica).await, status(&server, &arn).await);
    }
    // What one of them encrypts under the new material each of them decrypts, and so with the old material.
    let all = [&arn, &replicas[0], &replicas[1]];
    for encrypting in all {
        let new = server.encrypt(encrypting, b"new").await;
        for decrypting in all {
            assert_eq!(server.decrypt(decrypting, &new).await, (b"new".to_vec(), id_of(&materials[1]).to_owned()));
            assert_eq!(server.decrypt(decrypting, &old).await, (b"old".to_vec(), id_of(&materials[0]).to_owned()));
        }
    }
    let records = server.records("RotateKey");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["resources"][0]["ARN"], arn);
    let synchronized = server.records("SynchronizeMultiRegionKey");
    assert_eq!(synchronized.len(), 1);
    assert_eq!(synchronized[0]["responseElements"], json!({"keyId": arn}));
}

#[tokio::test]
async fn a_new_primary_key_rotates_on_as_the_old_one_did() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = server.create_key(json!({"MultiRegion": true})).await;
    let replica = server.replicate(&arn, OHIO).await;
    installation.advance(KEY_TRANSITION_MS);
    enable(&server, &arn, 90).await;
    server.call("UpdatePrimaryRegion", json!({"KeyId": arn, "PrimaryRegion": OHIO})).await.unwrap();
    installation.advance(KEY_TRANSITION_MS);
    assert_eq!(
        server.refused("DisableKeyRotation", json!({"KeyId": arn})).await.exception,
        "UnsupportedOperationException"
    );
    installation.advance_days(90);
    rotate_due_keys(&server.kms).await.unwrap();
    assert_eq!(server.materials(&arn).await.len(), 2);
    assert_eq!(server.materials(&replica).await, server.materials(&arn).await);
    assert_eq!(server.records("RotateKey")[0]["resources"][0]["ARN"], replica);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_servers_one_rotates() {
    let installation = Installation::new().await;
    let servers: Vec<_> = (0..4).map(|_| installation.serve()).collect();
    let mut keys = Vec::new();
    for number in 0..6 {
        let arn = servers[0].create_key(json!({"MultiRegion": number % 2 == 0})).await;
        if number % 2 == 0 {
            servers[0].replicate(&arn, OHIO).await;
        }
        enable(&servers[0], &arn, 90).await;
        keys.push(arn);
    }
    installation.advance_days(90);
    let sweeps: Vec<_> = servers
        .iter()
        .map(|server| {
            let kms = server.kms.clone();
            tokio::spawn(async move { rotate_due_keys(&kms).await })
        })
        .collect();
    for sweep in sweeps {
        sweep.await.unwrap().unwrap();
    }
    for arn in &keys {
        assert_eq!(servers[3].materials(arn).await.len(), 2, "{arn}");
    }
    let records: usize = servers.iter().map(|server| server.records("RotateKey").len()).sum();
    assert_eq!(records, keys.len());
}

/// What the server that rotated encrypts, others decrypt at once. Here they read no change feed at all.
#[tokio::test]
async fn a_server_that_has_not_heard_of_a_rotation_decrypts() {
    let installation = Installation::new().await;
    let [rotating, other, third] = [installation.serve(), installation.serve(), installation.serve()];
    let arn = rotating.create_key(json!({"MultiRegion": true})).await;
    let replica = rotating.replicate(&arn, OHIO).await;
    installation.advance(KEY_TRANSITION_MS);
    let old = rotating.encrypt(&arn, b"old").await;
    for server in [&other, &third] {
        for key in [&arn, &replica] {
            assert_eq!(server.decrypt(key, &old).await.0, b"old");
        }
    }
    rotating.call("RotateKeyOnDemand", json!({"KeyId": arn})).await.unwrap();
    installation.advance(KEY_TRANSITION_MS);
    rotate_due_keys(&rotating.kms).await.unwrap();
    let new = rotating.encrypt(&arn, b"new").await;
    let current = rotating.describe(&arn).await["CurrentKeyMaterialId"].as_str().unwrap().to_owned();
    // Encrypting needs no new material, and shows that the key is cached as it was.
    assert_ne!(rotating.decrypt(&arn, &other.encrypt(&arn, b"x").await).await.1, current);
    for key in [&arn, &replica] {
        assert_eq!(other.decrypt(key, &new).await, (b"new".to_vec(), current.clone()));
        assert_eq!(other.decrypt(key, &old).await.0, b"old");
    }
    assert_eq!(
        rotating.decrypt(&arn, &other.encrypt(&arn, b"x").await).await.1,
        current,
        "it is cached as it was read then"
    );
    // So without a key ID, and by ReEncrypt.
    let again = json!({"CiphertextBlob": new, "DestinationKeyId": arn});
    assert_eq!(third.call("ReEncrypt", again).await.unwrap()["SourceKeyMaterialId"], current);
    // The key that is read then is the one whose state counts.
    rotating.call("RotateKeyOnDemand", json!({"KeyId": arn})).await.unwrap();
    installation.advance(KEY_TRANSITION_MS);
    rotate_due_keys(&rotating.kms).await.unwrap();
    let newest = rotating.encrypt(&arn, b"newest").await;
    rotating.call("DisableKey", json!({"KeyId": arn})).await.unwrap();
    let refused = other.refused("Decrypt", json!({"KeyId": arn, "CiphertextBlob": newest})).await;
    assert_eq!((refused.exception.as_str(), refused.message), ("DisabledException", format!("{arn} is disabled.")));
    // A material that the key never had is still none.
    let mut foreign = STANDARD.decode(newest.as_str().unwrap()).unwrap();
    let material = hexadecimal(&installation.stored(&arn).await.current_material().unwrap().id.to_string());
    let at = foreign.windows(material.len()).position(|window| window == material).unwrap();
    foreign[at] ^= 1;
    rotating.call("EnableKey", json!({"KeyId": arn})).await.unwrap();
    let foreign = json!({"KeyId": arn, "CiphertextBlob": STANDARD.encode(foreign)});
    assert_eq!(third.refused("Decrypt", foreign).await.exception, "InvalidCiphertextException");
    assert_eq!(third.decrypt(&arn, &newest).await.0, b"newest");
}

fn hexadecimal(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[tokio::test]
async fn a_key_that_is_changed_meanwhile_loses_neither_change() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = server.create_key(json!({})).await;
    enable(&server, &arn, 90).await;
    installation.advance_days(90);
    let tag = async {
        for number in 0..20 {
            let tags = json!([{"TagKey": number.to_string(), "TagValue": ""}]);
            server.call("TagResource", json!({"KeyId": arn, "Tags": tags})).await.unwrap();
        }
    };
    let (_, rotated) = tokio::join!(tag, rotate_due_keys(&server.kms));
    rotated.unwrap();
    assert_eq!(server.materials(&arn).await.len(), 2);
    assert_eq!(installation.stored(&arn).await.tags.len(), 20);
}
