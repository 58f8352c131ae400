//! The EC2 query API, request by request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keystead_core::KmsError;
use keystead_core::access::{Principal, PrincipalPolicies};
use keystead_core::api_service::{ApiService, ServiceAnswer, ServiceAudit};
use keystead_core::audit::AuditRecord;
use keystead_core::kms::{Caller, RequestOrigin};
use keystead_core::port::{AuditError, AuditLog, SystemClock, SystemEntropy};
use keystead_model::arn::{AccountId, CustomKeyStoreId};
use keystead_model::kms::Exception;
use serde_json::Value;

use super::memory_store::MemoryStore;
use super::{account, network_over, region};
use crate::{ClusterNetwork, Ec2Service, Network};

#[derive(Default)]
pub(super) struct Records {
    records: Mutex<Vec<Value>>,
    broken: AtomicBool,
}

#[async_trait]
impl AuditLog for Records {
    async fn write(&self, record: AuditRecord) -> Result<(), AuditError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(AuditError("no space left".to_owned()));
        }
        self.records.lock().unwrap().push(serde_json::to_value(record).unwrap());
        Ok(())
    }
}

pub(super) struct Client {
    pub(super) network: Arc<Network>,
    pub(super) store: Arc<MemoryStore>,
    service: Ec2Service,
    records: Arc<Records>,
}

/// A parsed answer.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Reply {
    fn of(answer: ServiceAnswer) -> Self {
        assert_eq!(answer.content_type, "text/xml;charset=UTF-8");
        Self { status: answer.status, body: String::from_utf8(answer.body).unwrap() }
    }

    /// The text of every element of that name.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let rest = self.body.split(&open).skip(1);
        rest.map(|rest| rest.split(&close).next().unwrap()).collect()
    }

    /// The text of the first element of that name.
    pub(super) fn one(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or_else(|| panic!("no {name} in {}", self.body))
    }

    pub(super) fn code(&self) -> Option<&str> {
        self.all("Code").first().copied()
    }
}

impl Client {
    pub(super) fn new() -> Self {
        let store = Arc::new(MemoryStore::default());
        let network = Arc::new(network_over(&store));
        let records = Arc::new(Records::default());
        let audit = ServiceAudit {
            event_source: Ec2Service::EVENT_SOURCE,
            region: region(),
            audit_log: records.clone(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        };
        Self { service: Ec2Service::new(network.clone(), audit), network, store, records }
    }

    pub(super) async fn raw(&self, account: AccountId, body: &str) -> Reply {
        let caller = Caller {
            principal: Arc::new(Principal::root(account)),
            policies: PrincipalPolicies::none(),
            access_key_id: "AKIAEXAMPLE".to_owned(),
            region: region(),
            origin: origin(),
        };
        Reply::of(self.service.invoke(None, body.as_bytes(), &caller).await)
    }

    /// Calls an operation with parameters, such as `VpcId=vpc-1&...`.
    pub(super) async fn call(&self, action: &str, parameters: &str) -> Reply {
        self.raw(account(), &format!("Action={action}&Version=2016-11-15&{parameters}")).await
    }

    /// The same; it must succeed.
    pub(super) async fn ok(&self, action: &str, parameters: &str) -> Reply {
        let reply = self.call(action, parameters).await;
        assert_eq!(reply.status, 200, "{action} {parameters}: {}", reply.body);
        assert!(reply.body.contains(&format!("<{action}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15\">")));
        assert_eq!(reply.one("requestId"), "11111111-2222-4333-8444-555555555555");
        reply
    }

    fn last_record(&self) -> Value {
        self.records.records.lock().unwrap().last().unwrap().clone()
    }
}

fn origin() -> RequestOrigin {
    RequestOrigin {
        request_id: "11111111-2222-4333-8444-555555555555".to_owned(),
        source_ip: "127.0.0.1".to_owned(),
        user_agent: "test".to_owned(),
        tls: None,
        vpc_endpoint: None,
    }
}

#[tokio::test]
async fn a_network_from_nothing_and_back() {
    let client = Client::new();
    let tags =
        "TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=%3Ca%3E";
    let vpc = client.ok("CreateVpc", &format!("CidrBlock=10.0.0.1/16&{tags}")).await;
    assert_eq!((vpc.one("cidrBlock"), vpc.one("state"), vpc.one("isDefault")), ("10.0.0.0/16", "available", "false"));
    assert_eq!(vpc.one("value"), "&lt;a&gt;");
    let vpc_id = vpc.one("vpcId").to_owned();

    let subnet = format!("VpcId={vpc_id}&CidrBlock=10.0.1.0/28&AvailabilityZoneId=use1-az2");
    let subnet = client.ok("CreateSubnet", &subnet).await;
    assert_eq!((subnet.one("availabilityZone"), subnet.one("availableIpAddressCount")), ("us-east-1b", "11"));
    let subnet_id = subnet.one("subnetId").to_owned();

    let group = format!("VpcId={vpc_id}&GroupName=mine&GroupDescription=my+group");
    let group = client.ok("CreateSecurityGroup", &group).await;
    let group_id = group.one("groupId").to_owned();
    assert_eq!(group.one("securityGroupArn"), format!("arn:aws:ec2:us-east-1:111122223333:security-group/{group_id}"));

    let interface = format!(
        "SubnetId={subnet_id}&SecurityGroupId.1={group_id}&PrivateIpAddress=10.0.1.9&Description=d&ClientToken=t"
    );
    let interface = client.ok("CreateNetworkInterface", &interface).await;
    assert_eq!(interface.one("privateIpAddress"), "10.0.1.9");
    assert_eq!(interface.one("requesterManaged"), "false");
    assert_eq!((interface.one("status"), interface.one("groupName")), ("available", "mine"));
    assert_eq!(interface.one("clientToken"), "t");
    let interface_id = interface.one("networkInterfaceId").to_owned();
    assert_eq!(client.ok("DescribeSubnets", "").await.one("availableIpAddressCount"), "10");

    for (action, parameter, id) in [
        ("DeleteVpc", "VpcId", &vpc_id),
        ("DeleteSubnet", "SubnetId", &subnet_id),
        ("DeleteSecurityGroup", "GroupId", &group_id),
    ] {
        let refused = client.call(action, &format!("{parameter}={id}")).await;
        assert_eq!(refused.code(), Some("DependencyViolation"), "{}", refused.body);
    }
    for (action, parameter, id) in [
        ("DeleteNetworkInterface", "NetworkInterfaceId", &interface_id),
        ("DeleteSecurityGroup", "GroupId", &group_id),
        ("DeleteSubnet", "SubnetId", &subnet_id),
        ("DeleteVpc", "VpcId", &vpc_id),
    ] {
        assert_eq!(client.ok(action, &format!("{parameter}={id}")).await.one("return"), "true");
    }
    assert!(client.ok("DescribeVpcs", "").await.body.contains("<vpcSet></vpcSet>"));
}

#[tokio::test]
async fn rules_are_authorized_described_and_revoked() {
    let client = Client::new();
    let sample = client.network.create_sample_vpc(&account()).await.unwrap();
    let group_id = client
        .ok("CreateSecurityGroup", &format!("VpcId={}&GroupName=g&GroupDescription=d", sample.vpc_id))
        .await
        .one("groupId")
        .to_owned();
    let rules = format!(
        "GroupId={group_id}&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=2223&IpPermissions.1.ToPort=2225\
         &IpPermissions.1.Groups.1.GroupId={group_id}&IpPermissions.1.Groups.1.UserId=111122223333\
         &IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0/8&IpPermissions.1.IpRanges.1.Description=all+of+it\
         &IpPermissions.2.IpProtocol=-1&IpPermissions.2.IpRanges.1.CidrIp=192.168.0.1/24"
    );
    let made = client.ok("AuthorizeSecurityGroupIngress", &rules).await;
    assert_eq!(made.all("securityGroupRuleId").len(), 3);
    assert_eq!(made.all("cidrIpv4"), ["10.0.0.0/8", "192.168.0.0/24"]);
    let again = client.call("AuthorizeSecurityGroupIngress", &rules).await;
    assert_eq!(again.code(), Some("InvalidPermission.Duplicate"));

    let described = client.ok("DescribeSecurityGroups", &format!("GroupId.1={group_id}")).await;
    assert_eq!(described.all("ipProtocol"), ["-1", "tcp", "-1"]);
    assert_eq!((described.one("fromPort"), described.one("toPort")), ("2223", "2225"));
    let of_group = format!("Filter.1.Name=group-id&Filter.1.Value.1={group_id}");
    let listed = client.ok("DescribeSecurityGroupRules", &of_group).await;
    assert_eq!(listed.all("securityGroupRuleId").len(), 4);
    assert!(listed.all("isEgress").contains(&"true"));

    let revoked = client.ok("RevokeSecurityGroupIngress", &rules).await;
    assert_eq!(revoked.all("securityGroupRuleId").len(), 3);
    assert_eq!(revoked.one("referencedGroupId"), group_id);
    let again = client.call("RevokeSecurityGroupIngress", &rules).await;
    assert_eq!(again.code(), Some("InvalidPermission.NotFound"));
    let egress = client.ok("DescribeSecurityGroupRules", &of_group).await.one("securityGroupRuleId").to_owned();
    let by_id = format!("GroupId={group_id}&SecurityGroupRuleId.1={egress}");
    assert_eq!(client.ok("RevokeSecurityGroupEgress", &by_id).await.one("isEgress"), "true");
    assert!(client.ok("DescribeSecurityGroupRules", &of_group).await.all("item").is_empty());

    let flat = format!("GroupId={group_id}&IpProtocol=tcp&FromPort=22&ToPort=22&CidrIp=10.1.2.3/32");
    assert_eq!(client.ok("AuthorizeSecurityGroupIngress", &flat).await.one("cidrIpv4"), "10.1.2.3/32");
    let refused = client.call("AuthorizeSecurityGroupEgress", &flat).await;
    assert_eq!(refused.code(), Some("MissingParameter"));
}

/// A cluster in the sample VPC, and what a connected key store has there.
async fn connect(client: &Client) -> CustomKeyStoreId {
    let sample = client.network.create_sample_vpc(&account()).await.unwrap();
    let cluster_id = "cluster-2abcdefghij";
    let security_group_id =
        client.network.create_cluster_security_group(&account(), &sample.vpc_id, cluster_id).await.unwrap();
    let cluster = ClusterNetwork {
        cluster_id: cluster_id.to_owned(),
        vpc_id: sample.vpc_id,
        subnet_ids: sample.subnet_ids,
        security_group_id,
    };
    let id = CustomKeyStoreId::from_random([7; 9]);
    client.network.attach_key_store(&account(), &cluster, &id).await.unwrap();
    id
}

#[tokio::test]
async fn every_filter_can_match_something() {
    let client = Client::new();
    connect(&client).await;
    let mut count = 0;
    let groups = client.ok("DescribeSecurityGroups", "Filter.1.Name=group-name&Filter.1.Value.1=cloudhsm-*").await;
    let to_block = "IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=1&IpPermissions.1.ToPort=2\
                    &IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0/8&IpPermissions.1.IpRanges.1.Description=";
    for action in ["AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"] {
        client.ok(action, &format!("GroupId={}&{to_block}", groups.one("groupId"))).await;
    }
    for (operation, filters) in crate::ec2::filters_of_operations() {
        for filter in filters {
            let found = client.ok(operation, &format!("Filter.1.Name={filter}&Filter.1.Value.1=*")).await;
            assert!(found.body.contains("<item>"), "{operation} {filter}");
            let found = client.ok(operation, &format!("Filter.1.Name={filter}&Filter.1.Value.1=no+such+value")).await;
            assert!(!found.body.contains("<item>"), "{operation} {filter}");
            count += 1;
        }
    }
    assert!(count > 80, "{count}");
}

#[tokio::test]
async fn what_a_connect_made_can_be_seen_and_not_deleted() {
    let client = Client::new();
    let id = connect(&client).await;
    let filter = "Filter.1.Name=description&Filter.1.Value.1=KMS+managed+ENI+for+cluster+*";
    let seen = client.ok("DescribeNetworkInterfaces", filter).await;
    assert_eq!(seen.all("networkInterfaceId").len(), 3);
    assert_eq!(seen.one("description"), "KMS managed ENI for cluster cluster-2abcdefghij");
    assert_eq!((seen.one("requesterManaged"), seen.all("status")[0]), ("true", "in-use"));
    assert!(seen.one("attachmentId").starts_with("ela-attach-"));
    let refused = format!("NetworkInterfaceId={}", seen.one("networkInterfaceId"));
    let refused = client.call("DeleteNetworkInterface", &refused).await;
    assert_eq!(refused.code(), Some("InvalidNetworkInterface.InUse"));
    let group = format!("Filter.1.Name=group-name&Filter.1.Value.1=kms-{id}");
    let group = client.ok("DescribeSecurityGroups", &group).await;
    assert_eq!(group.all("groupName"), [format!("kms-{id}")]);
    assert!(group.body.contains("<ipPermissionsEgress></ipPermissionsEgress>"));
    client.network.detach_key_store(&account(), &id).await.unwrap();
    assert!(client.ok("DescribeNetworkInterfaces", filter).await.all("item").is_empty());
}

#[tokio::test]
async fn filters_and_pages() {
    let client = Client::new();
    let sample = client.network.create_sample_vpc(&account()).await.unwrap();
    for number in 3..12 {
        let subnet = format!("VpcId={}&CidrBlock=10.0.{number}.0/24&AvailabilityZone=us-east-1f", sample.vpc_id);
        client.ok("CreateSubnet", &subnet).await;
    }
    let count = |reply: &Reply| reply.all("subnetId").len();
    for (filters, expected) in [
        ("Filter.1.Name=availability-zone&Filter.1.Value.1=us-east-1f", 9),
        ("Filter.1.Name=availability-zone&Filter.1.Value.1=us-east-1a&Filter.1.Value.2=us-east-1b", 2),
        ("Filter.1.Name=cidr-block&Filter.1.Value.1=10.0.1?.0/24", 2),
        ("Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-x", 0),
        ("Filter.1.Name=state&Filter.1.Value.1=available&Filter.2.Name=availabilityZone&Filter.2.Value.1=*c", 1),
        ("Filter.1.Name=outpost-arn&Filter.1.Value.1=*", 0),
        ("Filter.1.Name=state", 0),
    ] {
        assert_eq!(count(&client.ok("DescribeSubnets", filters).await), expected, "{filters}");
    }
    let mut seen = Vec::new();
    let mut token = String::new();
    loop {
        let page = client.ok("DescribeSubnets", &format!("MaxResults=5{token}")).await;
        seen.extend(page.all("subnetId").into_iter().map(str::to_owned));
        assert!(seen.len() <= 12, "a page comes again");
        match page.all("nextToken").first() {
            Some(next) => token = format!("&NextToken={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 12);
    assert!(seen.is_sorted());
    let stolen = client.call("DescribeVpcs", token.trim_start_matches('&')).await;
    assert_eq!(stolen.code(), Some("InvalidNextToken"));
}

#[tokio::test]
async fn tags_of_every_kind_of_resource() {
    let client = Client::new();
    let sample = client.network.create_sample_vpc(&account()).await.unwrap();
    let interface = client.ok("CreateNetworkInterface", &format!("SubnetId={}", sample.subnet_ids[0])).await;
    let rules = client.ok("DescribeSecurityGroupRules", "").await;
    let groups = client.ok("DescribeSecurityGroups", "").await;
    let ids = [
        sample.vpc_id.as_str(),
        &sample.subnet_ids[0],
        interface.one("networkInterfaceId"),
        rules.one("securityGroupRuleId"),
        groups.one("groupId"),
    ];
    let resources: String =
        ids.iter().enumerate().map(|(index, id)| format!("ResourceId.{}={id}&", index + 1)).collect();
    client.ok("CreateTags", &format!("{resources}Tag.1.Key=Team&Tag.1.Value=A&Tag.2.Key=Empty")).await;
    let tags = client.ok("DescribeTags", "Filter.1.Name=tag:Team&Filter.1.Value.1=A").await;
    assert_eq!(tags.all("resourceId").len(), 5);
    for (action, element) in [
        ("DescribeVpcs", "vpcId"),
        ("DescribeSubnets", "subnetId"),
        ("DescribeSecurityGroups", "groupName"),
        ("DescribeSecurityGroupRules", "securityGroupRuleId"),
        ("DescribeNetworkInterfaces", "networkInterfaceId"),
    ] {
        let found = client.ok(action, "Filter.1.Name=tag:Team&Filter.1.Value.1=A").await;
        assert_eq!(found.all(element).len(), 1, "{action} {}", found.body);
    }
    client.ok("DeleteTags", &format!("{resources}Tag.1.Key=Team&Tag.1.Value=B&Tag.2.Key=Empty")).await;
    let left = client.ok("DescribeTags", "Filter.1.Name=resource-type&Filter.1.Value.1=subnet").await;
    assert_eq!((left.all("key"), left.all("value")), (vec!["Team"], vec!["A"]));
    client.ok("DeleteTags", &resources).await;
    assert!(client.ok("DescribeTags", "").await.all("item").is_empty());
}

#[tokio::test]
async fn availability_zones() {
    let client = Client::new();
    let all = client.ok("DescribeAvailabilityZones", "AllAvailabilityZones=true").await;
    assert_eq!(all.all("zoneName").len(), 6);
    let one = client.ok("DescribeAvailabilityZones", "ZoneId.1=use1-az3").await;
    assert_eq!((one.all("zoneName"), one.one("zoneState")), (vec!["us-east-1c"], "available"));
    let none = client.call("DescribeAvailabilityZones", "ZoneName.1=us-east-1z").await;
    assert_eq!(none.code(), Some("InvalidParameterValue"));
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let client = Client::new();
    let reply = client.call("CreateVpc", "CidrBlock=10.0.0.0/16&DryRun=true").await;
    assert_eq!((reply.status, reply.code()), (412, Some("DryRunOperation")));
    assert_eq!(client.store.change_count(), 0);
    client.ok("CreateVpc", "CidrBlock=10.0.0.0/16&DryRun=false").await;
}

#[tokio::test]
async fn every_request_is_recorded_before_it_is_answered() {
    let client = Client::new();
    client.ok("CreateVpc", "CidrBlock=10.0.0.0/16&InstanceTenancy=default").await;
    let record = client.last_record();
    assert_eq!(record["eventSource"], "ec2.amazonaws.com");
    assert_eq!((&record["eventName"], &record["readOnly"]), (&"CreateVpc".into(), &false.into()));
    assert_eq!(record["requestParameters"]["cidrBlock"], "10.0.0.0/16");
    assert!(record["responseElements"]["vpc"]["vpcId"].as_str().unwrap().starts_with("vpc-"));
    client.call("DescribeVpcs", "VpcId.1=vpc-x").await;
    let record = client.last_record();
    assert_eq!((&record["errorCode"], &record["readOnly"]), (&"Client.InvalidVpcID.NotFound".into(), &true.into()));
    assert_eq!(record["requestParameters"]["vpcId"]["1"], "vpc-x");
    client.call("RunInstances", "").await;
    assert_eq!(client.last_record()["eventName"], "Unknown");
    client.records.broken.store(true, Ordering::SeqCst);
    let reply = client.call("DescribeVpcs", "").await;
    assert_eq!((reply.status, reply.code()), (500, Some("InternalError")));
    assert!(!reply.body.contains("no space left"));
}

#[tokio::test]
async fn a_refusal_is_recorded_and_worded_as_ec2_words_it() {
    let client = Client::new();
    let error = KmsError::new(Exception::UnrecognizedClient, "The security token included in the request is invalid.");
    let reply = Reply::of(client.service.refuse(None, error, Some("AKIAUNKNOWN"), &origin()).await);
    assert_eq!((reply.status, reply.code()), (401, Some("AuthFailure")));
    assert_eq!(reply.one("Message"), "AWS was not able to validate the provided access credentials");
    assert_eq!(reply.one("RequestID"), "11111111-2222-4333-8444-555555555555");
    let record = client.last_record();
    assert_eq!((&record["eventName"], &record["errorCode"]), (&"Unknown".into(), &"Client.AuthFailure".into()));
    assert_eq!(record["userIdentity"]["accessKeyId"], "AKIAUNKNOWN");
}

#[tokio::test]
async fn a_damaged_store_tells_callers_nothing_of_itself() {
    let client = Client::new();
    client.network.create_sample_vpc(&account()).await.unwrap();
    client.store.damage();
    let reply = client.call("DescribeVpcs", "").await;
    assert_eq!((reply.status, reply.code()), (500, Some("InternalError")));
    assert!(!reply.body.contains("damaged"), "{}", reply.body);
}

#[tokio::test]
async fn another_accounts_resources_are_not_found() {
    let client = Client::new();
    let sample = client.network.create_sample_vpc(&account()).await.unwrap();
    let stranger = AccountId::parse("999988887777").unwrap();
    let body = format!("Action=DeleteVpc&Version=2016-11-15&VpcId={}", sample.vpc_id);
    assert_eq!(client.raw(stranger, &body).await.code(), Some("InvalidVpcID.NotFound"));
}
