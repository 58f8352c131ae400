//! Network interfaces: who has which address of a subnet.

use std::net::Ipv4Addr;

use keystead_core::port::Entropy;
use keystead_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::NetworkError;
use crate::quota::Quota;
use crate::resource_id::ResourceType;
use crate::tag::{Tags, check_text};
use crate::vpc::Vpc;

/// The longest description, in characters (unverified).
const DESCRIPTION_CHARS_MAX: usize = 255;
/// The longest client token, in characters (EC2 API Reference, "Ensuring idempotency").
const CLIENT_TOKEN_CHARS_MAX: usize = 64;
/// How many bytes of a MAC address are random; the first says that the address is administered locally.
const MAC_RANDOM_BYTES: usize = 5;

/// A network interface.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NetworkInterface {
    /// `eni-` and 17 hexadecimal digits.
    pub network_interface_id: String,
    /// The subnet that its address is of.
    pub subnet_id: String,
    /// No other interface of the subnet has it.
    pub private_ip_address: Ipv4Addr,
    /// `02:` and five bytes.
    pub mac_address: String,
    /// The security groups that it is in: 1 to 5.
    pub group_ids: Vec<String>,
    /// A text for people.
    pub description: String,
    /// The service that made it and manages it, if one does. Users cannot delete it then.
    pub requester_id: Option<String>,
    /// The client token of the request that made it.
    pub client_token: Option<String>,
    /// When it was made.
    #[serde(with = "millis")]
    pub created: Timestamp,
    /// Its tags.
    pub tags: Tags,
}

impl NetworkInterface {
    /// Whether a service manages it.
    pub fn requester_managed(&self) -> bool {
        self.requester_id.is_some()
    }

    /// `in-use` if a service uses it; nothing else can here, where there are no instances.
    pub fn status(&self) -> &'static str {
        if self.requester_managed() { "in-use" } else { "available" }
    }

    pub(crate) fn is_in(&self, group_id: &str) -> bool {
        self.group_ids.iter().any(|id| id == group_id)
    }
}

/// A network interface to be made.
#[derive(Clone, Debug)]
pub struct NewNetworkInterface {
    /// The subnet.
    pub subnet_id: String,
    /// A text for people.
    pub description: String,
    /// Security groups of the VPC; if there are none, the default group.
    pub group_ids: Vec<String>,
    /// The address; `None` for the lowest that is free.
    pub address: Option<Ipv4Addr>,
    /// The service that manages it.
    pub requester_id: Option<String>,
    /// 1..=64 characters: a request with the same one is the same request, sent again.
    pub client_token: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

impl Vpc {
    /// Makes a network interface and gives it.
    ///
    /// Fails with `InvalidSubnetID.NotFound`, `InvalidGroup.NotFound`, `InvalidParameterValue`, `InvalidIPAddress.InUse`,
    /// `InsufficientFreeAddressesInSubnet`, `SecurityGroupsPerInterfaceLimitExceeded` or `NetworkInterfaceLimitExceeded`.
    pub fn create_network_interface(
        &mut self,
        new: NewNetworkInterface,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<NetworkInterface, NetworkError> {
        if let Some(made) = self.made_before(&new)? {
            return Ok(made);
        }
        let subnet = self.subnet(&new.subnet_id)?;
        check_text("description", &new.description, DESCRIPTION_CHARS_MAX)?;
        let group_ids = self.groups_for(new.group_ids)?;
        if self.network_interfaces.len() >= Quota::NetworkInterfaces.max() {
            return Err(NetworkError::QuotaExceeded(Quota::NetworkInterfaces));
        }
        let interface = NetworkInterface {
            network_interface_id: ResourceType::NetworkInterface.new_id(entropy),
            private_ip_address: self.free_address(subnet, new.address)?,
            subnet_id: new.subnet_id,
            mac_address: new_mac_address(entropy),
            group_ids,
            description: new.description,
            requester_id: new.requester_id,
            client_token: new.client_token,
            created: now,
            tags: new.tags,
        };
        self.network_interfaces.push(interface.clone());
        Ok(interface)
    }

    /// What the same request made when it was sent before.
    fn made_before(&self, new: &NewNetworkInterface) -> Result<Option<NetworkInterface>, NetworkError> {
        let Some(token) = &new.client_token else { return Ok(None) };
        check_text("clientToken", token, CLIENT_TOKEN_CHARS_MAX)?;
        let made = self.network_interfaces.iter().find(|interface| interface.client_token.as_ref() == Some(token));
        match made {
            Some(made) if made.subnet_id != new.subnet_id || made.description != new.description => {
                Err(NetworkError::IdempotentParameterMismatch(token.clone()))
            }
            made => Ok(made.cloned()),
        }
    }

    /// The groups asked for, each once, or the default group.
    fn groups_for(&self, asked: Vec<String>) -> Result<Vec<String>, NetworkError> {
        let mut group_ids = Vec::new();
        for id in asked {
            self.security_group(&id)?;
            if !group_ids.contains(&id) {
                group_ids.push(id);
            }
        }
        if group_ids.len() > Quota::SecurityGroupsPerNetworkInterface.max() {
            return Err(NetworkError::QuotaExceeded(Quota::SecurityGroupsPerNetworkInterface));
        }
        if group_ids.is_empty() {
            group_ids
                .extend(self.security_groups.iter().find(|group| group.is_default()).map(|it| it.group_id.clone()));
        }
        Ok(group_ids)
    }

    /// Deletes a network interface that no service manages.
    ///
    /// Fails with `InvalidNetworkInterfaceID.NotFound`, or `InvalidNetworkInterface.InUse` if a service manages it.
    pub fn delete_network_interface(&mut self, id: &str) -> Result<(), NetworkError> {
        if self.network_interface(id)?.requester_managed() {
            return Err(NetworkError::NetworkInterfaceInUse(id.to_owned()));
        }
        self.remove_network_interface(id);
        Ok(())
    }

    /// Deletes a network interface, whoever manages it. No error if it is gone.
    pub(crate) fn remove_network_interface(&mut self, id: &str) {
        self.network_interfaces.retain(|interface| interface.network_interface_id != id);
    }

    /// The interface of that ID; `InvalidNetworkInterfaceID.NotFound` if there is none.
    pub fn network_interface(&self, id: &str) -> Result<&NetworkInterface, NetworkError> {
        self.network_interfaces
            .iter()
            .find(|interface| interface.network_interface_id == id)
            .ok_or_else(|| NetworkError::NetworkInterfaceNotFound(id.to_owned()))
    }
}

fn new_mac_address(entropy: &dyn Entropy) -> String {
    let mut random = [0; MAC_RANDOM_BYTES];
    entropy.fill(&mut random);
    random.iter().fold("02".to_owned(), |address, byte| format!("{address}:{byte:02x}"))
}

/// Times in documents: whole milliseconds.
mod millis {
    use keystead_model::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(time.millis())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_millis)
    }
}
