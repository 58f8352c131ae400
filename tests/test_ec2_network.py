"""VPCs, subnets, security groups and network interfaces in the EC2 query protocol.

Source: digest cloudhsm-key-stores.md, section 6; error codes of the EC2 API Reference.
"""

import re

import pytest

from support.aws_cli import AwsCli
from support.hsm_network import create_network, free_addresses
from support.hsm_realm import HsmRealm
from support.sdk_client import refusal

SELF_RULE_PORTS = (2223, 2225)


@pytest.fixture(scope="module")
def ec2(shared_cloud):
    return shared_cloud.ec2


@pytest.fixture
def vpc(ec2):
    """A VPC of the test's own."""
    return ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]


@pytest.fixture
def subnet(ec2, vpc):
    return new_subnet(ec2, vpc)


def new_subnet(ec2, vpc, cidr="10.20.1.0/24", zone="us-east-1a"):
    return ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"]["SubnetId"]


@pytest.fixture
def group(ec2, vpc):
    return new_group(ec2, vpc, "of the test")


def new_group(ec2, vpc, name):
    return ec2.create_security_group(VpcId=vpc, GroupName=name, Description="of a test")["GroupId"]


def rule(**members):
    return [{"IpProtocol": "tcp", "FromPort": SELF_RULE_PORTS[0], "ToPort": SELF_RULE_PORTS[1], **members}]


# ---- VPCs ----


def test_a_vpc(shared_cloud, ec2):
    made = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]
    assert re.fullmatch(r"vpc-[0-9a-f]{17}", made["VpcId"])
    (described,) = ec2.describe_vpcs(VpcIds=[made["VpcId"]])["Vpcs"]
    expected = {"CidrBlock": "10.9.0.0/16", "State": "available", "IsDefault": False, "OwnerId": shared_cloud.tenant.account}
    assert {name: described[name] for name in expected} == expected


def test_a_vpc_has_a_default_group(ec2, vpc):
    """A new VPC comes with a security group `default`, which lets its members talk to each other and out."""
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    (group,) = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    (inbound,) = group["IpPermissions"]
    assert [pair["GroupId"] for pair in inbound["UserIdGroupPairs"]] == [group["GroupId"]]


def test_delete_a_vpc(ec2, vpc):
    ec2.delete_vpc(VpcId=vpc)
    assert refusal(ec2.describe_vpcs, VpcIds=[vpc]).code == "InvalidVpcID.NotFound"


def test_what_is_in_a_vpc_keeps_it(ec2, vpc, subnet):
    assert refusal(ec2.delete_vpc, VpcId=vpc).code == "DependencyViolation"
    ec2.delete_subnet(SubnetId=subnet)
    group = new_group(ec2, vpc, "keeps it")
    assert refusal(ec2.delete_vpc, VpcId=vpc).code == "DependencyViolation"
    ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=vpc)


# ---- subnets ----


@pytest.mark.parametrize(("prefix", "free"), [(28, 11), (24, 251), (20, 4091)])
def test_a_subnet_and_its_free_addresses(ec2, vpc, prefix, free):
    """6.2: EC2 keeps five addresses of each subnet."""
    made = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.0.0/{prefix}", AvailabilityZone="us-east-1b")["Subnet"]
    assert re.fullmatch(r"subnet-[0-9a-f]{17}", made["SubnetId"])
    (described,) = ec2.describe_subnets(SubnetIds=[made["SubnetId"]])["Subnets"]
    expected = {"VpcId": vpc, "AvailabilityZone": "us-east-1b", "State": "available", "AvailableIpAddressCount": free}
    assert {name: described[name] for name in expected} == expected


def test_subnets_must_not_overlap(ec2, vpc, subnet):
    refused = refusal(ec2.create_subnet, VpcId=vpc, CidrBlock="10.20.1.128/25", AvailabilityZone="us-east-1b")
    assert refused.code == "InvalidSubnet.Conflict"


# EC2 API Reference, CreateVpc and CreateSubnet: block sizes of /16 to /28.
WRONG_BLOCKS = {
    "outside of the VPC": ("10.21.0.0/24", "InvalidSubnet.Range"),
    "too small": ("10.20.2.0/29", "InvalidSubnet.Range"),
    "no block": ("10.20.2.0", "InvalidParameterValue"),
    "no address": ("somewhere/24", "InvalidParameterValue"),
}


@pytest.mark.parametrize("case", WRONG_BLOCKS)
def test_wrong_blocks(ec2, vpc, case):
    block, code = WRONG_BLOCKS[case]
    refused = refusal(ec2.create_subnet, VpcId=vpc, CidrBlock=block, AvailabilityZone="us-east-1a")
    assert (refused.code, refused.status) == (code, 400)
    assert ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"] == []


def test_a_zone_of_another_region(ec2, vpc):
    call = ec2.create_subnet
    assert refusal(call, VpcId=vpc, CidrBlock="10.20.3.0/24", AvailabilityZone="eu-west-1a").code == "InvalidParameterValue"


def test_an_interface_keeps_its_subnet(ec2, subnet):
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    assert refusal(ec2.delete_subnet, SubnetId=subnet).code == "DependencyViolation"
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    ec2.delete_subnet(SubnetId=subnet)
    assert refusal(ec2.describe_subnets, SubnetIds=[subnet]).code == "InvalidSubnetID.NotFound"


# ---- security groups and rules ----


def test_a_group_lets_everything_out_and_nothing_in(ec2, vpc, group):
    """6.2: a new group has one rule."""
    (described,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert (described["GroupName"], described["VpcId"], described["Description"]) == ("of the test", vpc, "of a test")
    assert described["IpPermissions"] == []
    (out,) = described["IpPermissionsEgress"]
    assert (out["IpProtocol"], [block["CidrIp"] for block in out["IpRanges"]]) == ("-1", ["0.0.0.0/0"])


def permissions(ec2, group, direction):
    (described,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    return described[direction]


def test_a_rule_between_members(ec2, group):
    """The rule that a cluster's group has."""
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rule(UserIdGroupPairs=[{"GroupId": group}]))
    (inbound,) = permissions(ec2, group, "IpPermissions")
    assert (inbound["IpProtocol"], inbound["FromPort"], inbound["ToPort"]) == ("tcp", 2223, 2225)
    assert [pair["GroupId"] for pair in inbound["UserIdGroupPairs"]] == [group]
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=rule(UserIdGroupPairs=[{"GroupId": group}]))
    assert permissions(ec2, group, "IpPermissions") == []


def test_a_rule_for_a_block(ec2, group):
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=rule(IpRanges=[{"CidrIp": "10.0.0.0/8"}]))
    blocks = [block["CidrIp"] for entry in permissions(ec2, group, "IpPermissionsEgress") for block in entry["IpRanges"]]
    assert sorted(blocks) == ["0.0.0.0/0", "10.0.0.0/8"]
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=everything)
    (left,) = permissions(ec2, group, "IpPermissionsEgress")
    assert left["IpRanges"][0]["CidrIp"] == "10.0.0.0/8"


def test_the_rules_by_themselves(ec2, group):
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rule(IpRanges=[{"CidrIp": "10.0.0.0/8"}]))
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    seen = {(entry["IsEgress"], entry["IpProtocol"], entry["CidrIpv4"]) for entry in rules}
    assert seen == {(False, "tcp", "10.0.0.0/8"), (True, "-1", "0.0.0.0/0")}


def test_a_rule_twice(ec2, group):
    permission = rule(IpRanges=[{"CidrIp": "10.0.0.0/8"}])
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=permission)
    refused = refusal(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=permission)
    assert refused.code == "InvalidPermission.Duplicate"


def test_a_name_twice_in_a_vpc(ec2, vpc, group):
    refused = refusal(ec2.create_security_group, VpcId=vpc, GroupName="of the test", Description="again")
    assert refused.code == "InvalidGroup.Duplicate"


def test_a_group_that_another_names(ec2, vpc, group):
    other = new_group(ec2, vpc, "names the first")
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=rule(UserIdGroupPairs=[{"GroupId": group}]))
    assert refusal(ec2.delete_security_group, GroupId=group).code == "DependencyViolation"
    ec2.delete_security_group(GroupId=other)
    ec2.delete_security_group(GroupId=group)


def test_a_group_of_an_interface(ec2, subnet, group):
    interface = ec2.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]["NetworkInterfaceId"]
    assert refusal(ec2.delete_security_group, GroupId=group).code == "DependencyViolation"
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    ec2.delete_security_group(GroupId=group)


# ---- network interfaces ----


def test_an_interface_takes_an_address(ec2, subnet, group):
    before = free_addresses(ec2, [subnet])[subnet]
    made = ec2.create_network_interface(SubnetId=subnet, Description="a test's", Groups=[group])["NetworkInterface"]
    assert re.fullmatch(r"eni-[0-9a-f]{17}", made["NetworkInterfaceId"])
    (described,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[made["NetworkInterfaceId"]])["NetworkInterfaces"]
    assert (described["Description"], described["RequesterManaged"]) == ("a test's", False)
    assert (described["SubnetId"], described["AvailabilityZone"]) == (subnet, "us-east-1a")
    assert described["PrivateIpAddress"].startswith("10.20.1.")
    assert [entry["GroupId"] for entry in described["Groups"]] == [group]
    assert free_addresses(ec2, [subnet])[subnet] == before - 1
    ec2.delete_network_interface(NetworkInterfaceId=made["NetworkInterfaceId"])
    assert free_addresses(ec2, [subnet])[subnet] == before


def test_a_subnet_can_be_filled(ec2, vpc):
    """Eleven addresses in a /28; the twelfth interface gets none, and nobody gets the same one."""
    small = new_subnet(ec2, vpc, cidr="10.20.7.0/28")
    made = [ec2.create_network_interface(SubnetId=small)["NetworkInterface"]["PrivateIpAddress"] for _ in range(11)]
    assert len(set(made)) == 11
    assert free_addresses(ec2, [small])[small] == 0
    assert refusal(ec2.create_network_interface, SubnetId=small).code == "InsufficientFreeAddressesInSubnet"


def test_an_address_of_ones_own_choice(ec2, subnet):
    made = ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress="10.20.1.77")["NetworkInterface"]
    assert made["PrivateIpAddress"] == "10.20.1.77"
    refused = refusal(ec2.create_network_interface, SubnetId=subnet, PrivateIpAddress="10.20.1.77")
    assert refused.code == "InvalidIPAddress.InUse"


# ---- what does not exist, and other accounts ----

NOTHING = {
    "describe_vpcs": ({"VpcIds": ["vpc-00000000000000000"]}, "InvalidVpcID.NotFound"),
    "delete_vpc": ({"VpcId": "vpc-00000000000000000"}, "InvalidVpcID.NotFound"),
    "describe_subnets": ({"SubnetIds": ["subnet-00000000000000000"]}, "InvalidSubnetID.NotFound"),
    "delete_subnet": ({"SubnetId": "subnet-00000000000000000"}, "InvalidSubnetID.NotFound"),
    "describe_security_groups": ({"GroupIds": ["sg-00000000000000000"]}, "InvalidGroup.NotFound"),
    "delete_security_group": ({"GroupId": "sg-00000000000000000"}, "InvalidGroup.NotFound"),
    "describe_network_interfaces": (
        {"NetworkInterfaceIds": ["eni-00000000000000000"]},
        "InvalidNetworkInterfaceID.NotFound",
    ),
    "delete_network_interface": ({"NetworkInterfaceId": "eni-00000000000000000"}, "InvalidNetworkInterfaceID.NotFound"),
}


@pytest.mark.parametrize("operation", NOTHING)
def test_what_does_not_exist(ec2, operation):
    parameters, code = NOTHING[operation]
    refused = refusal(getattr(ec2, operation), **parameters)
    assert (refused.code, refused.status) == (code, 400)
    (named,) = parameters.values()
    assert (named[0] if isinstance(named, list) else named) in refused.message


def test_another_accounts_network_does_not_exist(kryoptic_server, ec2, vpc):
    stranger = HsmRealm(kryoptic_server)
    assert refusal(stranger.ec2.describe_vpcs, VpcIds=[vpc]).code == "InvalidVpcID.NotFound"
    assert refusal(stranger.ec2.delete_vpc, VpcId=vpc).code == "InvalidVpcID.NotFound"
    assert stranger.ec2.describe_vpcs()["Vpcs"] == []


def test_an_operation_that_is_not_served(ec2):
    refused = refusal(ec2.describe_instances)
    assert (refused.code, refused.status) == ("InvalidAction", 400)


def test_it_survives_a_restart(make_installation):
    server = make_installation().start()
    realm = HsmRealm(server)
    network = create_network(realm.ec2)
    server.kill()
    server.start()
    realm.reconnect()
    assert set(free_addresses(realm.ec2, network.subnet_ids).values()) == {251}


# ---- the real CLI ----


def test_the_cli(cloud, tmp_path):
    cli = AwsCli(cloud.variables(), tmp_path, "ec2")
    vpc = cli.succeed("create-vpc", "--cidr-block", "10.30.0.0/16")["Vpc"]["VpcId"]
    subnet = cli.succeed(
        "create-subnet",
        *("--vpc-id", vpc),
        *("--cidr-block", "10.30.1.0/24"),
        *("--availability-zone", "us-east-1a"),
    )["Subnet"]["SubnetId"]
    described = cli.succeed("describe-subnets", "--filters", f"Name=vpc-id,Values={vpc}")["Subnets"]
    assert [entry["SubnetId"] for entry in described] == [subnet]
    group = cli.succeed(
        "create-security-group", "--group-name", "cli", "--description", "from the CLI", "--vpc-id", vpc
    )["GroupId"]
    ingress = ["--group-id", group, "--protocol", "tcp", "--port", "2223-2225", "--source-group", group]
    cli.succeed("authorize-security-group-ingress", *ingress)
    (shown,) = cli.succeed("describe-security-groups", "--group-ids", group)["SecurityGroups"]
    assert shown["IpPermissions"][0]["ToPort"] == 2225
    assert cli.succeed("describe-network-interfaces", "--filters", f"Name=vpc-id,Values={vpc}") == {"NetworkInterfaces": []}
