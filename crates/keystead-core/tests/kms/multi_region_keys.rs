//! Multi-Region keys: replicas, the change of the primary Region, what is shared and what is not, and deletion.
//!
//! Source: KMS core digest 2.6, 2.8, 5.6, 5.7, 7.2; KMS Developer Guide, "Multi-Region keys".

use crate::support::{IRELAND, Installation, KEY_TRANSITION_MS, OHIO, Server, TOKYO, VIRGINIA};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keystead_core::key::{delete_due_keys, rotate_due_keys};
use keystead_core::quota::RequestQuotaSettings;
use serde_json::{Value, json};

const UNSERVED: &str = "eu-south-2";
const UNSUPPORTED: &str = "UnsupportedOperationException";
const INVALID_STATE: &str = "KMSInvalidStateException";
const VALIDATION: &str = "ValidationException";
const NOT_FOUND: &str = "NotFoundException";

/// A primary key in the home Region with replicas that are ready.
struct Set {
    installation: Installation,
    server: Server,
    primary: String,
    replicas: Vec<String>,
}

impl Set {
    async fn new(key: Value, replica_regions: &[&str]) -> Self {
        let installation = Installation::new().await;
        let server = installation.serve();
        let primary = server.create_key(with(key, json!({"MultiRegion": true}))).await;
        let mut replicas = Vec::new();
        for region in replica_regions {
            replicas.push(server.replicate(&primary, region).await);
        }
        installation.advance(KEY_TRANSITION_MS);
        Self { installation, server, primary, replicas }
    }

    fn all(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.primary).chain(&self.replicas)
    }

    async fn replicate(&self, more: Value) -> crate::support::Answer {
        self.server.call("ReplicateKey", with(json!({"KeyId": self.primary}), more)).await
    }

    async fn update_primary_region(&self, primary: &str, to: &str) {
        let input = json!({"KeyId": primary, "PrimaryRegion": to});
        self.server.call("UpdatePrimaryRegion", input).await.unwrap();
    }

    async fn schedule_deletion(&self, arn: &str, days: u32) -> Value {
        let input = json!({"KeyId": arn, "PendingWindowInDays": days});
        self.server.call("ScheduleKeyDeletion", input).await.unwrap()
    }

    async fn state(&self, arn: &str) -> String {
        self.server.describe(arn).await["KeyState"].as_str().unwrap().to_owned()
    }

    /// What the key tells of its set: its type, the primary Region, the Regions of the replicas.
    async fn place(&self, arn: &str) -> (String, String, Vec<String>) {
        let metadata = self.server.describe(arn).await;
        let configuration = &metadata["MultiRegionConfiguration"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let replicas = configuration["ReplicaKeys"].as_array().unwrap();
        for key in replicas.iter().chain([&configuration["PrimaryKey"]]) {
            assert_eq!(key["Arn"], in_region(arn, key["Region"].as_str().unwrap()));
        }
        (
            text(&configuration["MultiRegionKeyType"]),
            text(&configuration["PrimaryKey"]["Region"]),
            replicas.iter().map(|key| text(&key["Region"])).collect(),
        )
    }
}

fn with(mut value: Value, more: Value) -> Value {
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    value
}

/// The ARN of the related key in a Region.
fn in_region(arn: &str, region: &str) -> String {
    let mut parts: Vec<&str> = arn.split(':').collect();
    parts[3] = region;
    parts.join(":")
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn a_replica_is_creating_for_a_while() {
    let set = Set::new(json!({"Description": "of the primary", "Tags": [{"TagKey": "a", "TagValue": "1"}]}), &[]).await;
    let answer = set.replicate(json!({"ReplicaRegion": IRELAND})).await.unwrap();
    let metadata = &answer["ReplicaKeyMetadata"];
    let arn = in_region(&set.primary, IRELAND);
    let primary = set.server.describe(&set.primary).await;
    assert_eq!((&metadata["Arn"], &metadata["KeyId"]), (&json!(arn), &primary["KeyId"]));
    assert_eq!((&metadata["KeyState"], &metadata["Enabled"]), (&json!("Creating"), &json!(false)));
    assert_eq!(metadata["Description"], "", "it is not copied");
    assert_eq!(metadata.get("CurrentKeyMaterialId"), None);
    assert_eq!(answer["ReplicaTags"], json!([]));
    let policy = set.server.call("GetKeyPolicy", json!({"KeyId": arn})).await.unwrap();
    assert_eq!(answer["ReplicaPolicy"], policy["Policy"]);
    assert_eq!(set.server.describe(&arn).await, *metadata);

    let encrypt = json!({"KeyId": arn, "Plaintext": STANDARD.encode("x")});
    let refused = set.server.refused("Encrypt", encrypt.clone()).await;
    assert_eq!((refused.exception.as_str(), refused.message), (INVALID_STATE, format!("{arn} is creating.")));
    // It can be managed meanwhile.
    let tag = json!({"KeyId": arn, "Tags": [{"TagKey": "b", "TagValue": "2"}]});
    set.server.call("TagResource", tag).await.unwrap();

    set.installation.advance(KEY_TRANSITION_MS);
    set.server.call("Encrypt", encrypt).await.unwrap();
    let replica = set.server.describe(&arn).await;
    assert_eq!((&replica["KeyState"], &replica["Enabled"]), (&json!("Enabled"), &json!(true)));
    for shared in ["CurrentKeyMaterialId", "KeySpec", "KeyUsage", "Origin", "EncryptionAlgorithms", "MultiRegion"] {
        assert_eq!(replica[shared], primary[shared], "{shared}");
    }
}

#[tokio::test]
async fn a_replica_gets_what_the_request_gives_it() {
    let set = Set::new(json!({}), &[]).await;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"},
    ]})
    .to_string();
    let tags = json!([{"TagKey": "stage", "TagValue": ""}, {"TagKey": "team", "TagValue": "b"}]);
    let more = json!({"ReplicaRegion": OHIO, "Description": "the replica", "Policy": policy, "Tags": tags});
    let answer = set.replicate(more).await.unwrap();
    assert_eq!(answer["ReplicaKeyMetadata"]["Description"], "the replica");
    assert_eq!((&answer["ReplicaPolicy"], &answer["ReplicaTags"]), (&json!(policy), &tags));
    let arn = in_region(&set.primary, OHIO);
    assert_eq!(set.server.call("ListResourceTags", json!({"KeyId": arn})).await.unwrap()["Tags"], tags);
    assert_eq!(set.server.call("ListResourceTags", json!({"KeyId": set.primary})).await.unwrap()["Tags"], json!([]));
}

#[tokio::test]
async fn each_key_of_a_set_knows_the_others() {
    let set = Set::new(json!({}), &[IRELAND, TOKYO]).await;
    let replicas = strings(&[TOKYO, IRELAND]);
    let place = |key_type: &str| (key_type.to_owned(), VIRGINIA.to_owned(), replicas.clone());
    assert_eq!(set.place(&set.primary).await, place("PRIMARY"));
    for replica in &set.replicas {
        assert_eq!(set.place(replica).await, place("REPLICA"));
    }
    // A single-Region key tells nothing of the kind.
    let single = set.server.create_key(json!({})).await;
    assert_eq!(set.server.describe(&single).await.get("MultiRegionConfiguration"), None);
}

/// The answer names the key that was asked, not the one that encrypted.
#[tokio::test]
async fn what_one_encrypts_each_decrypts() {
    let set = Set::new(json!({}), &[IRELAND, OHIO]).await;
    for from in set.all() {
        let ciphertext = set.server.encrypt(from, b"attack at dawn").await;
        for to in set.all() {
            let region = to.split(':').nth(3).unwrap();
            // Without KeyId: the ciphertext says which key, and the Region asked which of the related ones.
            let answer = set.server.call_in(region, "Decrypt", json!({"CiphertextBlob": ciphertext})).await.unwrap();
            assert_eq!(
                (&answer["KeyId"], &answer["Plaintext"]),
                (&json!(to), &json!(STANDARD.encode("attack at dawn")))
            );
        }
        let elsewhere = set.server.call_in(TOKYO, "Decrypt", json!({"CiphertextBlob": ciphertext})).await.unwrap_err();
        assert_eq!(elsewhere.exception, "AccessDeniedException", "there is no related key");
    }
}

#[tokio::test]
async fn keys_of_every_type_have_replicas() {
    let message = STANDARD.encode("a message");
    for (spec, usage, algorithm) in [
        ("ECC_NIST_P256", "SIGN_VERIFY", "ECDSA_SHA_256"),
        ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "ED25519_SHA_512"),
        ("ECC_SECG_P256K1", "SIGN_VERIFY", "ECDSA_SHA_256"),
        ("ML_DSA_44", "SIGN_VERIFY", "ML_DSA_SHAKE_256"),
        ("RSA_2048", "SIGN_VERIFY", "RSASSA_PSS_SHA_256"),
    ] {
        let set = Set::new(json!({"KeySpec": spec, "KeyUsage": usage}), &[IRELAND]).await;
        let replica = &set.replicas[0];
        let sign = json!({"KeyId": set.primary, "Message": message, "SigningAlgorithm": algorithm});
        let signature = set.server.call("Sign", sign.clone()).await.unwrap()["Signature"].clone();
        let verified = set.server.call("Verify", with(sign, json!({"KeyId": replica, "Signature": signature}))).await;
        assert_eq!(verified.unwrap(), json!({"KeyId": replica, "SignatureValid": true, "SigningAlgorithm": algorithm}));
        let public_key = |arn: &str| set.server.call("GetPublicKey", json!({"KeyId": arn}));
        let (of_primary, of_replica) = (public_key(&set.primary).await.unwrap(), public_key(replica).await.unwrap());
        assert_eq!(of_primary["PublicKey"], of_replica["PublicKey"], "{spec}");
    }
    let set = Set::new(json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}), &[IRELAND]).await;
    let generate = json!({"KeyId": set.replicas[0], "Message": message, "MacAlgorithm": "HMAC_SHA_256"});
    let mac = set.server.call("GenerateMac", generate.clone()).await.unwrap()["Mac"].clone();
    let verify = with(generate, json!({"KeyId": set.primary, "Mac": mac}));
    assert_eq!(set.server.call("VerifyMac", verify).await.unwrap()["MacValid"], true);
}

#[tokio::test]
async fn what_cannot_be_replicated() {
    let set = Set::new(json!({}), &[IRELAND]).await;
    let (server, primary, replica) = (&set.server, set.primary.as_str(), set.replicas[0].as_str());
    let single = server.create_key(json!({})).await;
    let disabled = server.create_key(json!({"MultiRegion": true})).await;
    server.call("DisableKey", json!({"KeyId": disabled})).await.unwrap();
    let pending = server.create_key(json!({"MultiRegion": true})).await;
    set.schedule_deletion(&pending, 7).await;
    let empty = server.create_key(json!({"MultiRegion": true, "Origin": "EXTERNAL"})).await;
    let no_primary = |arn: &str| format!("{arn} is not a multi-region primary key.");
    let long_tag = json!([{"TagKey": "aws:x", "TagValue": ""}]);
    for (key, region, more, exception, message) in [
        (replica, OHIO, json!({}), UNSUPPORTED, no_primary(replica)),
        (&single, OHIO, json!({}), UNSUPPORTED, no_primary(&single)),
        (&disabled, OHIO, json!({}), "DisabledException", format!("{disabled} is disabled.")),
        (
            &pending,
            OHIO,
            json!({}),
            INVALID_STATE,
            format!("{pending} is pending deletion (or pending replica deletion)."),
        ),
        (&empty, OHIO, json!({}), INVALID_STATE, format!("{empty} is pending import.")),
        (primary, IRELAND, json!({}), "AlreadyExistsException", format!("Key '{replica}' already exists")),
        (
            primary,
            VIRGINIA,
            json!({}),
            VALIDATION,
            format!("ReplicaRegion us-east-1 is the Region of the primary key {primary}. Name another Region."),
        ),
        (
            primary,
            UNSERVED,
            json!({}),
            VALIDATION,
            "ReplicaRegion eu-south-2 is not a Region of this service. Its Regions are: us-east-1, us-east-2, eu-west-1, ap-northeast-1."
                .to_owned(),
        ),
        (primary, OHIO, json!({"Tags": long_tag}), "TagException", "Tags beginning with aws: are reserved".to_owned()),
        (primary, OHIO, json!({"Policy": "{"}), "MalformedPolicyDocumentException", String::new()),
        (
            &in_region(&single, OHIO),
            OHIO,
            json!({}),
            NOT_FOUND,
            format!("Key '{}' does not exist", in_region(&single, OHIO)),
        ),
    ] {
        let input = with(json!({"KeyId": key, "ReplicaRegion": region}), more);
        let refused = server.refused("ReplicateKey", input).await;
        assert_eq!(refused.exception, exception, "{key} to {region}: {refused:?}");
        assert!(message.is_empty() || refused.message == message, "{refused:?}");
    }
    let other_region = json!({"KeyId": primary, "ReplicaRegion": OHIO});
    let refused = server.call_in(IRELAND, "ReplicateKey", other_region).await.unwrap_err();
    assert_eq!((refused.exception.as_str(), refused.message.as_str()), (NOT_FOUND, "Invalid arn us-east-1"));
    assert_eq!(set.place(primary).await.2, strings(&[IRELAND]), "nothing of it happened");
}

/// Two records of one request, in two Regions.
#[tokio::test]
async fn a_replication_is_recorded_in_both_regions() {
    let set = Set::new(json!({}), &[]).await;
    let more = json!({"ReplicaRegion": IRELAND, "Tags": [{"TagKey": "a", "TagValue": "1"}]});
    let answer = set.replicate(more).await.unwrap();
    let arn = in_region(&set.primary, IRELAND);
    let replicate = &set.server.records("ReplicateKey")[0];
    assert_eq!(replicate["awsRegion"], VIRGINIA);
    assert_eq!(replicate["requestParameters"]["replicaRegion"], IRELAND);
    assert_eq!(replicate["responseElements"]["replicaKeyMetadata"]["arn"], json!(arn));
    assert_eq!(replicate["responseElements"]["replicaPolicy"], answer["ReplicaPolicy"]);
    assert_eq!(replicate["resources"][0]["ARN"], json!(set.primary));
    assert_eq!(replicate["userIdentity"].get("invokedBy"), None);

    let created = set.server.records("CreateKey");
    let create = created.iter().find(|record| record["awsRegion"] == IRELAND).unwrap();
    assert_eq!(create["requestID"], replicate["requestID"]);
    assert_ne!(create["eventID"], replicate["eventID"]);
    assert_eq!((&create["eventType"], &create["readOnly"]), (&json!("AwsApiCall"), &json!(false)));
    assert_eq!(create["userIdentity"]["invokedBy"], "kms.amazonaws.com");
    assert_eq!(create["userIdentity"]["accessKeyId"], replicate["userIdentity"]["accessKeyId"]);
    assert_eq!(create["requestParameters"]["multiRegion"], true);
    assert_eq!(create["requestParameters"]["tags"], json!([{"tagKey": "a", "tagValue": "1"}]));
    assert_eq!(create["responseElements"]["keyMetadata"]["arn"], json!(arn));
    assert_eq!(create["resources"][0]["ARN"], json!(arn));
}

#[tokio::test]
async fn what_related_keys_do_not_share() {
    let set = Set::new(json!({}), &[IRELAND]).await;
    let (server, primary, replica) = (&set.server, &set.primary, &set.replicas[0]);
    for (arn, word) in [(primary, "one"), (replica, "two")] {
        let alias = json!({"AliasName": format!("alias/{word}"), "TargetKeyId": arn});
        server.call_in(arn.split(':').nth(3).unwrap(), "CreateAlias", alias).await.unwrap();
        let description = json!({"KeyId": arn, "Description": word});
        server.call("UpdateKeyDescription", description).await.unwrap();
        let tags = json!({"KeyId": arn, "Tags": [{"TagKey": "word", "TagValue": word}]});
        server.call("TagResource", tags).await.unwrap();
    }
    server.call("DisableKey", json!({"KeyId": replica})).await.unwrap();
    for (arn, word, state) in [(primary, "one", "Enabled"), (replica, "two", "Disabled")] {
        let aliases = server.call("ListAliases", json!({"KeyId": arn})).await.unwrap();
        let names: Vec<_> = aliases["Aliases"].as_array().unwrap().iter().map(|alias| &alias["AliasName"]).collect();
        assert_eq!(names, [&json!(format!("alias/{word}"))]);
        let metadata = server.describe(arn).await;
        assert_eq!((&metadata["Description"], &metadata["KeyState"]), (&json!(word), &json!(state)));
        let tags = server.call("ListResourceTags", json!({"KeyId": arn})).await.unwrap();
        assert_eq!(tags["Tags"][0]["TagValue"], word);
    }
    let elsewhere = server.call_in(IRELAND, "DescribeKey", json!({"KeyId": "alias/one"})).await.unwrap_err();
    let missing = "Alias arn:aws:kms:eu-west-1:111122223333:alias/one is not found.";
    assert_eq!((elsewhere.exception.as_str(), elsewhere.message.as_str()), (NOT_FOUND, missing));
    // The replica alone is off.
    server.encrypt(primary, b"x").await;
    let encrypt = json!({"KeyId": replica, "Plaintext": "eA=="});
    assert_eq!(server.refused("Encrypt", encrypt).await.exception, "DisabledException");
}

#[tokio::test]
async fn the_primary_region_changes() {
    let set = Set::new(json!({}), &[IRELAND, TOKYO]).await;
    let (primary, ireland, tokyo) = (&set.primary, &set.replicas[0], &set.replicas[1]);
    let ciphertext = set.server.encrypt(primary, b"before").await;
    set.update_primary_region(primary, IRELAND).await;

    let place = |key_type: &str| (key_type.to_owned(), IRELAND.to_owned(), strings(&[TOKYO, VIRGINIA]));
    assert_eq!(set.place(ireland).await, place("PRIMARY"));
    for replica in [primary, tokyo] {
        assert_eq!(set.place(replica).await, place("REPLICA"));
    }
    assert_eq!(set.state(primary).await, "Updating");
    assert_eq!(set.state(ireland).await, "Updating");
    assert_eq!(set.state(tokyo).await, "Enabled", "it is not concerned");
    for arn in set.all() {
        assert_eq!(set.server.decrypt(arn, &ciphertext).await.0, b"before");
        set.server.encrypt(arn, b"meanwhile").await;
    }
    for (operation, more) in [
        ("ReplicateKey", json!({"ReplicaRegion": OHIO})),
        ("DisableKey", json!({})),
        ("ScheduleKeyDeletion", json!({})),
    ] {
        let refused = set.server.refused(operation, with(json!({"KeyId": ireland}), more)).await;
        let expected = (INVALID_STATE, format!("{ireland} is updating."));
        assert_eq!((refused.exception.as_str(), refused.message), expected, "{operation}");
    }

    set.installation.advance(KEY_TRANSITION_MS);
    for arn in set.all() {
        assert_eq!(set.state(arn).await, "Enabled");
    }
    set.server.replicate(ireland, OHIO).await;
    let refused = set.server.refused("ReplicateKey", json!({"KeyId": primary, "ReplicaRegion": OHIO})).await;
    assert_eq!(refused.message, format!("{primary} is not a multi-region primary key."));
    // And back.
    set.update_primary_region(ireland, VIRGINIA).await;
    assert_eq!(set.place(primary).await.0, "PRIMARY");
}

#[tokio::test]
async fn what_cannot_become_the_primary_region() {
    let set = Set::new(json!({}), &[IRELAND, TOKYO]).await;
    let (server, primary, ireland, tokyo) = (&set.server, set.primary.as_str(), &set.replicas[0], &set.replicas[1]);
    server.call("DisableKey", json!({"KeyId": ireland})).await.unwrap();
    set.schedule_deletion(tokyo, 7).await;
    let single = server.create_key(json!({})).await;
    let creating = server.create_key(json!({"MultiRegion": true})).await;
    server.replicate(&creating, OHIO).await;
    for (key, region, exception, message) in [
        (primary, OHIO, NOT_FOUND, format!("Key '{}' does not exist", in_region(primary, OHIO))),
        (primary, IRELAND, "DisabledException", format!("{ireland} is disabled.")),
        (primary, TOKYO, INVALID_STATE, format!("{tokyo} is pending deletion (or pending replica deletion).")),
        (&creating, OHIO, INVALID_STATE, format!("{} is creating.", in_region(&creating, OHIO))),
        (ireland, VIRGINIA, UNSUPPORTED, format!("{ireland} is not a multi-region primary key.")),
        (&single, IRELAND, UNSUPPORTED, format!("{single} is not a multi-region primary key.")),
        (
            primary,
            VIRGINIA,
            VALIDATION,
            format!("PrimaryRegion us-east-1 is the Region of the primary key {primary}. Name another Region."),
        ),
        (
            primary,
            UNSERVED,
            VALIDATION,
            "PrimaryRegion eu-south-2 is not a Region of this service. Its Regions are: us-east-1, us-east-2, eu-west-1, ap-northeast-1."
                .to_owned(),
        ),
    ] {
        let refused = server.refused("UpdatePrimaryRegion", json!({"KeyId": key, "PrimaryRegion": region})).await;
        assert_eq!((refused.exception.as_str(), refused.message), (exception, message), "{key} to {region}");
    }
    assert_eq!(set.place(primary).await.0, "PRIMARY");
    // Nor does it change when both keys are not ready: the primary key that waits for its replicas is none to be moved.
    set.schedule_deletion(primary, 7).await;
    let refused = server.refused("UpdatePrimaryRegion", json!({"KeyId": primary, "PrimaryRegion": IRELAND})).await;
    assert_eq!(refused.exception, INVALID_STATE);
}

#[tokio::test]
async fn a_change_of_the_primary_region_is_recorded_in_both_regions() {
    let set = Set::new(json!({}), &[IRELAND]).await;
    set.update_primary_region(&set.primary, IRELAND).await;
    let records = set.server.records("UpdatePrimaryRegion");
    let of = |region: &str| records.iter().find(|record| record["awsRegion"] == region).unwrap();
    assert_eq!(records.len(), 2);
    let (from, to) = (of(VIRGINIA), of(IRELAND));
    assert_eq!(from["requestParameters"], json!({"keyId": set.primary, "primaryRegion": IRELAND}));
    assert_eq!(from["responseElements"], json!({"keyId": set.primary}));
    assert_eq!(from["userIdentity"].get("invokedBy"), None);
    assert_eq!(to["requestParameters"], json!({"keyId": set.replicas[0], "primaryRegion": IRELAND}));
    assert_eq!(to["responseElements"], json!({"keyId": set.replicas[0]}));
    assert_eq!(to["userIdentity"]["invokedBy"], "kms.amazonaws.com");
    assert_eq!(to["requestID"], from["requestID"]);
    assert_eq!(to["resources"][0]["ARN"], json!(set.replicas[0]));
}

#[tokio::test]
async fn a_primary_key_waits_for_its_replicas_to_go() {
    let set = Set::new(json!({}), &[IRELAND, TOKYO]).await;
    let (primary, ireland, tokyo) = (&set.primary, &set.replicas[0], &set.replicas[1]);
    let ciphertext = set.server.encrypt(primary, b"kept").await;
    let answer = set.schedule_deletion(primary, 8).await;
    let expected = json!({"KeyId": primary, "KeyState": "PendingReplicaDeletion", "PendingWindowInDays": 8});
    assert_eq!(answer, expected, "it has no deletion date");
    let metadata = set.server.describe(primary).await;
    assert_eq!(
        (&metadata["KeyState"], &metadata["PendingDeletionWindowInDays"]),
        (&json!("PendingReplicaDeletion"), &json!(8))
    );
    assert_eq!(metadata.get("DeletionDate"), None);
    let refused = set.server.refused("Decrypt", json!({"KeyId": primary, "CiphertextBlob": ciphertext})).await;
    assert_eq!(refused.exception, INVALID_STATE);
    // Replicas go on.
    assert_eq!(set.server.decrypt(ireland, &ciphertext).await.0, b"kept");

    // However long it takes.
    set.installation.advance_days(400);
    delete_due_keys(&set.server.kms).await.unwrap();
    assert_eq!(set.state(primary).await, "PendingReplicaDeletion");
    set.schedule_deletion(ireland, 7).await;
    set.schedule_deletion(tokyo, 10).await;
    set.installation.advance_days(7);
    delete_due_keys(&set.server.kms).await.unwrap();
    assert_eq!(set.server.refused("DescribeKey", json!({"KeyId": ireland})).await.exception, NOT_FOUND);
    assert_eq!(set.place(primary).await.2, strings(&[TOKYO]));
    assert_eq!(set.state(primary).await, "PendingReplicaDeletion");

    // The day on which the last one goes is the first of the waiting period.
    set.installation.advance_days(3);
    let date = set.installation.now().plus_days(8);
    delete_due_keys(&set.server.kms).await.unwrap();
    let metadata = set.server.describe(primary).await;
    assert_eq!(metadata["KeyState"], "PendingDeletion");
    assert_eq!(metadata["DeletionDate"], date.millis() as f64 / 1000.0);
    assert_eq!(metadata.get("PendingDeletionWindowInDays"), None);
    set.installation.advance_days(8);
    delete_due_keys(&set.server.kms).await.unwrap();
    assert_eq!(set.server.refused("DescribeKey", json!({"KeyId": primary})).await.exception, NOT_FOUND);
    let regions: Vec<_> = set.server.records("DeleteKey").iter().map(|record| record["awsRegion"].clone()).collect();
    assert_eq!(regions, [IRELAND, TOKYO, VIRGINIA]);
}

#[tokio::test]
async fn deletions_are_taken_back() {
    let set = Set::new(json!({}), &[IRELAND]).await;
    let (primary, replica) = (&set.primary, &set.replicas[0]);
    set.schedule_deletion(primary, 7).await;
    set.schedule_deletion(replica, 7).await;
    set.server.call("CancelKeyDeletion", json!({"KeyId": primary})).await.unwrap();
    assert_eq!((set.state(primary).await, set.state(replica).await), ("Disabled".into(), "PendingDeletion".into()));
    set.server.call("CancelKeyDeletion", json!({"KeyId": replica})).await.unwrap();
    assert_eq!(set.state(replica).await, "Disabled");
    for arn in set.all() {
        set.server.call("EnableKey", json!({"KeyId": arn})).await.unwrap();
        set.server.encrypt(arn, b"x").await;
        let refused = set.server.refused("CancelKeyDeletion", json!({"KeyId": arn})).await;
        assert_eq!(refused.message, format!("{arn} is not pending deletion (or pending replica deletion)."));
    }

    // Also while it waits after its last replica has gone.
    set.schedule_deletion(primary, 7).await;
    set.schedule_deletion(replica, 7).await;
    set.installation.advance_days(7);
    delete_due_keys(&set.server.kms).await.unwrap();
    assert_eq!(set.state(primary).await, "PendingDeletion");
    set.server.call("CancelKeyDeletion", json!({"KeyId": primary})).await.unwrap();
    set.installation.advance_days(30);
    delete_due_keys(&set.server.kms).await.unwrap();
    assert_eq!(set.state(primary).await, "Disabled");
}

/// Replicas are deleted on their own, and made again; the material is still the same.
#[tokio::test]
async fn a_replica_comes_again() {
    let set = Set::new(json!({}), &[IRELAND]).await;
    let replica = &set.replicas[0];
    let ciphertext = set.server.encrypt(replica, b"kept").await;
    set.server
        .call("TagResource", json!({"KeyId": replica, "Tags": [{"TagKey": "a", "TagValue": "1"}]}))
        .await
        .unwrap();
    let deletion = set.schedule_deletion(replica, 7).await;
    assert_eq!(deletion["KeyState"], "PendingDeletion");
    set.installation.advance_days(7);
    delete_due_keys(&set.server.kms).await.unwrap();
    assert_eq!(set.place(&set.primary).await.2, strings(&[]));
    assert_eq!(set.server.decrypt(&set.primary, &ciphertext).await.0, b"kept");

    let again = set.server.replicate(&set.primary, IRELAND).await;
    assert_eq!(again, *replica);
    set.installation.advance(KEY_TRANSITION_MS);
    assert_eq!(set.server.decrypt(&again, &ciphertext).await.0, b"kept");
    let tags = set.server.call("ListResourceTags", json!({"KeyId": again})).await.unwrap();
    assert_eq!(tags["Tags"], json!([]), "it is a new key otherwise");
}

/// A primary key with no replica yet, or none any more, is deleted like any other key.
#[tokio::test]
async fn a_primary_key_alone_waits_for_nothing() {
    let set = Set::new(json!({}), &[]).await;
    assert_eq!(set.schedule_deletion(&set.primary, 7).await["KeyState"], "PendingDeletion");
    set.installation.advance_days(7);
    delete_due_keys(&set.server.kms).await.unwrap();
    assert_eq!(set.server.refused("DescribeKey", json!({"KeyId": set.primary})).await.exception, NOT_FOUND);
}

/// All materials of a key that has rotated, whenever the replica was made.
#[tokio::test]
async fn rotations_show_on_replicas() {
    let set = Set::new(json!({}), &[IRELAND]).await;
    let mut ciphertexts = Vec::new();
    for round in 0..3_usize {
        let from = if round % 2 == 0 { &set.primary } else { &set.replicas[0] };
        ciphertexts.push(set.server.encrypt(from, b"kept").await);
        set.server.call("RotateKeyOnDemand", json!({"KeyId": set.primary})).await.unwrap();
        set.installation.advance(KEY_TRANSITION_MS);
        rotate_due_keys(&set.server.kms).await.unwrap();
    }
    let later = set.server.replicate(&set.primary, TOKYO).await;
    set.installation.advance(KEY_TRANSITION_MS);
    let materials = set.server.materials(&set.primary).await;
    assert_eq!(materials.len(), 4);
    for arn in [&set.replicas[0], &later] {
        assert_eq!(set.server.materials(arn).await, materials);
        for (ciphertext, material) in ciphertexts.iter().zip(&materials) {
            let (plaintext, id) = set.server.decrypt(arn, ciphertext).await;
            assert_eq!((plaintext, json!(id)), (b"kept".to_vec(), material["KeyMaterialId"].clone()));
        }
    }
    // The new primary key rotates, the old one no more.
    set.update_primary_region(&set.primary, TOKYO).await;
    set.installation.advance(KEY_TRANSITION_MS);
    let refused = set.server.refused("RotateKeyOnDemand", json!({"KeyId": set.primary})).await;
    assert_eq!(refused.exception, UNSUPPORTED);
    set.server.call("RotateKeyOnDemand", json!({"KeyId": later})).await.unwrap();
    set.installation.advance(KEY_TRANSITION_MS);
    rotate_due_keys(&set.server.kms).await.unwrap();
    assert_eq!(set.server.materials(&set.primary).await.len(), 5);
}

/// Automatic rotation goes with the primary key, wherever that is.
#[tokio::test]
async fn automatic_rotation_follows_the_primary_key() {
    let set = Set::new(json!({}), &[IRELAND]).await;
    let replica = &set.replicas[0];
    set.server.call("EnableKeyRotation", json!({"KeyId": set.primary, "RotationPeriodInDays": 90})).await.unwrap();
    set.update_primary_region(&set.primary, IRELAND).await;
    let status = set.server.call("GetKeyRotationStatus", json!({"KeyId": replica})).await.unwrap();
    assert_eq!((&status["KeyRotationEnabled"], &status["RotationPeriodInDays"]), (&json!(true), &json!(90)));
    set.installation.advance_days(90);
    rotate_due_keys(&set.server.kms).await.unwrap();
    let materials = set.server.materials(replica).await;
    assert_eq!((materials.len(), &materials[1]["RotationType"]), (2, &json!("AUTOMATIC")));
    assert_eq!(set.server.materials(&set.primary).await, materials);
    assert_eq!(set.server.records("RotateKey")[0]["awsRegion"], IRELAND);
    // A new replica has the setting, too.
    let later = set.server.replicate(replica, OHIO).await;
    let status = set.server.call("GetKeyRotationStatus", json!({"KeyId": later})).await.unwrap();
    assert_eq!(status["KeyRotationEnabled"], true);
}

/// Imported material is never copied: the owner imports it into each Region.
#[tokio::test]
async fn a_replica_of_imported_material_waits_for_it() {
    let set = Set::new(json!({"Origin": "EXTERNAL"}), &[]).await;
    let (server, primary) = (&set.server, &set.primary);
    server.import(primary, &[1; 32], json!({})).await.unwrap();
    let ciphertext = server.encrypt(primary, b"kept").await;
    let replica = server.replicate(primary, IRELAND).await;
    set.installation.advance(KEY_TRANSITION_MS);
    assert_eq!(set.state(&replica).await, "PendingImport");
    let refused = server.refused("Decrypt", json!({"KeyId": replica, "CiphertextBlob": ciphertext})).await;
    assert_eq!((refused.exception.as_str(), refused.message), (INVALID_STATE, format!("{replica} is pending import.")));
    assert_eq!(server.import_refused(&replica, &[2; 32], json!({})).await.exception, "IncorrectKeyMaterialException");
    let imported = server.import(&replica, &[1; 32], json!({})).await.unwrap();
    assert_eq!(imported["KeyMaterialId"], server.describe(primary).await["CurrentKeyMaterialId"]);
    assert_eq!(set.state(&replica).await, "Enabled");
    assert_eq!(server.decrypt(&replica, &ciphertext).await.0, b"kept");

    // New material: the primary key first, then each replica, then the rotation.
    let new = json!({"ImportType": "NEW_KEY_MATERIAL"});
    assert_eq!(server.import_refused(&replica, &[2; 32], new.clone()).await.exception, UNSUPPORTED);
    server.import(primary, &[2; 32], new).await.unwrap();
    let waiting = |materials: Vec<Value>| materials.last().unwrap()["KeyMaterialState"].clone();
    assert_eq!(waiting(server.materials(primary).await), "PENDING_MULTI_REGION_IMPORT_AND_ROTATION");
    assert_eq!(server.refused("RotateKeyOnDemand", json!({"KeyId": primary})).await.exception, INVALID_STATE);
    server.import(&replica, &[2; 32], json!({"ImportType": "EXISTING_KEY_MATERIAL"})).await.unwrap();
    assert_eq!(waiting(server.materials(primary).await), "PENDING_ROTATION");
    // A further replica has not got it.
    let tokyo = server.replicate(primary, TOKYO).await;
    set.installation.advance(KEY_TRANSITION_MS);
    assert_eq!(waiting(server.materials(primary).await), "PENDING_MULTI_REGION_IMPORT_AND_ROTATION");
    assert_eq!(server.materials(&tokyo).await.len(), 1, "ciphertexts do not need it");
    for material in [[1; 32], [2; 32]] {
        server.import(&tokyo, &material, json!({"ImportType": "EXISTING_KEY_MATERIAL"})).await.unwrap();
    }
    server.call("RotateKeyOnDemand", json!({"KeyId": primary})).await.unwrap();
    set.installation.advance(KEY_TRANSITION_MS);
    rotate_due_keys(&server.kms).await.unwrap();
    let rotated = server.encrypt(&tokyo, b"new").await;
    for arn in [primary, &replica, &tokyo] {
        assert_eq!(server.decrypt(arn, &ciphertext).await.0, b"kept");
        assert_eq!(server.decrypt(arn, &rotated).await.0, b"new");
    }
}

#[tokio::test]
async fn the_quota_of_the_replica_region_counts() {
    let installation = Installation::new().await;
    let server = installation.serve_with(|settings| settings.resource_quotas.kms_keys = 1);
    let primary = server.create_key(json!({"MultiRegion": true})).await;
    server.call_in(IRELAND, "CreateKey", json!({})).await.unwrap();
    let refused = server.refused("ReplicateKey", json!({"KeyId": primary, "ReplicaRegion": IRELAND})).await;
    assert_eq!(refused.exception, "LimitExceededException");
    server.replicate(&primary, OHIO).await;
}

/// A replication counts as two CreateKey in the Region of the replica, a change of the primary Region once in each Region (KMS Developer
/// Guide, "Request quotas").
#[tokio::test]
async fn the_other_region_counts_the_request() {
    let installation = Installation::new().await;
    let unlimited = installation.serve();
    let mut primaries = Vec::new();
    for _ in 0..3 {
        primaries.push(unlimited.create_key(json!({"MultiRegion": true})).await);
    }
    let server = installation.serve_with(|settings| settings.request_quotas = RequestQuotaSettings::default());
    let throttled = |refused: crate::support::Refused| assert_eq!(refused.exception, "ThrottlingException");
    // Of five CreateKey a second.
    for primary in &primaries[..2] {
        server.replicate(primary, IRELAND).await;
    }
    throttled(server.refused("ReplicateKey", json!({"KeyId": primaries[2], "ReplicaRegion": IRELAND})).await);
    // One was left, and what was refused did not take it.
    server.call_in(IRELAND, "CreateKey", json!({})).await.unwrap();
    throttled(server.call_in(IRELAND, "CreateKey", json!({})).await.unwrap_err());
    server.call_in(VIRGINIA, "CreateKey", json!({})).await.unwrap();
    server.replicate(&primaries[2], OHIO).await;

    installation.advance(KEY_TRANSITION_MS);
    let (here, there) = (&primaries[0], in_region(&primaries[0], IRELAND));
    let change = |key: &str, region: &str| json!({"KeyId": key, "PrimaryRegion": region});
    for round in 0..5 {
        let (key, region) = if round % 2 == 0 { (here, IRELAND) } else { (&there, VIRGINIA) };
        server.call("UpdatePrimaryRegion", change(key, region)).await.unwrap();
    }
    throttled(server.refused("UpdatePrimaryRegion", change(&there, VIRGINIA)).await);
    // Neither Region has any left, so that of another set is refused as well.
    throttled(server.refused("UpdatePrimaryRegion", change(&primaries[1], IRELAND)).await);
}

/// Of many that want the same replica one gets it, whichever server they ask.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_makes_the_replica() {
    let installation = Installation::new().await;
    let servers = [installation.serve(), installation.serve()].map(std::sync::Arc::new);
    let primary = servers[0].create_key(json!({"MultiRegion": true})).await;
    let attempts = (0..8).map(|index| {
        let (server, primary) = (servers[index % 2].clone(), primary.clone());
        tokio::spawn(
            async move { server.call("ReplicateKey", json!({"KeyId": primary, "ReplicaRegion": IRELAND})).await },
        )
    });
    let attempts: Vec<_> = attempts.collect();
    let mut made = 0;
    for attempt in attempts {
        match attempt.await.unwrap() {
            Ok(_) => made += 1,
            Err(refused) => assert_eq!(refused.exception, "AlreadyExistsException"),
        }
    }
    assert_eq!(made, 1);
}

/// A rotation and a replication at once: whichever comes first, the replica has all materials.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rotation_meets_a_replication() {
    for _ in 0..10 {
        let set = Set::new(json!({}), &[]).await;
        set.server.call("RotateKeyOnDemand", json!({"KeyId": set.primary})).await.unwrap();
        set.installation.advance(KEY_TRANSITION_MS);
        let (replica, rotated) =
            tokio::join!(set.server.replicate(&set.primary, IRELAND), rotate_due_keys(&set.server.kms));
        rotated.unwrap();
        set.installation.advance(KEY_TRANSITION_MS);
        let materials = set.server.materials(&set.primary).await;
        assert_eq!(materials.len(), 2);
        assert_eq!(set.server.materials(&replica).await, materials);
        let ciphertext = set.server.encrypt(&set.primary, b"x").await;
        assert_eq!(set.server.decrypt(&replica, &ciphertext).await.0, b"x");
    }
}

/// The primary key cannot be told to go while a replica is made: either it waits for that replica, or there is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deletion_meets_a_replication() {
    for _ in 0..10 {
        let set = Set::new(json!({}), &[]).await;
        let input = json!({"KeyId": set.primary, "ReplicaRegion": IRELAND});
        let (replicated, deletion) =
            tokio::join!(set.server.call("ReplicateKey", input), set.schedule_deletion(&set.primary, 7));
        let state = deletion["KeyState"].as_str().unwrap();
        assert_eq!(state == "PendingReplicaDeletion", replicated.is_ok(), "{state}");
    }
}
