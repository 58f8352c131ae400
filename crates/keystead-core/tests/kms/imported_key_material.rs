//! Imported key material: what comes in and what does not, in one Region and in several, its rotation, its deletion and its expiry.
//!
//! Source: KMS core digest 5.5, 5.7; KMS Developer Guide, "Importing key material".

use crate::support::{IRELAND, Installation, KEY_TRANSITION_MS, OHIO, Parameters, Server};
use keystead_core::key::{delete_expired_materials, rotate_due_keys};
use keystead_cryptography::KeyPair;
use keystead_model::kms::KeySpec;
use serde_json::{Value, json};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const FIRST: [u8; 32] = [1; 32];
const SECOND: [u8; 32] = [2; 32];
const THIRD: [u8; 32] = [3; 32];

fn new() -> Value {
    json!({"ImportType": "NEW_KEY_MATERIAL"})
}

async fn external_key(server: &Server) -> String {
    server.create_key(json!({"Origin": "EXTERNAL"})).await
}

/// A key with material.
async fn imported_key(server: &Server) -> String {
    let arn = external_key(server).await;
    server.import(&arn, &FIRST, json!({})).await.unwrap();
    arn
}

async fn state(server: &Server, arn: &str) -> Value {
    server.describe(arn).await["KeyState"].clone()
}

/// Import state and material state of each material.
async fn states(server: &Server, arn: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let materials = server.materials(arn).await;
    materials.iter().map(|entry| (text(&entry["ImportState"]), text(&entry["KeyMaterialState"]))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(import, material)| ((*import).to_owned(), (*material).to_owned())).collect()
}

async fn rotate(installation: &Installation, server: &Server, arn: &str) {
    server.call("RotateKeyOnDemand", json!({"KeyId": arn})).await.unwrap();
    installation.advance(KEY_TRANSITION_MS);
    rotate_due_keys(&server.kms).await.unwrap();
}

async fn delete(server: &Server, arn: &str, id: Option<&Value>) -> Value {
    let mut input = json!({"KeyId": arn});
    if let Some(id) = id {
        input["KeyMaterialId"] = id.clone();
    }
    server.call("DeleteImportedKeyMaterial", input).await.unwrap()
}

#[tokio::test]
async fn a_key_waits_for_its_material_and_is_enabled_by_it() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = external_key(&server).await;
    let waiting = server.describe(&arn).await;
    assert_eq!((&waiting["KeyState"], &waiting["Enabled"]), (&json!("PendingImport"), &json!(false)));
    for member in ["CurrentKeyMaterialId", "ExpirationModel", "ValidTo"] {
        assert!(waiting.get(member).is_none(), "{member}");
    }
    let refused = server.refused("Encrypt", json!({"KeyId": arn, "Plaintext": "AAAA"})).await;
    assert_eq!(
        (refused.exception.as_str(), refused.message),
        ("KMSInvalidStateException", format!("{arn} is pending import."))
    );
    assert_eq!(delete(&server, &arn, None).await, json!({"KeyId": arn}));

    let answer = server.import(&arn, &FIRST, json!({"KeyMaterialDescription": "from the vault"})).await.unwrap();
    let enabled = server.describe(&arn).await;
    assert_eq!((&enabled["KeyState"], &enabled["Enabled"]), (&json!("Enabled"), &json!(true)));
    assert_eq!(answer, json!({"KeyId": arn, "KeyMaterialId": enabled["CurrentKeyMaterialId"]}));
    assert_eq!(enabled["ExpirationModel"], "KEY_MATERIAL_DOES_NOT_EXPIRE");
    assert!(enabled.get("ValidTo").is_none());
    let entry = json!({
        "KeyId": arn.rsplit('/').next().unwrap(), "KeyMaterialId": answer["KeyMaterialId"], "KeyMaterialDescription": "from the vault",
        "ImportState": "IMPORTED", "KeyMaterialState": "CURRENT", "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
    });
    assert_eq!(server.materials(&arn).await, [entry]);
    let ciphertext = server.encrypt(&arn, b"attack at dawn").await;
    assert_eq!(server.decrypt(&arn, &ciphertext).await.0, b"attack at dawn");

    let record = &server.records("ImportKeyMaterial")[0];
    assert_eq!(record["responseElements"], json!({"keyId": arn, "keyMaterialId": answer["KeyMaterialId"]}));
    let parameters = json!({
        "keyId": arn, "expirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE", "keyMaterialDescription": "from the vault",
    });
    assert_eq!(record["requestParameters"], parameters);
}

#[tokio::test]
async fn the_same_material_in_two_keys_makes_nothing_interchangeable() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let [one, other] = [imported_key(&server).await, imported_key(&server).await];
    let id = |described: Value| described["CurrentKeyMaterialId"].clone();
    assert_ne!(id(server.describe(&one).await), id(server.describe(&other).await));
    let ciphertext = server.encrypt(&one, b"mine").await;
    let refused = server.refused("Decrypt", json!({"KeyId": other, "CiphertextBlob": ciphertext})).await;
    assert_eq!(refused.exception, "IncorrectKeyException");
}

#[tokio::test]
async fn material_of_every_kind_in_every_wrapping() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let oaep: &[&str] = &["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"];
    let key_wrap: &[&str] = &["RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"];
    let cases: [(KeySpec, &str, &[&[&str]]); 6] = [
        (KeySpec::SymmetricDefault, "ENCRYPT_DECRYPT", &[oaep]),
        (KeySpec::Hmac384, "GENERATE_VERIFY_MAC", &[oaep]),
        (KeySpec::EccNistP256, "SIGN_VERIFY", &[oaep, key_wrap]),
        (KeySpec::EccNistEdwards25519, "SIGN_VERIFY", &[oaep, key_wrap]),
        (KeySpec::EccSecgP256k1, "SIGN_VERIFY", &[oaep, key_wrap]),
        (KeySpec::Rsa2048, "SIGN_VERIFY", &[key_wrap]),
    ];
    for (spec, usage, algorithms) in cases {
        let material = match spec {
            KeySpec::SymmetricDefault => FIRST.to_vec(),
            KeySpec::Hmac384 => vec![4; 48],
            _ => KeyPair::generate(spec).unwrap().to_pkcs8().unwrap().to_vec(),
        };
        for algorithm in algorithms.concat() {
            let arn = server.create_key(json!({"Origin": "EXTERNAL", "KeySpec": spec, "KeyUsage": usage})).await;
            let parameters = Parameters::get(&server, &arn, algorithm, "RSA_2048").await;
            let request = parameters.request(&arn, &parameters.wrap(&material), json!({}));
            let answer = server.call("ImportKeyMaterial", request.clone()).await.unwrap();
            assert_eq!(answer.get("KeyMaterialId").is_some(), spec == KeySpec::SymmetricDefault, "{spec}");
            assert_eq!(state(&server, &arn).await, "Enabled", "{spec} {algorithm}");
            // The token may be used again while it is valid.
            server.call("ImportKeyMaterial", request).await.unwrap();
        }
    }
}

#[tokio::test]
async fn wrapping_keys_of_every_size() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let mut seen = Vec::new();
    for (spec, bytes) in [("RSA_2048", 256), ("RSA_3072", 384), ("RSA_4096", 512)] {
        let arn = external_key(&server).await;
        let parameters = Parameters::get(&server, &arn, "RSAES_OAEP_SHA_256", spec).await;
        let wrapped = parameters.wrap(&FIRST);
        assert_eq!(wrapped.len(), bytes);
        assert_eq!(parameters.valid_to, json!((installation.now().millis() + DAY_MS) as f64 / 1000.0));
        server.call("ImportKeyMaterial", parameters.request(&arn, &wrapped, json!({}))).await.unwrap();
        assert!(!seen.contains(&parameters.public_key));
        seen.push(parameters.public_key);
    }
}

#[tokio::test]
async fn no_two_answers_have_the_same_wrapping_key() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let [one, other] = [external_key(&server).await, external_key(&server).await];
    let first = Parameters::get(&server, &one, "RSAES_OAEP_SHA_256", "RSA_2048").await;
    let second = Parameters::get(&server, &one, "RSAES_OAEP_SHA_256", "RSA_2048").await;
    let third = Parameters::get(&server, &other, "RSAES_OAEP_SHA_256", "RSA_2048").await;
    assert_ne!(first.public_key, second.public_key);
    // The token of one answer does not go with the public key of another, nor with another key.
    let refused = server.refused("ImportKeyMaterial", first.request(&one, &second.wrap(&FIRST), json!({}))).await;
    assert_eq!(refused.exception, "InvalidCiphertextException");
    for (arn, parameters) in [(&other, &first), (&one, &third)] {
        let request = parameters.request(arn, &parameters.wrap(&FIRST), json!({}));
        assert_eq!(server.refused("ImportKeyMaterial", request).await.exception, "InvalidImportTokenException");
    }
    server.call("ImportKeyMaterial", second.request(&one, &second.wrap(&FIRST), json!({}))).await.unwrap();
}

#[tokio::test]
async fn a_token_is_valid_for_a_day() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = external_key(&server).await;
    let parameters = Parameters::for_material(&server, &arn, &FIRST).await;
    let request = parameters.request(&arn, &parameters.wrap(&FIRST), json!({}));
    installation.advance(DAY_MS - 1);
    server.call("ImportKeyMaterial", request.clone()).await.unwrap();
    installation.advance(1);
    assert_eq!(server.refused("ImportKeyMaterial", request).await.exception, "ExpiredImportTokenException");
}

#[tokio::test]
async fn a_token_altered_in_any_byte_is_none() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = external_key(&server).await;
    let parameters = Parameters::for_material(&server, &arn, &FIRST).await;
    let wrapped = parameters.wrap(&FIRST);
    let token = STANDARD.decode(parameters.token.as_str().unwrap()).unwrap();
    assert!(token.len() < 6144);
    let mut forged: Vec<Vec<u8>> = (0..token.len())
        .map(|position| token.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == position)).collect())
        .collect();
    forged.extend([vec![0], token[..token.len() - 1].to_vec(), [&token[..], &[0]].concat(), vec![7; 6144]]);
    for forged in forged {
        let more = json!({"ImportToken": STANDARD.encode(forged)});
        let refused = server.refused("ImportKeyMaterial", parameters.request(&arn, &wrapped, more)).await;
        assert_eq!(refused.exception, "InvalidImportTokenException");
    }
    assert_eq!(state(&server, &arn).await, "PendingImport");
}

#[tokio::test]
async fn wrapped_material_altered_in_any_byte_does_not_unwrap() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let symmetric = external_key(&server).await;
    let pair =
        server.create_key(json!({"Origin": "EXTERNAL", "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"})).await;
    let pkcs8 = KeyPair::generate(KeySpec::EccNistP256).unwrap().to_pkcs8().unwrap();
    for (arn, algorithm, material) in
        [(&symmetric, "RSAES_OAEP_SHA_256", &FIRST[..]), (&pair, "RSA_AES_KEY_WRAP_SHA_256", &pkcs8)]
    {
        let parameters = Parameters::get(&server, arn, algorithm, "RSA_2048").await;
        let wrapped = parameters.wrap(material);
        let mut altered: Vec<Vec<u8>> = (0..wrapped.len())
            .map(|position| wrapped.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == position)).collect())
            .collect();
        altered.extend([vec![0], wrapped[1..].to_vec(), [&wrapped[..], &[0]].concat(), vec![1; 256], vec![1; 6144]]);
        for altered in altered {
            let refused = server.refused("ImportKeyMaterial", parameters.request(arn, &altered, json!({}))).await;
            assert_eq!((refused.exception.as_str(), refused.message.as_str()), ("InvalidCiphertextException", ""));
        }
        // Wrapped well, but not as the token says.
        for other in ["RSAES_OAEP_SHA_1", "RSA_AES_KEY_WRAP_SHA_1"] {
            let other = parameters.wrapping_as(other);
            let refused =
                server.refused("ImportKeyMaterial", parameters.request(arn, &other.wrap(&FIRST), json!({}))).await;
            assert_eq!(refused.exception, "InvalidCiphertextException");
        }
        assert_eq!(state(&server, arn).await, "PendingImport");
    }
}

#[tokio::test]
async fn material_that_no_such_key_has() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let pkcs8 = |spec| KeyPair::generate(spec).unwrap().to_pkcs8().unwrap().to_vec();
    let p256 = pkcs8(KeySpec::EccNistP256);
    let cases: [(&str, &str, Vec<Vec<u8>>); 5] = [
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", [0, 1, 16, 31, 33, 64].map(|length| vec![1; length]).to_vec()),
        ("HMAC_224", "GENERATE_VERIFY_MAC", [0, 27, 65].map(|length| vec![1; length]).to_vec()),
        ("HMAC_512", "GENERATE_VERIFY_MAC", [63, 129].map(|length| vec![1; length]).to_vec()),
        (
            "ECC_NIST_P256",
            "SIGN_VERIFY",
            vec![
                vec![1; 32],
                p256[..p256.len() - 1].to_vec(),
                [&p256[..], &[0]].concat(),
                pkcs8(KeySpec::EccSecgP256k1),
                pkcs8(KeySpec::EccNistP384),
                pkcs8(KeySpec::EccNistEdwards25519),
            ],
        ),
        ("RSA_3072", "ENCRYPT_DECRYPT", vec![vec![1; 32], pkcs8(KeySpec::Rsa2048), p256.clone()]),
    ];
    for (spec, usage, materials) in cases {
        let arn = server.create_key(json!({"Origin": "EXTERNAL", "KeySpec": spec, "KeyUsage": usage})).await;
        let algorithm = if spec == "RSA_3072" { "RSA_AES_KEY_WRAP_SHA_256" } else { "RSAES_OAEP_SHA_256" };
        let parameters = Parameters::get(&server, &arn, algorithm, "RSA_3072").await;
        for material in materials {
            let request = parameters.request(&arn, &parameters.wrap(&material), json!({}));
            let refused = server.refused("ImportKeyMaterial", request).await;
            assert_eq!(refused.exception, "IncorrectKeyMaterialException", "{spec}, {} bytes", material.len());
        }
        assert_eq!(state(&server, &arn).await, "PendingImport");
        assert!(server.call("ListKeyRotations", json!({"KeyId": arn})).await.is_ok() == (spec == "SYMMETRIC_DEFAULT"));
    }
}

#[tokio::test]
async fn hmac_keys_of_every_length_that_is_allowed() {
    let installation = Installation::new().await;
    let server = installation.serve();
    for (spec, lengths) in
        [("HMAC_224", 28..=64), ("HMAC_256", 32..=64), ("HMAC_384", 48..=128), ("HMAC_512", 64..=128)]
    {
        for length in [*lengths.start(), *lengths.end()] {
            let usage = "GENERATE_VERIFY_MAC";
            let arn = server.create_key(json!({"Origin": "EXTERNAL", "KeySpec": spec, "KeyUsage": usage})).await;
            server.import(&arn, &vec![6; length], json!({})).await.unwrap();
            assert_eq!(state(&server, &arn).await, "Enabled");
        }
    }
}

#[tokio::test]
async fn when_material_may_expire() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = external_key(&server).await;
    let parameters = Parameters::for_material(&server, &arn, &FIRST).await;
    let wrapped = parameters.wrap(&FIRST);
    let at = |millis: i64| json!((installation.now().millis() + millis) as f64 / 1000.0);
    let expires = "KEY_MATERIAL_EXPIRES";
    let call = |model: Option<&str>, valid_to: Option<Value>| {
        let mut request = parameters.request(&arn, &wrapped, json!({}));
        let members = request.as_object_mut().unwrap();
        members.remove("ExpirationModel");
        members.extend(model.map(|model| ("ExpirationModel".to_owned(), json!(model))));
        members.extend(valid_to.map(|valid_to| ("ValidTo".to_owned(), valid_to)));
        server.call("ImportKeyMaterial", request)
    };
    let (missing, past) =
        ("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES", "ValidTo must be in the future");
    let too_late = "ValidTo must be at most 365 days from now.";
    let not_wanted = "ValidTo must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE.";
    for (model, valid_to, message) in [
        (None, None, missing),
        (Some(expires), None, missing),
        (Some(expires), Some(at(0)), past),
        (Some(expires), Some(at(-1)), past),
        (None, Some(at(365 * DAY_MS + 1)), too_late),
        (Some("KEY_MATERIAL_DOES_NOT_EXPIRE"), Some(at(DAY_MS)), not_wanted),
    ] {
        let refused = call(model, valid_to.clone()).await.unwrap_err();
        assert_eq!(
            (refused.exception.as_str(), refused.message.as_str()),
            ("ValidationException", message),
            "{model:?} {valid_to:?}"
        );
    }
    for (model, valid_to) in [(None, at(365 * DAY_MS)), (Some(expires), at(1))] {
        call(model, Some(valid_to.clone())).await.unwrap();
        let described = server.describe(&arn).await;
        assert_eq!((&described["ExpirationModel"], &described["ValidTo"]), (&json!(expires), &valid_to));
    }
    // To import again changes, or takes away, the expiry.
    call(Some("KEY_MATERIAL_DOES_NOT_EXPIRE"), None).await.unwrap();
    let described = server.describe(&arn).await;
    assert_eq!(described["ExpirationModel"], "KEY_MATERIAL_DOES_NOT_EXPIRE");
    assert!(described.get("ValidTo").is_none());
    let records = server.records("ImportKeyMaterial");
    assert_eq!(records.last().unwrap()["requestParameters"]["expirationModel"], "KEY_MATERIAL_DOES_NOT_EXPIRE");
    let dated = records.iter().find(|record| record["errorCode"].is_null()).unwrap();
    let date = dated["requestParameters"]["validTo"].as_str().unwrap();
    assert!(date.ends_with('M') && date.contains(", 20"), "{date}");
}

#[tokio::test]
async fn new_and_existing_material() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = external_key(&server).await;
    let existing = json!({"ImportType": "EXISTING_KEY_MATERIAL"});
    let exception = |refused: crate::support::Refused| refused.exception;
    let incorrect = "IncorrectKeyMaterialException";

    // Nothing was ever imported.
    assert_eq!(exception(server.import_refused(&arn, &FIRST, existing.clone()).await), incorrect);
    let first = server.import(&arn, &FIRST, new()).await.unwrap()["KeyMaterialId"].clone();
    // The first one is there: by default it is imported again.
    assert_eq!(server.import(&arn, &FIRST, json!({})).await.unwrap()["KeyMaterialId"], first);
    server.import(&arn, &FIRST, existing.clone()).await.unwrap();
    assert_eq!(exception(server.import_refused(&arn, &SECOND, json!({})).await), incorrect);
    assert_eq!(exception(server.import_refused(&arn, &SECOND, existing.clone()).await), incorrect);
    assert_eq!(exception(server.import_refused(&arn, &FIRST, new()).await), incorrect);
    // The ID is checked, too.
    let named = |id: &Value| json!({"KeyMaterialId": id});
    server.import(&arn, &FIRST, named(&first)).await.unwrap();
    let other = json!("0".repeat(64));
    assert_eq!(exception(server.import_refused(&arn, &FIRST, named(&other)).await), incorrect);
    let both = json!({"KeyMaterialId": first, "ImportType": "NEW_KEY_MATERIAL"});
    assert_eq!(exception(server.import_refused(&arn, &SECOND, both).await), "ValidationException");

    // A second one waits for its rotation; a third one does not come in meanwhile.
    let second = server.import(&arn, &SECOND, new()).await.unwrap()["KeyMaterialId"].clone();
    assert_eq!(states(&server, &arn).await, pairs(&[("IMPORTED", "CURRENT"), ("IMPORTED", "PENDING_ROTATION")]));
    assert_eq!(server.describe(&arn).await["CurrentKeyMaterialId"], first);
    let refused = server.import_refused(&arn, &THIRD, new()).await;
    assert_eq!(refused.exception, "KMSInvalidStateException");
    let begins = "New key material (id: ";
    let ends = format!(
        ") cannot be imported into KMS key {arn}, because another key material (id: {}) is pending rotation.",
        second.as_str().unwrap()
    );
    assert!(refused.message.starts_with(begins) && refused.message.ends_with(&ends), "{}", refused.message);
    assert_eq!(exception(server.import_refused(&arn, &SECOND, new()).await), incorrect);
    server.import(&arn, &SECOND, existing).await.unwrap();
    assert_eq!(server.materials(&arn).await.len(), 2);
}

#[tokio::test]
async fn a_description_stays_until_another_one_is_given() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = external_key(&server).await;
    let description = |text: &str| json!({"KeyMaterialDescription": text});
    server.import(&arn, &FIRST, description("one")).await.unwrap();
    server.import(&arn, &FIRST, json!({})).await.unwrap();
    assert_eq!(server.materials(&arn).await[0]["KeyMaterialDescription"], "one");
    delete(&server, &arn, None).await;
    server.import(&arn, &FIRST, json!({})).await.unwrap();
    assert_eq!(server.materials(&arn).await[0]["KeyMaterialDescription"], "one");
    server.import(&arn, &FIRST, description("two")).await.unwrap();
    assert_eq!(server.materials(&arn).await[0]["KeyMaterialDescription"], "two");
}

#[tokio::test]
async fn imported_material_rotates_on_demand() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = imported_key(&server).await;
    let old = server.encrypt(&arn, b"old").await;
    let refused = server.refused("RotateKeyOnDemand", json!({"KeyId": arn})).await;
    assert_eq!(refused.exception, "KMSInvalidStateException");
    assert_eq!(refused.message, format!("No available key material pending rotation for the key: {arn}."));

    let second = server.import(&arn, &SECOND, new()).await.unwrap()["KeyMaterialId"].clone();
    rotate(&installation, &server, &arn).await;
    assert_eq!(states(&server, &arn).await, pairs(&[("IMPORTED", "NON_CURRENT"), ("IMPORTED", "CURRENT")]));
    assert_eq!(server.describe(&arn).await["CurrentKeyMaterialId"], second);
    let new_ciphertext = server.encrypt(&arn, b"new").await;
    assert_eq!(server.decrypt(&arn, &new_ciphertext).await, (b"new".to_vec(), second.as_str().unwrap().to_owned()));
    assert_eq!(server.decrypt(&arn, &old).await.0, b"old");
    let details = &server.records("RotateKey")[0]["serviceEventDetails"];
    assert_eq!((&details["keyOrigin"], &details["rotationType"]), (&json!("EXTERNAL"), &json!("ON_DEMAND")));
    assert_eq!(details["currentKeyMaterialId"], second);

    // A third one; and then one that is deleted before its rotation, which therefore does not happen.
    server.import(&arn, &THIRD, new()).await.unwrap();
    rotate(&installation, &server, &arn).await;
    let fourth = server.import(&arn, &[4; 32], new()).await.unwrap()["KeyMaterialId"].clone();
    server.call("RotateKeyOnDemand", json!({"KeyId": arn})).await.unwrap();
    delete(&server, &arn, Some(&fourth)).await;
    installation.advance(KEY_TRANSITION_MS);
    rotate_due_keys(&server.kms).await.unwrap();
    let expected = [("IMPORTED", "NON_CURRENT"), ("IMPORTED", "NON_CURRENT"), ("IMPORTED", "CURRENT")];
    assert_eq!(states(&server, &arn).await, pairs(&expected));
    let rotation = installation.stored(&arn).await.rotation;
    assert_eq!((rotation.on_demand_start, rotation.on_demand_count), (None, 2));
    assert_eq!(server.records("RotateKey").len(), 2);
}

#[tokio::test]
async fn any_material_that_is_missing_stops_the_whole_key() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = imported_key(&server).await;
    server.import(&arn, &SECOND, new()).await.unwrap();
    rotate(&installation, &server, &arn).await;
    let materials = server.materials(&arn).await;
    let [first, second] = [0, 1].map(|index: usize| materials[index]["KeyMaterialId"].clone());
    let ciphertext = server.encrypt(&arn, b"attack at dawn").await;

    // The one that is not current.
    let answer = delete(&server, &arn, Some(&first)).await;
    assert_eq!(answer, json!({"KeyId": arn, "KeyMaterialId": first}));
    assert_eq!(states(&server, &arn).await, pairs(&[("PENDING_IMPORT", "NON_CURRENT"), ("IMPORTED", "CURRENT")]));
    assert_eq!(state(&server, &arn).await, "PendingImport");
    for (operation, member) in
        [("Encrypt", json!({"KeyId": arn, "Plaintext": "AAAA"})), ("Decrypt", json!({"CiphertextBlob": ciphertext}))]
    {
        assert_eq!(server.refused(operation, member).await.message, format!("{arn} is pending import."));
    }
    // To delete it again changes nothing. Then the current one goes as well, as no ID is given.
    assert_eq!(delete(&server, &arn, Some(&first)).await["KeyMaterialId"], first);
    assert_eq!(delete(&server, &arn, None).await["KeyMaterialId"], second);
    server.import(&arn, &FIRST, json!({})).await.unwrap();
    assert_eq!(state(&server, &arn).await, "PendingImport");
    server.import(&arn, &SECOND, json!({})).await.unwrap();
    assert_eq!(state(&server, &arn).await, "Enabled");
    assert_eq!(server.decrypt(&arn, &ciphertext).await.0, b"attack at dawn");

    let unknown = json!({"KeyId": arn, "KeyMaterialId": "0".repeat(64)});
    assert_eq!(server.refused("DeleteImportedKeyMaterial", unknown).await.exception, "NotFoundException");
}

#[tokio::test]
async fn deleted_material_is_gone_from_the_store() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = imported_key(&server).await;
    server.encrypt(&arn, b"so that it is cached").await;
    assert!(installation.stored(&arn).await.materials[0].sealed.is_some());
    delete(&server, &arn, None).await;
    assert!(installation.stored(&arn).await.materials[0].sealed.is_none());
    let described = server.describe(&arn).await;
    for member in ["ExpirationModel", "ValidTo"] {
        assert!(described.get(member).is_none(), "{member}");
    }
    let record = &server.records("DeleteImportedKeyMaterial")[0];
    assert_eq!(record["responseElements"]["keyId"], arn);
}

#[tokio::test]
async fn waiting_material_that_is_deleted_is_forgotten() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = imported_key(&server).await;
    let second = server.import(&arn, &SECOND, new()).await.unwrap()["KeyMaterialId"].clone();
    delete(&server, &arn, Some(&second)).await;
    assert_eq!(states(&server, &arn).await, pairs(&[("IMPORTED", "CURRENT")]));
    assert_eq!(state(&server, &arn).await, "Enabled");
    let existing = json!({"ImportType": "EXISTING_KEY_MATERIAL"});
    assert_eq!(server.import_refused(&arn, &SECOND, existing).await.exception, "IncorrectKeyMaterialException");
    server.import(&arn, &THIRD, new()).await.unwrap();
}

#[tokio::test]
async fn a_key_pending_deletion_loses_material_and_takes_none() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = imported_key(&server).await;
    let parameters = Parameters::for_material(&server, &arn, &FIRST).await;
    server.call("ScheduleKeyDeletion", json!({"KeyId": arn})).await.unwrap();
    delete(&server, &arn, None).await;
    assert_eq!(state(&server, &arn).await, "PendingDeletion");
    let request = parameters.request(&arn, &parameters.wrap(&FIRST), json!({}));
    assert_eq!(server.refused("ImportKeyMaterial", request).await.message, format!("{arn} is pending deletion."));
    let input = json!({"KeyId": arn, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"});
    assert_eq!(server.refused("GetParametersForImport", input).await.exception, "KMSInvalidStateException");
    server.call("CancelKeyDeletion", json!({"KeyId": arn})).await.unwrap();
    assert_eq!(state(&server, &arn).await, "PendingImport");
}

#[tokio::test]
async fn material_that_expires_is_useless_at_once_and_then_deleted() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = imported_key(&server).await;
    server.import(&arn, &SECOND, new()).await.unwrap();
    rotate(&installation, &server, &arn).await;
    let until = |days: i64| {
        let valid_to = (installation.now().millis() + days * DAY_MS) as f64 / 1000.0;
        json!({"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": valid_to})
    };
    server.import(&arn, &FIRST, until(10)).await.unwrap();
    server.import(&arn, &SECOND, until(20)).await.unwrap();
    assert_eq!(server.describe(&arn).await["ValidTo"], until(10)["ValidTo"], "the first to expire");
    server.encrypt(&arn, b"so that it is cached").await;
    delete_expired_materials(&server.kms).await.unwrap();
    assert_eq!(state(&server, &arn).await, "Enabled");

    installation.advance(10 * DAY_MS);
    assert_eq!(state(&server, &arn).await, "PendingImport");
    assert_eq!(states(&server, &arn).await, pairs(&[("PENDING_IMPORT", "NON_CURRENT"), ("IMPORTED", "CURRENT")]));
    assert_eq!(
        server.refused("Encrypt", json!({"KeyId": arn, "Plaintext": "AAAA"})).await.message,
        format!("{arn} is pending import.")
    );
    assert!(installation.stored(&arn).await.materials[0].sealed.is_some());
    delete_expired_materials(&server.kms).await.unwrap();
    delete_expired_materials(&server.kms).await.unwrap();
    let stored = installation.stored(&arn).await;
    assert!(stored.materials[0].sealed.is_none() && stored.materials[1].sealed.is_some());
    let records = server.records("DeleteExpiredKeyMaterial");
    assert_eq!(records.len(), 1);
    let details = json!({"keyId": stored.id.as_str(), "keyMaterialId": stored.materials[0].id.to_string()});
    assert_eq!(records[0]["serviceEventDetails"], details);
    assert_eq!(records[0]["resources"][0]["ARN"], arn);

    server.import(&arn, &FIRST, json!({})).await.unwrap();
    assert_eq!(state(&server, &arn).await, "Enabled");
}

#[tokio::test]
async fn waiting_material_that_expires_makes_room() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = imported_key(&server).await;
    let until = (installation.now().millis() + DAY_MS) as f64 / 1000.0;
    let more = json!({"ImportType": "NEW_KEY_MATERIAL", "ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": until});
    server.import(&arn, &SECOND, more).await.unwrap();
    installation.advance(DAY_MS);
    assert_eq!(state(&server, &arn).await, "Enabled");
    let refused = server.refused("RotateKeyOnDemand", json!({"KeyId": arn})).await;
    assert_eq!(refused.message, format!("No available key material pending rotation for the key: {arn}."));
    server.import(&arn, &THIRD, new()).await.unwrap();
    assert_eq!(states(&server, &arn).await, pairs(&[("IMPORTED", "CURRENT"), ("IMPORTED", "PENDING_ROTATION")]));
}

#[tokio::test]
async fn asymmetric_and_hmac_keys_take_their_first_material_alone() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let pkcs8 = || KeyPair::generate(KeySpec::EccNistP384).unwrap().to_pkcs8().unwrap().to_vec();
    let cases: [(&str, &str, Vec<u8>, Vec<u8>); 2] = [
        ("HMAC_256", "GENERATE_VERIFY_MAC", vec![1; 40], vec![2; 40]),
        ("ECC_NIST_P384", "SIGN_VERIFY", pkcs8(), pkcs8()),
    ];
    for (spec, usage, first, second) in cases {
        let arn = server.create_key(json!({"Origin": "EXTERNAL", "KeySpec": spec, "KeyUsage": usage})).await;
        for more in [
            new(),
            json!({"ImportType": "EXISTING_KEY_MATERIAL"}),
            json!({"KeyMaterialDescription": "one"}),
            json!({"KeyMaterialId": "0".repeat(64)}),
        ] {
            let refused = server.import_refused(&arn, &first, more).await;
            assert_eq!(refused.exception, "ValidationException", "{}", refused.message);
        }
        assert_eq!(server.import(&arn, &first, json!({})).await.unwrap(), json!({"KeyId": arn}));
        assert!(server.describe(&arn).await.get("CurrentKeyMaterialId").is_none());
        let refused = server.import_refused(&arn, &second, json!({})).await;
        assert_eq!(refused.exception, "IncorrectKeyMaterialException");
        assert_eq!(delete(&server, &arn, None).await, json!({"KeyId": arn}));
        assert_eq!(state(&server, &arn).await, "PendingImport");
        let refused = server.import_refused(&arn, &second, json!({})).await;
        assert_eq!(refused.exception, "IncorrectKeyMaterialException");
        server.import(&arn, &first, json!({})).await.unwrap();
        assert_eq!(state(&server, &arn).await, "Enabled");
    }
}

#[tokio::test]
async fn keys_with_material_of_their_own_take_none() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = server.create_key(json!({})).await;
    let parameters = json!({"KeyId": arn, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"});
    let import = json!({"KeyId": arn, "ImportToken": "AAAA", "EncryptedKeyMaterial": "AAAA"});
    for (operation, input) in [
        ("GetParametersForImport", parameters),
        ("ImportKeyMaterial", import),
        ("DeleteImportedKeyMaterial", json!({"KeyId": arn})),
    ] {
        let refused = server.refused(operation, input).await;
        assert_eq!(refused.exception, "UnsupportedOperationException");
        assert_eq!(refused.message, format!("{arn} origin is AWS_KMS which is not valid for this operation."));
    }
}

#[tokio::test]
async fn wrappings_that_do_not_go_with_the_key() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = external_key(&server).await;
    for (algorithm, spec) in [
        ("RSAES_PKCS1_V1_5", "RSA_2048"),
        ("SM2PKE", "SM2"),
        ("SM2PKE", "RSA_2048"),
        ("RSAES_OAEP_SHA_256", "SM2"),
        ("RSA_AES_KEY_WRAP_SHA_256", "RSA_4096"),
    ] {
        let input = json!({"KeyId": arn, "WrappingAlgorithm": algorithm, "WrappingKeySpec": spec});
        let refused = server.refused("GetParametersForImport", input).await;
        assert_eq!(refused.exception, "UnsupportedOperationException", "{algorithm} {spec}");
    }
}

/// A primary key with its two replicas, all with their material.
async fn multi_region_keys(installation: &Installation, server: &Server) -> [String; 3] {
    let primary = server.create_key(json!({"Origin": "EXTERNAL", "MultiRegion": true})).await;
    server.import(&primary, &FIRST, json!({})).await.unwrap();
    let replicas = [server.replicate(&primary, OHIO).await, server.replicate(&primary, IRELAND).await];
    installation.advance(KEY_TRANSITION_MS);
    for replica in &replicas {
        assert_eq!(state(server, replica).await, "PendingImport");
        server.import(replica, &FIRST, json!({"ImportType": "EXISTING_KEY_MATERIAL"})).await.unwrap();
        assert_eq!(state(server, replica).await, "Enabled");
    }
    let [ohio, ireland] = replicas;
    [primary, ohio, ireland]
}

#[tokio::test]
async fn new_material_goes_to_the_primary_key_then_to_each_replica() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let [primary, ohio, ireland] = multi_region_keys(&installation, &server).await;
    let existing = json!({"ImportType": "EXISTING_KEY_MATERIAL"});
    assert_eq!(server.import_refused(&ohio, &SECOND, new()).await.exception, "UnsupportedOperationException");
    assert_eq!(
        server.import_refused(&ohio, &SECOND, existing.clone()).await.exception,
        "IncorrectKeyMaterialException"
    );

    server.import(&primary, &SECOND, new()).await.unwrap();
    let incomplete = pairs(&[("IMPORTED", "CURRENT"), ("IMPORTED", "PENDING_MULTI_REGION_IMPORT_AND_ROTATION")]);
    assert_eq!(states(&server, &primary).await, incomplete);
    assert_eq!(states(&server, &ohio).await, pairs(&[("IMPORTED", "CURRENT")]));
    let refused = server.refused("RotateKeyOnDemand", json!({"KeyId": primary})).await;
    assert_eq!(refused.message, format!("No available key material pending rotation for the key: {primary}."));
    // What is wrapped for the key of one Region is not for that of another one.
    let parameters = Parameters::for_material(&server, &ireland, &SECOND).await;
    let request = parameters.request(&ohio, &parameters.wrap(&SECOND), existing.clone());
    assert_eq!(server.refused("ImportKeyMaterial", request).await.exception, "InvalidImportTokenException");

    server.import(&ohio, &SECOND, existing).await.unwrap();
    assert_eq!(states(&server, &primary).await, incomplete);
    assert_eq!(states(&server, &ohio).await, incomplete);
    server.import(&ireland, &SECOND, json!({})).await.unwrap();
    let complete = pairs(&[("IMPORTED", "CURRENT"), ("IMPORTED", "PENDING_ROTATION")]);
    for arn in [&primary, &ohio, &ireland] {
        assert_eq!(states(&server, arn).await, complete);
    }
    assert_eq!(
        server.refused("RotateKeyOnDemand", json!({"KeyId": ohio})).await.exception,
        "UnsupportedOperationException"
    );
    let old = server.encrypt(&ohio, b"old").await;
    rotate(&installation, &server, &primary).await;
    for arn in [&primary, &ohio, &ireland] {
        assert_eq!(states(&server, arn).await, pairs(&[("IMPORTED", "NON_CURRENT"), ("IMPORTED", "CURRENT")]));
        assert_eq!(server.decrypt(arn, &old).await.0, b"old");
        let ciphertext = server.encrypt(arn, b"new").await;
        assert_eq!(server.decrypt(&primary, &ciphertext).await.0, b"new");
    }
    assert!(server.records("SynchronizeMultiRegionKey").is_empty());
}

#[tokio::test]
async fn a_replica_that_comes_or_goes_changes_what_is_missing() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let primary = server.create_key(json!({"Origin": "EXTERNAL", "MultiRegion": true})).await;
    server.import(&primary, &FIRST, json!({})).await.unwrap();
    server.import(&primary, &SECOND, new()).await.unwrap();
    assert_eq!(states(&server, &primary).await[1].1, "PENDING_ROTATION");
    let replica = server.replicate(&primary, OHIO).await;
    installation.advance(KEY_TRANSITION_MS);
    assert_eq!(states(&server, &primary).await[1].1, "PENDING_MULTI_REGION_IMPORT_AND_ROTATION");
    assert_eq!(states(&server, &replica).await, pairs(&[("PENDING_IMPORT", "CURRENT")]));
    server.call("ScheduleKeyDeletion", json!({"KeyId": replica, "PendingWindowInDays": 7})).await.unwrap();
    installation.advance(7 * DAY_MS);
    keystead_core::key::delete_due_keys(&server.kms).await.unwrap();
    assert_eq!(states(&server, &primary).await[1].1, "PENDING_ROTATION");
    rotate(&installation, &server, &primary).await;
    assert_eq!(states(&server, &primary).await, pairs(&[("IMPORTED", "NON_CURRENT"), ("IMPORTED", "CURRENT")]));
}

#[tokio::test]
async fn waiting_material_outlives_a_change_of_the_primary_region() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let [old_primary, ohio, ireland] = multi_region_keys(&installation, &server).await;
    let second = server.import(&old_primary, &SECOND, new()).await.unwrap()["KeyMaterialId"].clone();
    server.call("UpdatePrimaryRegion", json!({"KeyId": old_primary, "PrimaryRegion": OHIO})).await.unwrap();
    installation.advance(KEY_TRANSITION_MS);
    // The new primary key takes that one, and no other beside it.
    assert_eq!(server.import_refused(&ohio, &THIRD, new()).await.exception, "KMSInvalidStateException");
    for arn in [&ohio, &ireland] {
        assert_eq!(
            server.refused("RotateKeyOnDemand", json!({"KeyId": ohio})).await.exception,
            "KMSInvalidStateException"
        );
        server.import(arn, &SECOND, json!({"ImportType": "EXISTING_KEY_MATERIAL"})).await.unwrap();
    }
    rotate(&installation, &server, &ohio).await;
    for arn in [&old_primary, &ohio, &ireland] {
        assert_eq!(server.describe(arn).await["CurrentKeyMaterialId"], second);
    }
    // Deleted from the primary key, waiting material goes from the replicas even if the primary key does not have it.
    let third = server.import(&ohio, &THIRD, new()).await.unwrap()["KeyMaterialId"].clone();
    server.call("UpdatePrimaryRegion", json!({"KeyId": ohio, "PrimaryRegion": IRELAND})).await.unwrap();
    installation.advance(KEY_TRANSITION_MS);
    delete(&server, &ireland, Some(&third)).await;
    assert_eq!(server.materials(&ohio).await.len(), 2);
}

#[tokio::test]
async fn deletion_and_expiry_are_each_regions_own_but_for_waiting_material() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let [primary, ohio, ireland] = multi_region_keys(&installation, &server).await;
    delete(&server, &primary, None).await;
    assert_eq!(state(&server, &primary).await, "PendingImport");
    assert_eq!(state(&server, &ohio).await, "Enabled");
    server.import(&primary, &FIRST, json!({})).await.unwrap();

    let until = (installation.now().millis() + DAY_MS) as f64 / 1000.0;
    server.import(&ohio, &FIRST, json!({"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": until})).await.unwrap();
    installation.advance(DAY_MS);
    delete_expired_materials(&server.kms).await.unwrap();
    let states_now = [state(&server, &primary).await, state(&server, &ohio).await, state(&server, &ireland).await];
    assert_eq!(states_now, ["Enabled", "PendingImport", "Enabled"]);
    assert_eq!(server.records("DeleteExpiredKeyMaterial")[0]["awsRegion"], OHIO);
    server.import(&ohio, &FIRST, json!({})).await.unwrap();

    // On a replica, waiting material is deleted there alone; on the primary key, everywhere.
    let second = server.import(&primary, &SECOND, new()).await.unwrap()["KeyMaterialId"].clone();
    for replica in [&ohio, &ireland] {
        server.import(replica, &SECOND, json!({})).await.unwrap();
    }
    delete(&server, &ohio, Some(&second)).await;
    assert_eq!(states(&server, &ohio).await.len(), 1);
    for arn in [&primary, &ireland] {
        assert_eq!(states(&server, arn).await[1].1, "PENDING_MULTI_REGION_IMPORT_AND_ROTATION");
    }
    let input = json!({"KeyId": ohio, "KeyMaterialId": second});
    assert_eq!(server.refused("DeleteImportedKeyMaterial", input).await.exception, "NotFoundException");
    delete(&server, &primary, Some(&second)).await;
    for arn in [&primary, &ohio, &ireland] {
        assert_eq!(states(&server, arn).await, pairs(&[("IMPORTED", "CURRENT")]));
        assert_eq!(state(&server, arn).await, "Enabled");
    }
}

#[tokio::test]
async fn asymmetric_multi_region_keys_take_the_primary_keys_material() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let input =
        json!({"Origin": "EXTERNAL", "MultiRegion": true, "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"});
    let primary = server.create_key(input).await;
    let pkcs8 = || KeyPair::generate(KeySpec::EccNistP256).unwrap().to_pkcs8().unwrap().to_vec();
    let material = pkcs8();
    server.import(&primary, &material, json!({})).await.unwrap();
    let replica = server.replicate(&primary, OHIO).await;
    installation.advance(KEY_TRANSITION_MS);
    assert_eq!(state(&server, &replica).await, "PendingImport");
    assert_eq!(server.import_refused(&replica, &pkcs8(), json!({})).await.exception, "IncorrectKeyMaterialException");
    server.import(&replica, &material, json!({})).await.unwrap();
    assert_eq!(state(&server, &replica).await, "Enabled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_first_imports_at_once_one_succeeds() {
    let installation = Installation::new().await;
    let servers: Vec<_> = (0..4).map(|_| installation.serve()).collect();
    let arn = external_key(&servers[0]).await;
    let mut requests = Vec::new();
    for (number, server) in (1..).zip(&servers) {
        let material = [number; 32];
        let parameters = Parameters::for_material(server, &arn, &material).await;
        requests.push(parameters.request(&arn, &parameters.wrap(&material), json!({})));
    }
    let imports: Vec<_> = servers
        .into_iter()
        .zip(requests)
        .map(|(server, request)| tokio::spawn(async move { server.call("ImportKeyMaterial", request).await }))
        .collect();
    let mut imported = 0;
    for import in imports {
        match import.await.unwrap() {
            Ok(_) => imported += 1,
            Err(refused) => assert_eq!(refused.exception, "IncorrectKeyMaterialException"),
        }
    }
    assert_eq!(imported, 1);
    assert_eq!(installation.stored(&arn).await.materials.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_servers_one_deletes_what_has_expired() {
    let installation = Installation::new().await;
    let servers: Vec<_> = (0..4).map(|_| installation.serve()).collect();
    let arn = external_key(&servers[0]).await;
    let until = (installation.now().millis() + DAY_MS) as f64 / 1000.0;
    let more = json!({"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": until});
    servers[0].import(&arn, &FIRST, more).await.unwrap();
    installation.advance(DAY_MS);
    let sweeps: Vec<_> = servers
        .iter()
        .map(|server| {
            let kms = server.kms.clone();
            tokio::spawn(async move { delete_expired_materials(&kms).await })
        })
        .collect();
    for sweep in sweeps {
        sweep.await.unwrap().unwrap();
    }
    let records: usize = servers.iter().map(|server| server.records("DeleteExpiredKeyMaterial").len()).sum();
    assert_eq!(records, 1);
}
