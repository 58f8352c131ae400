"""The CloudHSM v2 API: the life of a cluster, its certificates, its HSMs and its backups.

Source: digest cloudhsm-key-stores.md, section 5; CloudHSM API Reference.
"""

import datetime
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from support.aws_cli import AwsCli
from support.cluster_authority import ClusterAuthority, der
from support.conditions import wait_until
from support.hsm_modules import module_settings
from support.hsm_network import ZONES, free_addresses, groups_named
from support.hsm_realm import HsmRealm
from support.sdk_client import refusal

INVALID = "CloudHsmInvalidRequestException"
NOT_FOUND = "CloudHsmResourceNotFoundException"
NO_CLUSTER = "cluster-aaaaaaaaaaa"
NO_BACKUP = "backup-aaaaaaaaaaa"
CLUSTER_ID = r"cluster-[2-7a-zA-Z]{11,16}"


@pytest.fixture(scope="module")
def active(hsm_realm):
    """An active cluster of two HSMs, of each module; tests leave it as it was."""
    return hsm_realm.active_cluster()


@pytest.fixture
def uninitialized(cloud):
    """A new cluster without HSMs."""
    return cloud.create_cluster()


@pytest.fixture(scope="module")
def with_csr(shared_cloud):
    """A cluster that waits for its certificate, shared by tests that are refused."""
    cluster = shared_cloud.create_cluster()
    cluster.create_hsm(ZONES[0])
    cluster.csr()
    return cluster


def public_key(thing):
    return thing.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


# ---- creation ----


def test_a_new_cluster(cloud):
    network = cloud.create_network()
    cluster = cloud.cloudhsm.create_cluster(HsmType="hsm1.medium", SubnetIds=network.subnet_ids)["Cluster"]
    assert re.fullmatch(CLUSTER_ID, cluster["ClusterId"])
    assert (cluster["State"], cluster["Hsms"], cluster["Certificates"]) == ("CREATE_IN_PROGRESS", [], {})
    assert (cluster["HsmType"], cluster["VpcId"], cluster["SubnetMapping"]) == ("hsm1.medium", network.vpc_id, network.subnets)
    assert cluster["BackupPolicy"] == "DEFAULT"
    assert cluster["BackupRetentionPolicy"] == {"Type": "DAYS", "Value": "90"}
    age = datetime.datetime.now(datetime.timezone.utc) - cluster["CreateTimestamp"]
    assert abs(age) < datetime.timedelta(hours=1)


def test_a_cluster_has_a_security_group(uninitialized, cloud):
    """1.2 and 5.2: TCP 2223 to 2225 between its own members, in and out."""
    (group,) = groups_named(cloud.ec2, f"cloudhsm-cluster-{uninitialized.cluster_id}-sg")
    assert uninitialized.describe()["SecurityGroup"] == group["GroupId"]
    for direction in ("IpPermissions", "IpPermissionsEgress"):
        own = [
            (entry["IpProtocol"], entry["FromPort"], entry["ToPort"])
            for entry in group[direction]
            if [pair["GroupId"] for pair in entry["UserIdGroupPairs"]] == [group["GroupId"]]
        ]
        assert own == [("tcp", 2223, 2225)], direction


def test_the_life_of_a_cluster(own_hsm_realm):
    """5.3, on each module: what is there in each state, and what is gone again."""
    cluster = own_hsm_realm.create_cluster()
    assert cluster.describe()["State"] == "UNINITIALIZED"
    assert "ClusterCsr" not in cluster.describe()["Certificates"], "the CSR is made by the first HSM"
    hsm = cluster.create_hsm(ZONES[0])
    assert re.fullmatch(r"hsm-[2-7a-zA-Z]{11,16}", hsm["HsmId"])
    csr = x509.load_pem_x509_csr(cluster.csr().encode())
    assert csr.is_signature_valid
    certificates = cluster.describe()["Certificates"]
    assert "ClusterCertificate" not in certificates
    check_hardware_certificates(certificates)
    signed = own_hsm_realm.authority.sign(cluster.csr())
    answer = own_hsm_realm.cloudhsm.initialize_cluster(
        ClusterId=cluster.cluster_id, SignedCert=signed, TrustAnchor=own_hsm_realm.authority.trust_anchor
    )
    assert answer["State"] == "INITIALIZE_IN_PROGRESS"
    assert answer["StateMessage"] == "Cluster is initializing. State will change to INITIALIZED upon completion."
    initialized = cluster.wait_state("INITIALIZED")
    assert "ClusterCsr" not in initialized["Certificates"]
    assert der(initialized["Certificates"]["ClusterCertificate"]) == der(signed)
    assert public_key(x509.load_pem_x509_certificate(signed.encode())) == public_key(csr)
    cluster.activate()
    assert "PreCoPassword" not in cluster.describe(), "an active cluster has an officer"
    cluster.delete()


def check_hardware_certificates(certificates):
    """The HSM's certificate vouches for the key of the CSR, and both chains vouch for the HSM's."""
    csr = x509.load_pem_x509_csr(certificates["ClusterCsr"].encode())
    hsm = x509.load_pem_x509_certificate(certificates["HsmCertificate"].encode())
    assert public_key(hsm) == public_key(csr)
    for name in ("AwsHardwareCertificate", "ManufacturerHardwareCertificate"):
        assert x509.load_pem_x509_certificate(certificates[name].encode()), name


def test_an_hsm_has_an_interface(active, hsm_realm):
    """5.1: `EniId` and `EniIp`, in the subnet of its zone and in the cluster's group."""
    for hsm in active.hsms("ACTIVE"):
        assert hsm["SubnetId"] == active.network.subnets[hsm["AvailabilityZone"]]
        (interface,) = hsm_realm.ec2.describe_network_interfaces(NetworkInterfaceIds=[hsm["EniId"]])["NetworkInterfaces"]
        assert (interface["SubnetId"], interface["PrivateIpAddress"]) == (hsm["SubnetId"], hsm["EniIp"])
        assert [entry["GroupId"] for entry in interface["Groups"]] == [active.describe()["SecurityGroup"]]


def test_the_address_of_an_hsm_can_be_chosen(cloud):
    cluster = cloud.create_cluster()
    hsm = cloud.cloudhsm.create_hsm(ClusterId=cluster.cluster_id, AvailabilityZone=ZONES[1], IpAddress="10.0.1.44")["Hsm"]
    assert (hsm["State"], hsm["AvailabilityZone"]) == ("CREATE_IN_PROGRESS", ZONES[1])
    shown = wait_until(lambda: cluster.hsms("ACTIVE"), "the HSM was active")
    assert shown[0]["EniIp"] == "10.0.1.44"


def test_a_second_hsm_before_activation(with_csr):
    """5.2: the text is from public reports."""
    refused = refusal(with_csr.realm.cloudhsm.create_hsm, ClusterId=with_csr.cluster_id, AvailabilityZone=ZONES[1])
    assert refused.code == INVALID
    assert f"Cluster '{with_csr.cluster_id}' already contains an HSM but has not yet been fully activated" in refused.message


# ---- what is refused: 5.2 ----


def days(value):
    return lambda network, other: {"BackupRetentionPolicy": {"Type": "DAYS", "Value": value}}


# The changes to CreateCluster in a network, another one beside it, and the exception.
WRONG_CREATES = {
    "no subnet of this account": (lambda network, other: {"SubnetIds": ["subnet-00000000000000000"]}, INVALID),
    "no subnet": (lambda network, other: {"SubnetIds": []}, INVALID),
    "subnets of two VPCs": (
        lambda network, other: {"SubnetIds": [network.subnet_ids[0], other.subnet_ids[1]]},
        INVALID,
    ),
    "an unknown type": (lambda network, other: {"HsmType": "hsm9.huge"}, INVALID),
    "a backup that does not exist": (lambda network, other: {"SourceBackupId": NO_BACKUP}, NOT_FOUND),
    "too short a retention": (days("6"), INVALID),
    "too long a retention": (days("380"), INVALID),
    "a retention that is no number": (days("week"), INVALID),
    "a tag twice": (
        lambda network, other: {"TagList": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]},
        "CloudHsmTagException",
    ),
}


@pytest.fixture(scope="module")
def networks(shared_cloud):
    """Two VPCs."""
    return shared_cloud.create_network(), shared_cloud.create_network()


@pytest.mark.parametrize("case", WRONG_CREATES)
def test_a_cluster_that_is_refused(shared_cloud, networks, case):
    changes, code = WRONG_CREATES[case]
    before = shared_cloud.cloudhsm.describe_clusters()["Clusters"]
    parameters = {"HsmType": "hsm1.medium", "SubnetIds": networks[0].subnet_ids, **changes(*networks)}
    refused = refusal(shared_cloud.unchecked("cloudhsmv2").create_cluster, **parameters)
    assert (refused.code, refused.status) == (code, 400), refused
    assert refused.message, "a person reads what to do"
    assert shared_cloud.cloudhsm.describe_clusters()["Clusters"] == before


def test_two_subnets_of_a_zone(cloud):
    """5.2: one for each Availability Zone."""
    network = cloud.create_network()
    second = cloud.ec2.create_subnet(VpcId=network.vpc_id, AvailabilityZone=ZONES[0], CidrBlock="10.0.9.0/24")["Subnet"]
    subnets = [network.subnets[ZONES[0]], second["SubnetId"]]
    assert refusal(cloud.cloudhsm.create_cluster, HsmType="hsm1.medium", SubnetIds=subnets).code == INVALID


# Operation, parameters, exception: what does not exist.
NOTHING = [
    ("create_hsm", {"ClusterId": NO_CLUSTER, "AvailabilityZone": ZONES[0]}),
    ("delete_hsm", {"ClusterId": NO_CLUSTER, "HsmId": "hsm-aaaaaaaaaaa"}),
    ("initialize_cluster", {"ClusterId": NO_CLUSTER, "SignedCert": "certificate", "TrustAnchor": "anchor"}),
    ("delete_cluster", {"ClusterId": NO_CLUSTER}),
    ("modify_cluster", {"ClusterId": NO_CLUSTER, "BackupRetentionPolicy": {"Type": "DAYS", "Value": "10"}}),
    ("delete_backup", {"BackupId": NO_BACKUP}),
    ("restore_backup", {"BackupId": NO_BACKUP}),
    ("modify_backup_attributes", {"BackupId": NO_BACKUP, "NeverExpires": True}),
    ("list_tags", {"ResourceId": NO_CLUSTER}),
    ("tag_resource", {"ResourceId": NO_BACKUP, "TagList": [{"Key": "a", "Value": "b"}]}),
    ("untag_resource", {"ResourceId": NO_CLUSTER, "TagKeyList": ["a"]}),
]


@pytest.mark.parametrize(("operation", "parameters"), NOTHING, ids=[row[0] for row in NOTHING])
def test_what_does_not_exist(shared_cloud, operation, parameters):
    refused = refusal(getattr(shared_cloud.cloudhsm, operation), **parameters)
    assert (refused.code, refused.status) == (NOT_FOUND, 400), refused
    assert parameters.get("ClusterId", parameters.get("BackupId", parameters.get("ResourceId"))) in refused.message


def test_another_accounts_cluster_does_not_exist(kryoptic_server, with_csr):
    stranger = HsmRealm(kryoptic_server).cloudhsm
    assert stranger.describe_clusters()["Clusters"] == []
    assert refusal(stranger.delete_cluster, ClusterId=with_csr.cluster_id).code == NOT_FOUND


# Shapes: 5.1.
MALFORMED = [
    ("create_hsm", {"ClusterId": "no-cluster", "AvailabilityZone": ZONES[0]}),
    ("create_hsm", {"ClusterId": NO_CLUSTER, "AvailabilityZone": "the moon"}),
    ("create_hsm", {"ClusterId": NO_CLUSTER}),
    ("delete_cluster", {}),
    ("describe_clusters", {"MaxResults": 0}),
    ("describe_clusters", {"MaxResults": 26}),
    ("describe_clusters", {"Filters": {"colours": ["red"]}}),
    ("describe_clusters", {"NextToken": "no token"}),
    ("describe_backups", {"MaxResults": 51}),
    ("describe_backups", {"NextToken": "no token"}),
    ("list_tags", {"ResourceId": "no-resource"}),
]


@pytest.mark.parametrize(("operation", "parameters"), MALFORMED, ids=lambda value: str(value)[:48])
def test_malformed_requests(shared_cloud, operation, parameters):
    client = shared_cloud.unchecked("cloudhsmv2")
    refused = refusal(getattr(client, operation), **parameters)
    assert (refused.code, refused.status) == (INVALID, 400), refused


def test_an_hsm_in_a_zone_without_subnet(uninitialized):
    refused = refusal(uninitialized.realm.cloudhsm.create_hsm, ClusterId=uninitialized.cluster_id, AvailabilityZone="us-east-1c")
    assert refused.code == INVALID


def test_delete_hsm_names_it_in_one_way(active, hsm_realm):
    """5.2: exactly one of HsmId, EniId and EniIp."""
    hsm = active.hsms("ACTIVE")[0]
    call = hsm_realm.cloudhsm.delete_hsm
    assert refusal(call, ClusterId=active.cluster_id).code == INVALID
    assert refusal(call, ClusterId=active.cluster_id, HsmId=hsm["HsmId"], EniId=hsm["EniId"]).code == INVALID
    assert len(active.hsms("ACTIVE")) == 2


@pytest.mark.parametrize("name", ["HsmId", "EniId", "EniIp"])
def test_delete_an_hsm(cloud, name):
    cluster = cloud.create_cluster()
    hsm = cluster.create_hsm(ZONES[0])
    before = free_addresses(cloud.ec2, [hsm["SubnetId"]])
    deleted = cloud.cloudhsm.delete_hsm(ClusterId=cluster.cluster_id, **{name: hsm[name]})
    assert deleted["HsmId"] == hsm["HsmId"]
    wait_until(lambda: not cluster.hsms("ACTIVE") + cluster.hsms("DELETE_IN_PROGRESS"), "the HSM was gone")
    after = free_addresses(cloud.ec2, [hsm["SubnetId"]])
    assert after[hsm["SubnetId"]] == before[hsm["SubnetId"]] + 1, "its address is free again"


def test_a_cluster_with_hsms_is_not_deleted(active):
    """5.2."""
    assert refusal(active.realm.cloudhsm.delete_cluster, ClusterId=active.cluster_id).code == INVALID


def test_delete_a_cluster(uninitialized, cloud):
    deleted = cloud.cloudhsm.delete_cluster(ClusterId=uninitialized.cluster_id)["Cluster"]
    assert (deleted["State"], deleted["StateMessage"]) == ("DELETE_IN_PROGRESS", "The cluster is being deleted.")
    wait_until(uninitialized.is_gone, "the cluster was gone")
    assert groups_named(cloud.ec2, f"cloudhsm-cluster-{uninitialized.cluster_id}-sg") == []
    assert refusal(cloud.cloudhsm.create_hsm, ClusterId=uninitialized.cluster_id, AvailabilityZone=ZONES[0]).code in (NOT_FOUND, INVALID)


# ---- trust anchors: 5.2; the issue, "Bad input" ----


# Certificate and trust anchor, from authority and CSR, by what is wrong with them.
BAD_CERTIFICATES = {
    "signed by another key of the same name": lambda ca, csr: (ca.sign(csr), ca.twin()),
    "another authority": lambda ca, csr: (ca.sign(csr), ClusterAuthority("stranger").trust_anchor),
    "another public key": lambda ca, csr: (ca.sign_another_key(csr), ca.trust_anchor),
    "expired anchor": lambda ca, csr: (ca.sign(csr), ca.expired()),
    "anchor that is no root": lambda ca, csr: (ca.sign(csr), ca.intermediate()),
    "chain instead of a root": lambda ca, csr: (ca.sign(csr), ca.intermediate() + ca.trust_anchor),
    "certificate as anchor": lambda ca, csr: (ca.sign(csr), ca.sign(csr)),
    "anchor as certificate": lambda ca, csr: (ca.trust_anchor, ca.trust_anchor),
    "CSR as certificate": lambda ca, csr: (csr, ca.trust_anchor),
    "bare base64": lambda ca, csr: (ca.sign(csr), "".join(ca.trust_anchor.splitlines()[1:-1])),
    "text": lambda ca, csr: (ca.sign(csr), "trust me"),
    "empty certificate": lambda ca, csr: ("", ca.trust_anchor),
    "cut short": lambda ca, csr: (ca.sign(csr), ca.trust_anchor[: len(ca.trust_anchor) // 2]),
}


@pytest.mark.parametrize("case", BAD_CERTIFICATES)
def test_bad_certificates(with_csr, case):
    signed, anchor = BAD_CERTIFICATES[case](with_csr.authority, with_csr.csr())
    call = with_csr.realm.unchecked("cloudhsmv2").initialize_cluster
    refused = refusal(call, ClusterId=with_csr.cluster_id, SignedCert=signed, TrustAnchor=anchor)
    assert refused.code == INVALID, refused
    assert refused.message, "it says what is wrong"
    assert with_csr.describe()["State"] == "UNINITIALIZED"


def test_line_ends_make_no_difference(cloud):
    """Compared by their bytes, not by their text."""
    cluster = cloud.create_cluster()
    cluster.create_hsm(ZONES[0])
    signed, anchor = cluster.authority.sign(cluster.csr()), cluster.authority.trust_anchor
    windows = "\r\n".join(anchor.splitlines()) + "\r\n\r\n"
    cloud.cloudhsm.initialize_cluster(ClusterId=cluster.cluster_id, SignedCert=signed, TrustAnchor=windows)
    cluster.wait_state("INITIALIZED")
    cluster.activate()


def test_initialize_without_an_hsm(uninitialized):
    """There is no CSR yet."""
    authority = uninitialized.authority
    refused = refusal(
        uninitialized.realm.cloudhsm.initialize_cluster,
        ClusterId=uninitialized.cluster_id,
        SignedCert=authority.trust_anchor,
        TrustAnchor=authority.trust_anchor,
    )
    assert refused.code == INVALID


def test_initialize_twice(active):
    authority = active.authority
    refused = refusal(
        active.realm.cloudhsm.initialize_cluster,
        ClusterId=active.cluster_id,
        SignedCert=authority.trust_anchor,
        TrustAnchor=authority.trust_anchor,
    )
    assert refused.code == INVALID
    assert active.describe()["State"] == "ACTIVE"


# ---- listings ----


def test_pages_and_filters(cloud):
    network = cloud.create_network()
    made = {cloud.create_cluster(network).cluster_id for _ in range(3)}
    seen, token = [], {}
    while True:
        page = cloud.cloudhsm.describe_clusters(MaxResults=1, **token)
        assert len(page["Clusters"]) <= 1
        seen += [entry["ClusterId"] for entry in page["Clusters"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert len(seen) == 3 and set(seen) == made
    one = sorted(made)[0]
    for filters, expected in [
        ({"clusterIds": [one]}, {one}),
        ({"clusterIds": [NO_CLUSTER]}, set()),
        ({"vpcIds": [network.vpc_id]}, made),
        ({"vpcIds": ["vpc-00000000000000000"]}, set()),
        ({"states": ["UNINITIALIZED", "ACTIVE"]}, made),
        ({"states": ["ACTIVE"]}, set()),
        ({"clusterIds": [one], "states": ["ACTIVE"]}, set()),
    ]:
        found = cloud.cloudhsm.describe_clusters(Filters=filters)["Clusters"]
        assert {entry["ClusterId"] for entry in found} == expected, filters


def test_the_quota_of_clusters(cloud):
    """3.9: four clusters in an account and Region."""
    network = cloud.create_network()
    for _ in range(4):
        cloud.create_cluster(network)
    refused = refusal(cloud.cloudhsm.create_cluster, HsmType="hsm1.medium", SubnetIds=network.subnet_ids)
    assert refused.code in ("CloudHsmResourceLimitExceededException", INVALID, "CloudHsmServiceException"), refused
    assert "4" in refused.message


# ---- tags ----


def test_tags(cloud):
    network = cloud.create_network()
    tags = [{"Key": "team", "Value": "payroll"}, {"Key": "stage", "Value": "test"}]
    cluster = cloud.create_cluster(network, TagList=tags)
    assert sorted_tags(cluster) == sorted(tags, key=lambda tag: tag["Key"])
    cloud.cloudhsm.tag_resource(ResourceId=cluster.cluster_id, TagList=[{"Key": "stage", "Value": "production"}])
    cloud.cloudhsm.untag_resource(ResourceId=cluster.cluster_id, TagKeyList=["team", "never there"])
    assert sorted_tags(cluster) == [{"Key": "stage", "Value": "production"}]
    assert cluster.describe()["TagList"] == [{"Key": "stage", "Value": "production"}]


def sorted_tags(cluster):
    tags = cluster.realm.cloudhsm.list_tags(ResourceId=cluster.cluster_id)["TagList"]
    return sorted(tags, key=lambda tag: tag["Key"])


def test_tags_page(cloud):
    cluster = cloud.create_cluster(TagList=[{"Key": f"k{number}", "Value": ""} for number in range(3)])
    first = cloud.cloudhsm.list_tags(ResourceId=cluster.cluster_id, MaxResults=2)
    second = cloud.cloudhsm.list_tags(ResourceId=cluster.cluster_id, MaxResults=2, NextToken=first["NextToken"])
    keys = [tag["Key"] for tag in first["TagList"] + second["TagList"]]
    assert sorted(keys) == ["k0", "k1", "k2"]
    assert "NextToken" not in second


# Tag restrictions of the CloudHSM User Guide: 50 tags, keys of 1 to 128, values of up to 256 characters, no aws: prefix.
BAD_TAGS = {
    "too many": [{"Key": f"k{number}", "Value": ""} for number in range(51)],
    "reserved": [{"Key": "aws:mine", "Value": ""}],
}


@pytest.mark.parametrize("case", BAD_TAGS)
def test_bad_tags(with_csr, case):
    call = with_csr.realm.cloudhsm.tag_resource
    refused = refusal(call, ResourceId=with_csr.cluster_id, TagList=BAD_TAGS[case])
    assert refused.code in ("CloudHsmTagException", "CloudHsmResourceLimitExceededException", INVALID), refused
    assert with_csr.realm.cloudhsm.list_tags(ResourceId=with_csr.cluster_id)["TagList"] == []


# ---- backups ----


def test_a_second_hsm_comes_from_a_backup(active):
    """5.2: a later HSM is made from an automatic backup of a live one."""
    backups = active.backups()
    assert backups
    for backup in backups:
        assert re.fullmatch(r"backup-[2-7a-zA-Z]{11,16}", backup["BackupId"])
        assert (backup["ClusterId"], backup["BackupState"], backup["NeverExpires"]) == (active.cluster_id, "READY", False)
        assert backup["BackupArn"].endswith(f":backup/{backup['BackupId']}")
        assert backup["BackupArn"].startswith("arn:aws:cloudhsm:us-east-1:")


def test_backups_live_on_after_their_cluster(own_hsm_realm):
    """5.2: deleting HSMs makes a backup, deleting the cluster keeps it; a new cluster starts from it, active, with the same certificate."""
    cluster = own_hsm_realm.active_cluster(zones=ZONES[:1])
    certificate = cluster.describe()["Certificates"]["ClusterCertificate"]
    cluster.delete()
    restored = own_hsm_realm.cluster_from_backup(cluster.newest_backup())
    entry = restored.describe()
    assert (entry["State"], entry["SourceBackupId"]) == ("ACTIVE", cluster.newest_backup())
    assert der(entry["Certificates"]["ClusterCertificate"]) == der(certificate)
    assert all(user["exists"] for user in restored.users_named("kmsuser")), "users are inside of backups"


def test_the_certificate_is_known_before_the_first_hsm(active):
    """5.2: from a backup a cluster already has its certificate, and is not initialized again."""
    realm = active.realm
    restored = realm.create_cluster(SourceBackupId=active.newest_backup())
    entry = restored.describe()
    assert der(entry["Certificates"]["ClusterCertificate"]) == der(active.describe()["Certificates"]["ClusterCertificate"])
    call = realm.cloudhsm.initialize_cluster
    anchor = realm.authority.trust_anchor
    assert refusal(call, ClusterId=restored.cluster_id, SignedCert=anchor, TrustAnchor=anchor).code == INVALID
    restored.delete()


def test_delete_and_restore_a_backup(active):
    client, backup = active.realm.cloudhsm, active.newest_backup()
    deleted = client.delete_backup(BackupId=backup)["Backup"]
    assert deleted["BackupState"] == "PENDING_DELETION"
    waiting = deleted["DeleteTimestamp"] - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(days=6) < waiting <= datetime.timedelta(days=7), "it can be restored for seven days"
    subnets = active.network.subnet_ids
    refused = refusal(client.create_cluster, HsmType="hsm1.medium", SubnetIds=subnets, SourceBackupId=backup)
    assert refused.code == INVALID
    assert refusal(client.delete_backup, BackupId=backup).code == INVALID
    restored = client.restore_backup(BackupId=backup)["Backup"]
    assert (restored["BackupState"], "DeleteTimestamp" in restored) == ("READY", False)
    assert refusal(client.restore_backup, BackupId=backup).code == INVALID


def test_a_backup_that_never_expires(active):
    client, backup = active.realm.cloudhsm, active.newest_backup()
    assert client.modify_backup_attributes(BackupId=backup, NeverExpires=True)["Backup"]["NeverExpires"] is True
    found = client.describe_backups(Filters={"neverExpires": ["true"]})["Backups"]
    assert [entry["BackupId"] for entry in found] == [backup]
    assert client.modify_backup_attributes(BackupId=backup, NeverExpires=False)["Backup"]["NeverExpires"] is False


def test_pages_and_filters_of_backups(active):
    client = active.realm.cloudhsm
    everything = client.describe_backups()["Backups"]
    times = [entry["CreateTimestamp"] for entry in everything]
    ascending = [entry["CreateTimestamp"] for entry in client.describe_backups(SortAscending=True)["Backups"]]
    assert ascending == sorted(times)
    (one,) = client.describe_backups(Filters={"backupIds": [everything[0]["BackupId"]]})["Backups"]
    assert one == everything[0]
    assert client.describe_backups(Filters={"clusterIds": [NO_CLUSTER]})["Backups"] == []
    page = client.describe_backups(MaxResults=1)
    assert len(page["Backups"]) == 1
    assert ("NextToken" in page) is (len(everything) > 1)


def test_how_long_backups_are_kept(active):
    client = active.realm.cloudhsm
    policy = {"Type": "DAYS", "Value": "30"}
    changed = client.modify_cluster(ClusterId=active.cluster_id, BackupRetentionPolicy=policy)["Cluster"]
    assert changed["BackupRetentionPolicy"] == policy
    assert active.wait_state("ACTIVE")["BackupRetentionPolicy"] == policy


# ---- the real CLI, and what else speaks to the endpoint ----


def test_the_cli(with_csr, tmp_path):
    cli = AwsCli(with_csr.realm.variables(), tmp_path, "cloudhsmv2")
    (shown,) = cli.succeed("describe-clusters", "--filters", f"clusterIds={with_csr.cluster_id}")["Clusters"]
    assert shown["Certificates"]["ClusterCsr"] == with_csr.csr()
    message = cli.fail("delete-cluster", "--cluster-id", with_csr.cluster_id)
    assert f"({INVALID})" in message


def test_an_operation_that_is_not_served(shared_cloud):
    refused = refusal(
        shared_cloud.cloudhsm.copy_backup_to_region, DestinationRegion="eu-west-1", BackupId=NO_BACKUP
    )
    assert refused.status == 400
    assert refused.message


@pytest.mark.parametrize("attempt", range(2))
def test_clusters_survive_a_crash(make_installation, hsm_module, attempt):
    """kill -9 at any time between CreateHsm and ACTIVE: the HSM becomes active after the restart."""
    server = make_installation(module_settings(hsm_module)).start()
    realm = HsmRealm(server)
    cluster = realm.create_cluster()
    realm.cloudhsm.create_hsm(ClusterId=cluster.cluster_id, AvailabilityZone=ZONES[attempt])
    server.kill()
    server.start()
    realm.reconnect()
    wait_until(lambda: cluster.hsms("ACTIVE"), "the HSM was active", 90)
    assert len(cluster.hsms()) == 1
    cluster.initialize()
    cluster.activate()
