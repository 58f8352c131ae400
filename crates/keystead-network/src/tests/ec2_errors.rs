//! Bad requests, and the code that each is answered with.

use super::account;
use super::ec2::Client;

/// Operation, parameters (`VPC`, `SUBNET`, `GROUP`, `DEFAULT`, `ENI` stand for IDs of resources that are there), error code.
const BAD_REQUESTS: &[(&str, &str, &str)] = &[
    ("RunInstances", "", "InvalidAction"),
    ("describevpcs", "", "InvalidAction"),
    ("CreateVpc", "", "MissingParameter"),
    ("CreateVpc", "CidrBlock=10.0.0.0", "InvalidParameterValue"),
    ("CreateVpc", "CidrBlock=10.0.0.0/8", "InvalidVpc.Range"),
    ("CreateVpc", "CidrBlock=10.0.0.0/16&CidrBlock=10.0.0.0/16", "InvalidParameterCombination"),
    ("CreateVpc", "CidrBlock=10.0.0.0/16&InstanceTenancy=dedicated", "InvalidParameterValue"),
    ("CreateVpc", "CidrBlock=10.0.0.0/16&AmazonProvidedIpv6CidrBlock=true", "InvalidParameterValue"),
    ("CreateVpc", "CidrBlock=10.0.0.0/16&Ipv4IpamPoolId=ipam-1", "UnknownParameter"),
    ("CreateVpc", "CidrBlock=10.0.0.0/16&DryRun=maybe", "InvalidParameterValue"),
    (
        "CreateVpc",
        "CidrBlock=10.0.0.0/16&TagSpecification.1.ResourceType=subnet&TagSpecification.1.Tag.1.Key=k",
        "InvalidParameterValue",
    ),
    (
        "CreateVpc",
        "CidrBlock=10.0.0.0/16&TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=aws:k",
        "InvalidParameterValue",
    ),
    ("DescribeVpcs", "VpcId.1=vpc-x", "InvalidVpcID.NotFound"),
    ("DescribeVpcs", "VpcId=VPC", "UnknownParameter"),
    ("DescribeVpcs", "VpcId.1=VPC&MaxResults=5", "InvalidParameterCombination"),
    ("DescribeVpcs", "MaxResults=4", "InvalidParameterValue"),
    ("DescribeVpcs", "MaxResults=many", "InvalidParameterValue"),
    ("DescribeVpcs", "NextToken=zz", "InvalidNextToken"),
    ("DescribeVpcs", "Filter.1.Name=colour&Filter.1.Value.1=red", "InvalidParameterValue"),
    ("DescribeVpcs", "Filter.1.Value.1=red", "MissingParameter"),
    ("DescribeVpcs", "Filter.1.Name=state&Filter.1.Values.1=x", "UnknownParameter"),
    ("DeleteVpc", "VpcId=vpc-x", "InvalidVpcID.NotFound"),
    ("DeleteVpc", "VpcId=VPC", "DependencyViolation"),
    ("CreateSubnet", "VpcId=vpc-x&CidrBlock=10.0.9.0/24", "InvalidVpcID.NotFound"),
    ("CreateSubnet", "VpcId=VPC", "MissingParameter"),
    ("CreateSubnet", "VpcId=VPC&CidrBlock=10.0.0.0/24", "InvalidSubnet.Conflict"),
    ("CreateSubnet", "VpcId=VPC&CidrBlock=10.9.0.0/24", "InvalidSubnet.Range"),
    ("CreateSubnet", "VpcId=VPC&CidrBlock=10.0.9.0/24&AvailabilityZone=mars-1a", "InvalidParameterValue"),
    ("CreateSubnet", "VpcId=VPC&CidrBlock=10.0.9.0/24&AvailabilityZoneId=mars-az1", "InvalidParameterValue"),
    (
        "CreateSubnet",
        "VpcId=VPC&CidrBlock=10.0.9.0/24&AvailabilityZone=us-east-1a&AvailabilityZoneId=use1-az1",
        "InvalidParameterCombination",
    ),
    ("DescribeSubnets", "SubnetId.1=subnet-x", "InvalidSubnetID.NotFound"),
    ("DeleteSubnet", "SubnetId=SUBNET", "DependencyViolation"),
    ("DeleteSubnet", "SubnetId=subnet-x", "InvalidSubnetID.NotFound"),
    ("CreateSecurityGroup", "GroupName=g&GroupDescription=d", "VPCIdNotSpecified"),
    ("CreateSecurityGroup", "GroupName=g&VpcId=VPC", "MissingParameter"),
    ("CreateSecurityGroup", "GroupName=g&GroupDescription=d&VpcId=vpc-x", "InvalidVpcID.NotFound"),
    ("CreateSecurityGroup", "GroupName=mine&GroupDescription=d&VpcId=VPC", "InvalidGroup.Duplicate"),
    ("CreateSecurityGroup", "GroupName=default&GroupDescription=d&VpcId=VPC", "InvalidGroup.Reserved"),
    ("CreateSecurityGroup", "GroupName=g%00&GroupDescription=d&VpcId=VPC", "InvalidParameterValue"),
    ("DescribeSecurityGroups", "GroupId.1=sg-x", "InvalidGroup.NotFound"),
    ("DescribeSecurityGroups", "GroupName.1=mine", "VPCIdNotSpecified"),
    ("DeleteSecurityGroup", "", "MissingParameter"),
    ("DeleteSecurityGroup", "GroupName=mine", "VPCIdNotSpecified"),
    ("DeleteSecurityGroup", "GroupId=sg-x", "InvalidGroup.NotFound"),
    ("DeleteSecurityGroup", "GroupId=GROUP", "DependencyViolation"),
    ("DeleteSecurityGroup", "GroupId=DEFAULT", "CannotDelete"),
    ("DescribeSecurityGroupRules", "SecurityGroupRuleId.1=sgr-x", "InvalidSecurityGroupRuleId.NotFound"),
    ("AuthorizeSecurityGroupIngress", "GroupId=GROUP", "MissingParameter"),
    ("AuthorizeSecurityGroupIngress", "GroupId=GROUP&IpPermissions.1.FromPort=1", "MissingParameter"),
    ("AuthorizeSecurityGroupIngress", "GroupId=GROUP&IpPermissions.1.IpProtocol=-1", "InvalidPermission.Malformed"),
    ("AuthorizeSecurityGroupIngress", "GroupId=GROUP&IpProtocol=tls&CidrIp=10.0.0.0/8", "InvalidParameterValue"),
    (
        "AuthorizeSecurityGroupIngress",
        "GroupId=GROUP&IpProtocol=tcp&FromPort=2&ToPort=1&CidrIp=10.0.0.0/8",
        "InvalidPermission.Malformed",
    ),
    (
        "AuthorizeSecurityGroupIngress",
        "GroupId=GROUP&IpProtocol=tcp&FromPort=one&ToPort=1&CidrIp=10.0.0.0/8",
        "InvalidParameterValue",
    ),
    (
        "AuthorizeSecurityGroupIngress",
        "GroupId=GROUP&IpPermissions.1.IpProtocol=-1&IpPermissions.1.Groups.1.GroupId=sg-x",
        "InvalidGroup.NotFound",
    ),
    (
        "AuthorizeSecurityGroupIngress",
        "GroupId=GROUP&IpPermissions.1.IpProtocol=-1&IpPermissions.1.Groups.1.GroupId=GROUP&IpPermissions.1.Groups.1.UserId=1",
        "InvalidGroup.NotFound",
    ),
    (
        "AuthorizeSecurityGroupIngress",
        "GroupId=GROUP&IpPermissions.1.IpProtocol=-1&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0/8\
         &IpPermissions.1.Ipv6Ranges.1.CidrIpv6=::/0",
        "UnknownParameter",
    ),
    (
        "AuthorizeSecurityGroupEgress",
        "GroupId=GROUP&IpPermissions.1.IpProtocol=-1&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0",
        "InvalidPermission.Duplicate",
    ),
    ("RevokeSecurityGroupEgress", "GroupId=GROUP&SecurityGroupRuleId.1=sgr-x", "InvalidSecurityGroupRuleId.NotFound"),
    ("RevokeSecurityGroupIngress", "GroupId=sg-x&IpProtocol=-1&CidrIp=10.0.0.0/8", "InvalidGroup.NotFound"),
    ("RevokeSecurityGroupIngress", "GroupId=GROUP&IpProtocol=-1&CidrIp=10.0.0.0/8", "InvalidPermission.NotFound"),
    (
        "RevokeSecurityGroupIngress",
        "GroupId=GROUP&SecurityGroupRuleId.1=sgr-x&IpProtocol=-1&CidrIp=10.0.0.0/8",
        "InvalidParameterCombination",
    ),
    ("CreateNetworkInterface", "", "MissingParameter"),
    ("CreateNetworkInterface", "SubnetId=subnet-x", "InvalidSubnetID.NotFound"),
    ("CreateNetworkInterface", "SubnetId=SUBNET&SecurityGroupId.1=sg-x", "InvalidGroup.NotFound"),
    ("CreateNetworkInterface", "SubnetId=SUBNET&PrivateIpAddress=ten", "InvalidParameterValue"),
    ("CreateNetworkInterface", "SubnetId=SUBNET&PrivateIpAddress=10.0.0.1", "InvalidParameterValue"),
    ("CreateNetworkInterface", "SubnetId=SUBNET&PrivateIpAddress=10.0.0.4", "InvalidIPAddress.InUse"),
    ("CreateNetworkInterface", "SubnetId=SUBNET&InterfaceType=efa", "InvalidParameterValue"),
    ("CreateNetworkInterface", "SubnetId=SUBNET&Ipv6AddressCount=1", "UnknownParameter"),
    ("CreateNetworkInterface", "SubnetId=SUBNET&ClientToken=used&Description=other", "IdempotentParameterMismatch"),
    ("DescribeNetworkInterfaces", "NetworkInterfaceId.1=eni-x", "InvalidNetworkInterfaceID.NotFound"),
    ("DeleteNetworkInterface", "NetworkInterfaceId=eni-x", "InvalidNetworkInterfaceID.NotFound"),
    ("CreateTags", "Tag.1.Key=k", "MissingParameter"),
    ("CreateTags", "ResourceId.1=VPC", "MissingParameter"),
    ("CreateTags", "ResourceId.1=VPC&ResourceId.2=subnet-x&Tag.1.Key=k", "InvalidSubnetID.NotFound"),
    ("CreateTags", "ResourceId.1=ami-1&Tag.1.Key=k", "InvalidID"),
    ("CreateTags", "ResourceId.1=VPC&Tag.1.Key=", "InvalidParameterValue"),
    ("DeleteTags", "ResourceId.1=eni-x", "InvalidNetworkInterfaceID.NotFound"),
    ("DescribeTags", "Filter.1.Name=tag-key&Filter.1.Value.1=k", "InvalidParameterValue"),
    ("DescribeAvailabilityZones", "ZoneId.1=mars", "InvalidParameterValue"),
    ("DescribeVpcs", "A.B.C.D.E.F.G=1", "UnknownParameter"),
];

#[tokio::test]
async fn every_bad_request_has_its_code_and_changes_nothing() {
    let client = Client::new();
    let sample = client.network.create_sample_vpc(&account()).await.unwrap();
    let (vpc_id, subnet_id) = (&sample.vpc_id, &sample.subnet_ids[0]);
    let default = client.ok("DescribeSecurityGroups", "").await.one("groupId").to_owned();
    let group = format!("VpcId={vpc_id}&GroupName=mine&GroupDescription=d");
    let group_id = client.ok("CreateSecurityGroup", &group).await.one("groupId").to_owned();
    let interface = format!("SubnetId={subnet_id}&SecurityGroupId.1={group_id}&ClientToken=used");
    client.ok("CreateNetworkInterface", &interface).await;
    let before = client.store.contents();
    for (action, parameters, code) in BAD_REQUESTS {
        let parameters = parameters
            .replace("=VPC", &format!("={vpc_id}"))
            .replace("=SUBNET", &format!("={subnet_id}"))
            .replace("=GROUP", &format!("={group_id}"))
            .replace("=DEFAULT", &format!("={default}"));
        let reply = client.call(action, &parameters).await;
        assert_eq!(reply.code(), Some(*code), "{action} {parameters}: {}", reply.body);
        assert_eq!(reply.status, 400, "{action} {parameters}");
        assert!(reply.one("Message").len() > 10, "{}", reply.body);
        assert_eq!(client.store.contents(), before, "{action} {parameters}");
    }
}

#[tokio::test]
async fn too_many_resources_or_values_at_once() {
    let client = Client::new();
    let list = |name: &str, count: usize| (1..=count).map(|n| format!("&{name}.{n}=x")).collect::<String>();
    for (action, parameters) in [
        ("CreateTags", format!("Tag.1.Key=k{}", list("ResourceId", 1001))),
        ("DeleteTags", format!("Tag.1.Key=k{}", list("ResourceId", 1001))),
        ("DescribeVpcs", format!("Filter.1.Name=state{}", list("Filter.1.Value", 201))),
    ] {
        let reply = client.call(action, &parameters).await;
        assert_eq!((reply.code(), reply.status), (Some("InvalidParameterValue"), 400), "{}", reply.body);
    }
    client.ok("DescribeVpcs", &format!("Filter.1.Name=state{}", list("Filter.1.Value", 200))).await;
}

#[tokio::test]
async fn requests_that_name_no_operation_or_another_version() {
    let client = Client::new();
    let long = "a".repeat(70_000);
    for (body, code, status) in [
        ("", "MissingAction", 400),
        ("Version=2016-11-15", "MissingAction", 400),
        ("{\"Action\": 1}", "MissingAction", 400),
        ("Action=DescribeVpcs", "MissingParameter", 400),
        ("Action=DescribeVpcs&Version=2014-10-01", "NoSuchVersion", 400),
        (&long, "RequestEntityTooLarge", 413),
    ] {
        let reply = client.raw(account(), body).await;
        assert_eq!((reply.code(), reply.status), (Some(code), status), "{}", reply.body);
    }
}

#[tokio::test]
async fn a_body_of_any_bytes_is_answered() {
    let client = Client::new();
    for length in 0..200_u32 {
        let noise: Vec<u8> = (0..length).map(|index| ((index * 7919 + length * 104_729) >> 3) as u8).collect();
        let body = format!("Action=DescribeVpcs&Version=2016-11-15&{}", String::from_utf8_lossy(&noise));
        let reply = client.raw(account(), &body).await;
        assert!(reply.status == 200 || reply.status == 400, "{length}: {}", reply.body);
    }
}
