"""VPCs with a subnet in each of some Availability Zones, made through the EC2 API."""

from dataclasses import dataclass

ZONES = ("us-east-1a", "us-east-1b")


@dataclass(frozen=True)
class Network:
    """A VPC and its subnets by Availability Zone."""

    vpc_id: str
    subnets: dict

    @property
    def subnet_ids(self):
        return list(self.subnets.values())


def create_network(ec2, zones=ZONES, prefix=24):
    """A VPC with one subnet of 2^(32 - prefix) addresses in each zone."""
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = {}
    for number, zone in enumerate(zones):
        subnet = ec2.create_subnet(VpcId=vpc_id, AvailabilityZone=zone, CidrBlock=f"10.0.{number}.0/{prefix}")
        subnets[zone] = subnet["Subnet"]["SubnetId"]
    return Network(vpc_id, subnets)


def free_addresses(ec2, subnet_ids):
    """`AvailableIpAddressCount` by subnet."""
    subnets = ec2.describe_subnets(SubnetIds=list(subnet_ids))["Subnets"]
    return {subnet["SubnetId"]: subnet["AvailableIpAddressCount"] for subnet in subnets}


def groups_named(ec2, name):
    """The security groups of this name."""
    return ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [name]}])["SecurityGroups"]


def interfaces_described(ec2, description):
    """The network interfaces with exactly this description."""
    filters = [{"Name": "description", "Values": [description]}]
    return ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
