//! Every exception, one row for each thing that can be wrong. What needs certificates is tested with them.

use keystead_core::KmsError;
use keystead_model::cloudhsm::Exception;
use keystead_model::shape::{Operation, cloudhsm_operations};
use serde_json::{Value, json};

use crate::support::{OWNER, Rig, Server, ZONES, account, kryoptic};

const NO_CLUSTER: &str = "cluster-aaaaaaaaaaa";
const NO_BACKUP: &str = "backup-aaaaaaaaaaa";
const INVALID: &str = "CloudHsmInvalidRequestException";
const NOT_FOUND: &str = "CloudHsmResourceNotFoundException";
const TAG: &str = "CloudHsmTagException";

/// Operation, request, exception, a word of the message that names what is wrong.
type Row = (&'static str, Value, &'static str, &'static str);

async fn check(server: &Server, rows: Vec<Row>) {
    for (operation, input, exception, word) in rows {
        let (code, message) = server.refused(operation, input.clone()).await;
        assert_eq!(code, exception, "{operation} {input}: {message}");
        assert!(message.contains(word), "{operation} {input}: {message:?} lacks {word:?}");
    }
}

#[tokio::test]
async fn what_does_not_exist() {
    let rig = Rig::new(kryoptic());
    let tags = json!([{"Key": "a", "Value": "b"}]);
    let rows: Vec<Row> = vec![
        ("CreateHsm", json!({"ClusterId": NO_CLUSTER, "AvailabilityZone": ZONES[0]}), NOT_FOUND, NO_CLUSTER),
        ("DeleteHsm", json!({"ClusterId": NO_CLUSTER, "HsmId": "hsm-aaaaaaaaaaa"}), NOT_FOUND, NO_CLUSTER),
        ("DeleteCluster", json!({"ClusterId": NO_CLUSTER}), NOT_FOUND, NO_CLUSTER),
        (
            "InitializeCluster",
            json!({"ClusterId": NO_CLUSTER, "SignedCert": "c", "TrustAnchor": "a"}),
            NOT_FOUND,
            NO_CLUSTER,
        ),
        (
            "ModifyCluster",
            json!({"ClusterId": NO_CLUSTER, "BackupRetentionPolicy": {"Type": "DAYS", "Value": "7"}}),
            NOT_FOUND,
            NO_CLUSTER,
        ),
        ("DeleteBackup", json!({"BackupId": NO_BACKUP}), NOT_FOUND, NO_BACKUP),
        ("RestoreBackup", json!({"BackupId": NO_BACKUP}), NOT_FOUND, NO_BACKUP),
        ("ModifyBackupAttributes", json!({"BackupId": NO_BACKUP, "NeverExpires": true}), NOT_FOUND, NO_BACKUP),
        ("ListTags", json!({"ResourceId": NO_CLUSTER}), NOT_FOUND, NO_CLUSTER),
        ("ListTags", json!({"ResourceId": NO_BACKUP}), NOT_FOUND, NO_BACKUP),
        ("TagResource", json!({"ResourceId": NO_CLUSTER, "TagList": tags}), NOT_FOUND, NO_CLUSTER),
        ("TagResource", json!({"ResourceId": NO_BACKUP, "TagList": tags}), NOT_FOUND, NO_BACKUP),
        ("UntagResource", json!({"ResourceId": NO_CLUSTER, "TagKeyList": ["a"]}), NOT_FOUND, NO_CLUSTER),
    ];
    let server = rig.start();
    check(&server, rows).await;
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_made() {
    let rig = Rig::new(kryoptic());
    let server = rig.start_with(|settings| settings.quotas.clusters = 1);
    let subnets = server.subnets().await;
    let other =
        server.network.create_vpc(&account(), "10.9.0.0/16".parse().unwrap(), Default::default()).await.unwrap();
    let foreign = server
        .network
        .change_vpc_with(&account(), keystead_network::ResourceType::Vpc, &other.vpc_id, |vpc| {
            let new = |block: &str, zone: &str| keystead_network::NewSubnet {
                cidr_block: block.parse().unwrap(),
                availability_zone: Some(zone.to_owned()),
                tags: Default::default(),
            };
            let entropy = keystead_core::port::SystemEntropy;
            vpc.create_subnet(new("10.9.1.0/24", ZONES[1]), &entropy)?;
            Ok([
                vpc.create_subnet(new("10.9.2.0/24", ZONES[0]), &entropy)?,
                vpc.create_subnet(new("10.9.3.0/24", ZONES[0]), &entropy)?,
            ])
        })
        .await
        .unwrap();
    let create = |changes: Value| {
        let mut request = json!({"HsmType": "hsm1.medium", "SubnetIds": subnets});
        request.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        request
    };
    let days = |value: &str| create(json!({"BackupRetentionPolicy": {"Type": "DAYS", "Value": value}}));
    let arn = format!("arn:aws:cloudhsm:us-east-1:999999999999:backup/{NO_BACKUP}");
    let rows: Vec<Row> = vec![
        ("CreateCluster", json!({}), INVALID, "hsmType"),
        ("CreateCluster", create(json!({"HsmType": "hsm9.huge"})), INVALID, "hsm9.huge"),
        ("CreateCluster", create(json!({"HsmType": "huge"})), INVALID, "hsmType"),
        ("CreateCluster", create(json!({"Mode": "NON_FIPS"})), INVALID, "FIPS"),
        ("CreateCluster", create(json!({"Mode": "NEITHER"})), INVALID, "mode"),
        ("CreateCluster", create(json!({"NetworkType": "DUALSTACK"})), INVALID, "DUALSTACK"),
        ("CreateCluster", create(json!({"SubnetIds": []})), INVALID, "subnetIds"),
        ("CreateCluster", create(json!({"SubnetIds": ["subnet-00000000"]})), INVALID, "subnet-00000000"),
        ("CreateCluster", create(json!({"SubnetIds": [subnets[1], foreign[0]]})), INVALID, "different VPCs"),
        ("CreateCluster", create(json!({"SubnetIds": foreign})), INVALID, "both in us-east-1a"),
        ("CreateCluster", create(json!({"SourceBackupId": NO_BACKUP})), NOT_FOUND, NO_BACKUP),
        ("CreateCluster", create(json!({"SourceBackupId": arn})), NOT_FOUND, NO_BACKUP),
        ("CreateCluster", days("6"), INVALID, "7 to 379"),
        ("CreateCluster", days("380"), INVALID, "7 to 379"),
        ("CreateCluster", days("week"), INVALID, "backupRetentionPolicy.value"),
        ("CreateCluster", create(json!({"BackupRetentionPolicy": {"Value": "10"}})), INVALID, "DAYS"),
        (
            "CreateCluster",
            create(json!({"TagList": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]})),
            TAG,
            "more than once",
        ),
        ("CreateCluster", create(json!({"TagList": [{"Key": "AWS:a", "Value": "1"}]})), TAG, "reserved"),
        ("CreateCluster", create(json!({"TagList": [{"Key": "#", "Value": "1"}]})), INVALID, "tagList.1.member.key"),
    ];
    check(&server, rows).await;
    server.create_cluster(json!({})).await;
    check(&server, vec![("CreateCluster", create(json!({})), INVALID, "its 1 clusters")]).await;
    server.stop().await;

    let server = rig.start_with(|settings| settings.soft_module = None);
    check(&server, vec![("CreateCluster", create(json!({})), INVALID, "keystead cluster register")]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cluster_refuses() {
    let rig = Rig::new(kryoptic());
    let server = rig.start_with(|settings| settings.quotas.hsms = 1);
    let id = server.create_cluster(json!({})).await;
    server.wait_state(&id, "UNINITIALIZED").await;
    let anchor = OWNER.trust_anchor();
    let initialize = |signed: &str, anchor: &str| json!({"ClusterId": id, "SignedCert": signed, "TrustAnchor": anchor});
    let hsm_in = |zone: &str| json!({"ClusterId": id, "AvailabilityZone": zone});
    let at = |address: &str| json!({"ClusterId": id, "AvailabilityZone": ZONES[0], "IpAddress": address});
    let rows: Vec<Row> = vec![
        ("InitializeCluster", initialize(&anchor, &anchor), INVALID, "no signing request"),
        ("CreateHsm", hsm_in("us-east-1f"), INVALID, "us-east-1a, us-east-1b, us-east-1c"),
        ("CreateHsm", hsm_in("the moon"), INVALID, "availabilityZone"),
        ("CreateHsm", at("10.0.0.999"), INVALID, "10.0.0.999"),
        ("CreateHsm", at("192.168.0.1"), INVALID, "192.168.0.1"),
        ("CreateHsm", at("10.0.0.1"), INVALID, "reserved"),
        ("DeleteHsm", json!({"ClusterId": id}), INVALID, "exactly one"),
        (
            "DeleteHsm",
            json!({"ClusterId": id, "HsmId": "hsm-aaaaaaaaaaa", "EniIp": "10.0.0.4"}),
            INVALID,
            "exactly one",
        ),
        ("DeleteHsm", json!({"ClusterId": id, "HsmId": "hsm-aaaaaaaaaaa"}), NOT_FOUND, "hsm-aaaaaaaaaaa"),
        ("DeleteHsm", json!({"ClusterId": id, "EniId": "eni-00000000"}), NOT_FOUND, "eni-00000000"),
        ("DeleteHsm", json!({"ClusterId": id, "EniIp": "10.0.0.4"}), NOT_FOUND, "10.0.0.4"),
        ("ModifyCluster", json!({"ClusterId": id}), INVALID, "Nothing"),
        ("ModifyCluster", json!({"ClusterId": id, "HsmType": "hsm2m.medium"}), INVALID, "cannot be changed"),
        (
            "ModifyCluster",
            json!({"ClusterId": id, "BackupRetentionPolicy": {"Type": "DAYS", "Value": "1"}}),
            INVALID,
            "7 to 379",
        ),
        ("DescribeClusters", json!({"Filters": {"colours": ["red"]}}), INVALID, "clusterIds, vpcIds, states"),
        ("DescribeClusters", json!({"Filters": {"states": ["SLEEPING"]}}), INVALID, "SLEEPING"),
        ("DescribeClusters", json!({"MaxResults": 26}), INVALID, "maxResults"),
        ("DescribeClusters", json!({"NextToken": "no token"}), INVALID, "NextToken"),
        ("DescribeBackups", json!({"Filters": {"colours": ["red"]}}), INVALID, "backupIds"),
        ("DescribeBackups", json!({"Filters": {"states": ["SLEEPING"]}}), INVALID, "SLEEPING"),
        ("DescribeBackups", json!({"MaxResults": 51}), INVALID, "maxResults"),
        ("DescribeBackups", json!({"NextToken": "no token"}), INVALID, "NextToken"),
        ("ListTags", json!({"ResourceId": id, "NextToken": "no token"}), INVALID, "NextToken"),
        ("ListTags", json!({"ResourceId": "no-resource"}), INVALID, "resourceId"),
        (
            "CopyBackupToRegion",
            json!({"DestinationRegion": "eu-west-1", "BackupId": NO_BACKUP}),
            INVALID,
            "not supported",
        ),
        ("PutResourcePolicy", json!({}), INVALID, "not supported"),
        ("GetResourcePolicy", json!({}), INVALID, "not supported"),
        ("DeleteResourcePolicy", json!({}), INVALID, "not supported"),
    ];
    check(&server, rows).await;
    assert_eq!(server.cluster(&id).await["Hsms"], json!([]), "what was refused left nothing");

    server.create_hsm(&id, ZONES[0]).await;
    let signed = OWNER.sign(&server.csr(&id).await);
    let long = anchor.clone() + &"\n".repeat(5001);
    let rows: Vec<Row> = vec![
        ("CreateHsm", hsm_in(ZONES[1]), INVALID, "already contains an HSM but has not yet been fully activated"),
        ("DeleteCluster", json!({"ClusterId": id}), INVALID, "1 HSMs"),
        ("InitializeCluster", initialize(&anchor, &anchor), INVALID, "another public key"),
        ("InitializeCluster", initialize(&signed, &signed), INVALID, "not a root"),
        ("InitializeCluster", initialize(&signed, &long), INVALID, "5000"),
    ];
    check(&server, rows).await;
    server.initialize(&id).await;
    server.activate(&id).await;
    let rows: Vec<Row> = vec![
        ("InitializeCluster", initialize(&signed, &anchor), INVALID, "ACTIVE"),
        ("CreateHsm", hsm_in(ZONES[1]), INVALID, "its 1 HSMs"),
    ];
    check(&server, rows).await;
    server.stop().await;
}

#[tokio::test]
async fn tags_have_their_rules_and_their_quota() {
    let rig = Rig::new(kryoptic());
    let server = rig.start();
    let id = server.create_cluster(json!({"TagList": [{"Key": "b", "Value": "1"}]})).await;
    let tag = |tags: Value| json!({"ResourceId": id, "TagList": tags});
    let many: Vec<_> = (0..50).map(|number| json!({"Key": format!("k{number}"), "Value": ""})).collect();
    let rows: Vec<Row> = vec![
        ("TagResource", tag(json!([{"Key": "aws:a", "Value": ""}])), TAG, "reserved"),
        ("TagResource", tag(json!([{"Key": "a", "Value": ""}, {"Key": "a", "Value": "1"}])), TAG, "more than once"),
        ("TagResource", tag(json!(many)), "CloudHsmResourceLimitExceededException", "51"),
        ("TagResource", tag(json!([])), INVALID, "tagList"),
    ];
    check(&server, rows).await;
    server.ok("TagResource", tag(json!([{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]))).await;
    server.ok("UntagResource", json!({"ResourceId": id, "TagKeyList": ["never there"]})).await;
    let page = server.ok("ListTags", json!({"ResourceId": id, "MaxResults": 1})).await;
    assert_eq!(page["TagList"], json!([{"Key": "a", "Value": "1"}]));
    let page = server.ok("ListTags", json!({"ResourceId": id, "NextToken": page["NextToken"]})).await;
    assert_eq!(page, json!({"TagList": [{"Key": "b", "Value": "2"}]}));
    server.stop().await;
}

#[tokio::test]
async fn a_subnet_without_a_free_address() {
    let rig = Rig::new(kryoptic());
    let server = rig.start();
    let id = server.create_cluster(json!({})).await;
    server.wait_state(&id, "UNINITIALIZED").await;
    let subnet = server.subnets().await.remove(0);
    for _ in 0..251 {
        server.network.create_managed_interface(&account(), &subnet, "full", &[], None, "test").await.unwrap();
    }
    let input = json!({"ClusterId": id, "AvailabilityZone": ZONES[0]});
    check(&server, vec![("CreateHsm", input, INVALID, "enough free addresses")]).await;
    assert_eq!(server.cluster(&id).await["Hsms"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_request_and_what_is_no_operation() {
    let rig = Rig::new(kryoptic());
    let server = rig.start();
    for body in ["{", "[]", "null", "\"text\""] {
        let (status, answer) = server.call_with("DescribeClusters", body.as_bytes()).await;
        assert_eq!((status, answer["__type"].as_str()), (400, Some(INVALID)), "{body}: {answer}");
    }
    let (status, _) = server.call_with("DescribeClusters", b"").await;
    assert_eq!(status, 200, "an empty body is an empty request");
    let (status, answer) = server.call_with("Encrypt", b"{}").await;
    assert_eq!((status, answer["__type"].as_str()), (400, Some("UnknownOperationException")));
    server.stop().await;
}

#[tokio::test]
async fn what_the_front_end_refuses_is_recorded_and_answered_in_its_words() {
    let rig = Rig::new(kryoptic());
    let server = rig.start();
    let error = KmsError::new(keystead_model::kms::Exception::InvalidSignature, "The signature does not match.");
    let (status, answer) = server.refuse("CreateHsm", error).await;
    let expected = json!({"__type": "InvalidSignatureException", "message": "The signature does not match."});
    assert_eq!((status, answer), (400, expected));
    let record = rig.newest_record();
    let told = ["eventName", "errorCode", "eventSource"].map(|member| record[member].as_str().unwrap());
    assert_eq!(told, ["CreateHsm", "InvalidSignatureException", "cloudhsm.amazonaws.com"]);
    server.stop().await;
}

#[test]
fn each_exception_that_is_answered_is_declared_by_its_operation() {
    for operation in cloudhsm_operations() {
        for exception in [Exception::AccessDenied, Exception::InvalidRequest, Exception::InternalFailure] {
            assert!(operation.errors.contains(&exception.name()), "{} {exception}", operation.name);
        }
    }
    let declaring = |exception: Exception| {
        let declares = |operation: &&Operation| operation.errors.contains(&exception.name());
        cloudhsm_operations().iter().filter(declares).map(|operation| operation.name).collect::<Vec<_>>()
    };
    assert_eq!(declaring(Exception::ResourceLimitExceeded), ["TagResource"]);
    assert!(declaring(Exception::Tag).contains(&"CreateCluster"));
}
