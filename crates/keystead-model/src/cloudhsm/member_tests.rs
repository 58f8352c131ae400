//! Every request, response and enum against the generated tables.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;
use crate::shape::{Member, Shape, Structure, cloudhsm_operation};
use crate::validate::validate;
use crate::{SecretString, Timestamp};

/// Among these every string shape of a request finds a text it accepts.
const TEXTS: &[&str] = &[
    "7",
    "us-east-1",
    "us-east-1a",
    "hsm1.medium",
    "cluster-2a2b3c4d5e6",
    "hsm-2a2b3c4d5e6",
    "backup-2a2b3c4d5e6",
    "eni-0123456789abcdef0",
    "subnet-0123456789abcdef0",
    "10.0.0.1",
];

fn example(shape: &Shape) -> Value {
    match shape {
        Shape::String { .. } => {
            let text = TEXTS.iter().find(|text| shape.accepts_str(text));
            json!(text.unwrap_or_else(|| panic!("no text for {shape:?}")))
        }
        Shape::Enum { values } => json!(values[0]),
        Shape::Integer { min, .. } => json!(min.unwrap_or(1)),
        Shape::Boolean => json!(true),
        Shape::Timestamp => json!(1_593_893_322.32),
        Shape::List { member, .. } => json!([example(member)]),
        Shape::Map { key, value, .. } => json!({ example(key).as_str().expect("a text"): example(value) }),
        Shape::Structure(structure) => example_structure(structure, |_| true),
        Shape::Blob { .. } => panic!("the API has no blobs"),
    }
}

fn example_structure(structure: &Structure, wanted: impl Fn(&Member) -> bool) -> Value {
    let members = structure.members.iter().filter(|member| wanted(member));
    members.map(|member| (member.name.to_owned(), example(member.shape))).collect::<serde_json::Map<_, _>>().into()
}

type Reader = fn(Value) -> Result<String, String>;

fn reader<T: DeserializeOwned + Debug>(document: Value) -> Result<String, String> {
    serde_json::from_value::<T>(document).map(|request| format!("{request:?}")).map_err(|error| error.to_string())
}

const REQUESTS: &[(&str, Reader)] = &[
    ("CreateCluster", reader::<CreateClusterRequest>),
    ("CreateHsm", reader::<CreateHsmRequest>),
    ("DeleteBackup", reader::<DeleteBackupRequest>),
    ("DeleteCluster", reader::<DeleteClusterRequest>),
    ("DeleteHsm", reader::<DeleteHsmRequest>),
    ("DescribeBackups", reader::<DescribeBackupsRequest>),
    ("DescribeClusters", reader::<DescribeClustersRequest>),
    ("InitializeCluster", reader::<InitializeClusterRequest>),
    ("ListTags", reader::<ListTagsRequest>),
    ("ModifyBackupAttributes", reader::<ModifyBackupAttributesRequest>),
    ("ModifyCluster", reader::<ModifyClusterRequest>),
    ("RestoreBackup", reader::<RestoreBackupRequest>),
    ("TagResource", reader::<TagResourceRequest>),
    ("UntagResource", reader::<UntagResourceRequest>),
];

#[test]
fn every_member_of_a_request_has_its_field_and_every_field_its_member() {
    for (name, read) in REQUESTS {
        let input = cloudhsm_operation(name).unwrap().input;
        let full = example(&Shape::Structure(input));
        assert_eq!(validate(input, &full), Ok(()), "{name}");
        // In tests the structs refuse unknown members, so each member finds a field.
        let shown = read(full).unwrap_or_else(|error| panic!("{name}: {error}"));
        // A field without a member would have stayed empty.
        assert!(!shown.contains("None"), "{shown}");
    }
}

#[test]
fn only_required_members_are_needed_and_null_is_absent() {
    for (name, read) in REQUESTS {
        let input = cloudhsm_operation(name).unwrap().input;
        let mut document = example_structure(input, |member| member.required);
        read(document.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        for member in input.members.iter().filter(|member| !member.required) {
            document[member.name] = Value::Null;
        }
        read(document).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

fn full_hsm() -> Hsm {
    let text = || Some("x".to_owned());
    Hsm {
        availability_zone: text(),
        cluster_id: text(),
        subnet_id: text(),
        eni_id: text(),
        eni_ip: text(),
        eni_ip_v6: text(),
        hsm_id: "x".to_owned(),
        hsm_type: text(),
        state: Some(HsmState::Active),
        state_message: text(),
    }
}

fn full_cluster() -> Cluster {
    let text = || Some("x".to_owned());
    Cluster {
        backup_policy: Some(BackupPolicy::Default),
        backup_retention_policy: Some(BackupRetentionPolicy { r#type: Some(BackupRetentionType::Days), value: text() }),
        cluster_id: text(),
        create_timestamp: Some(Timestamp::from_millis(0)),
        hsms: Some(vec![full_hsm()]),
        hsm_type: text(),
        hsm_type_rollback_expiration: Some(Timestamp::from_millis(0)),
        pre_co_password: Some(PreCoPassword(SecretString::from("hunter2".to_owned()))),
        security_group: text(),
        source_backup_id: text(),
        state: Some(ClusterState::Active),
        state_message: text(),
        subnet_mapping: Some([("x".to_owned(), "x".to_owned())].into()),
        vpc_id: text(),
        network_type: Some(NetworkType::Ipv4),
        certificates: Some(Certificates {
            cluster_csr: text(),
            hsm_certificate: text(),
            aws_hardware_certificate: text(),
            manufacturer_hardware_certificate: text(),
            cluster_certificate: text(),
        }),
        tag_list: Some(vec![Tag { key: "x".to_owned(), value: "x".to_owned() }]),
        mode: Some(ClusterMode::Fips),
    }
}

fn full_backup() -> Backup {
    let (text, time) = (|| Some("x".to_owned()), Some(Timestamp::from_millis(0)));
    Backup {
        backup_id: "x".to_owned(),
        backup_arn: text(),
        backup_state: Some(BackupState::Ready),
        cluster_id: text(),
        create_timestamp: time,
        copy_timestamp: time,
        never_expires: Some(true),
        source_region: text(),
        source_backup: text(),
        source_cluster: text(),
        delete_timestamp: time,
        tag_list: Some(vec![Tag { key: "x".to_owned(), value: "x".to_owned() }]),
        hsm_type: text(),
        mode: Some(ClusterMode::Fips),
    }
}

/// Fails unless the document has exactly the members of the structure, all the way down.
fn compare(structure: &Structure, document: &Value, path: &str) {
    let expected: BTreeSet<_> = structure.members.iter().map(|member| member.name).collect();
    let found: BTreeSet<_> = document.as_object().expect(path).keys().map(String::as_str).collect();
    assert_eq!(found, expected, "{path}");
    for member in structure.members {
        compare_value(member.shape, &document[member.name], &format!("{path}.{}", member.name));
    }
}

fn compare_value(shape: &Shape, value: &Value, path: &str) {
    match shape {
        Shape::Structure(structure) => compare(structure, value, path),
        Shape::List { member, .. } => compare_value(member, &value[0], path),
        Shape::Timestamp | Shape::Integer { .. } => assert!(value.is_number(), "{path}"),
        Shape::Boolean => assert!(value.is_boolean(), "{path}"),
        Shape::Map { .. } => assert!(value.is_object(), "{path}"),
        Shape::String { .. } | Shape::Enum { .. } | Shape::Blob { .. } => assert!(value.is_string(), "{path}"),
    }
}

fn check<T: Serialize>(operation: &str, response: T) {
    let document = serde_json::to_value(response).unwrap();
    compare(cloudhsm_operation(operation).unwrap().output.unwrap(), &document, operation);
}

#[test]
fn responses_have_the_members_of_the_model() {
    let token = || Some("x".to_owned());
    let tag = || vec![Tag { key: "x".to_owned(), value: "x".to_owned() }];
    for operation in ["CreateCluster", "DeleteCluster", "ModifyCluster"] {
        check(operation, ClusterResponse { cluster: full_cluster() });
    }
    for operation in ["DeleteBackup", "RestoreBackup", "ModifyBackupAttributes"] {
        check(operation, BackupResponse { backup: full_backup() });
    }
    check("CreateHsm", CreateHsmResponse { hsm: full_hsm() });
    check("DeleteHsm", DeleteHsmResponse { hsm_id: "x".to_owned() });
    check("DescribeClusters", DescribeClustersResponse { clusters: vec![full_cluster()], next_token: token() });
    check("DescribeBackups", DescribeBackupsResponse { backups: vec![full_backup()], next_token: token() });
    check("ListTags", ListTagsResponse { tag_list: tag(), next_token: token() });
    let initialized = InitializeClusterResponse { state: ClusterState::Initialized, state_message: "x".to_owned() };
    check("InitializeCluster", initialized);
}

#[test]
fn the_first_password_is_written_and_not_shown() {
    let cluster = full_cluster();
    assert_eq!(serde_json::to_value(&cluster).unwrap()["PreCoPassword"], "hunter2");
    assert!(!format!("{cluster:?}").contains("hunter2"));
}

#[test]
fn enums_are_those_of_the_model() {
    macro_rules! check {
        ($($name:ident $shape:ident,)+) => {
            $({
                let Shape::Enum { values } = &generated::$shape else { panic!("no enum") };
                let texts: Vec<_> = $name::ALL.iter().map(|value| value.as_str()).collect();
                assert_eq!(texts, *values, "{}", stringify!($name));
            })+
        };
    }
    check!(
        ClusterState CLUSTER_STATE,
        ClusterMode CLUSTER_MODE,
        NetworkType NETWORK_TYPE,
        BackupPolicy BACKUP_POLICY,
        BackupRetentionType BACKUP_RETENTION_TYPE,
        HsmState HSM_STATE,
        BackupState BACKUP_STATE,
    );
}
