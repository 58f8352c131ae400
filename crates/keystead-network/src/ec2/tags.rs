//! CreateTags, DeleteTags, DescribeTags.

use keystead_query::Parameters;
use keystead_query::{Node, Structure};

use super::answer::done;
use super::call::Call;
use super::error::Ec2Error;
use super::filter::Filtered;
use super::selection::{Described, Selection};
use super::tag_specification::take_tags;
use crate::error::NetworkError;
use crate::network::Network;
use crate::resource_id::ResourceType;
use crate::tag::Tags;
use crate::vpc::Vpc;

/// How many resources a request may tag (EC2 API Reference, CreateTags, `ResourceId.N`).
const RESOURCES_MAX: usize = 1000;

pub(super) async fn create_tags(call: &Call<'_>, mut parameters: Parameters) -> Result<Structure, Ec2Error> {
    let ids = take_resource_ids(&mut parameters)?;
    let tags = take_tags(&mut parameters)?;
    if tags.is_empty() {
        return Err(parameters.missing("Tag").into());
    }
    let network = call.begin(parameters)?;
    change_tags(call, network, &ids, |resource| {
        tags.iter().try_for_each(|(key, value)| resource.set(key, value.as_deref().unwrap_or_default()))
    })
    .await
}

pub(super) async fn delete_tags(call: &Call<'_>, mut parameters: Parameters) -> Result<Structure, Ec2Error> {
    let ids = take_resource_ids(&mut parameters)?;
    let tags = take_tags(&mut parameters)?;
    let network = call.begin(parameters)?;
    change_tags(call, network, &ids, |resource| {
        if tags.is_empty() {
            resource.clear();
        }
        tags.iter().for_each(|(key, value)| resource.remove(key, value.as_deref()));
        Ok(())
    })
    .await
}

fn take_resource_ids(parameters: &mut Parameters) -> Result<Vec<String>, Ec2Error> {
    let ids = parameters.required_list("ResourceId")?;
    if ids.len() > RESOURCES_MAX {
        let reason = format!("A request may name at most {RESOURCES_MAX} resources.");
        return Err(NetworkError::invalid_value("resourceId", ids.len().to_string(), reason).into());
    }
    Ok(ids)
}

/// Changes the tags of resources. Those of one VPC change at once; if there are several VPCs and one fails, those before it stay changed.
async fn change_tags(
    call: &Call<'_>,
    network: &Network,
    ids: &[String],
    change: impl Fn(&mut Tags) -> Result<(), NetworkError>,
) -> Result<Structure, Ec2Error> {
    let vpcs = network.vpcs(call.account()).await?;
    if let Some(missing) = ids.iter().find(|id| !vpcs.iter().any(|vpc| has(vpc, id))) {
        return Err(resource_not_found(missing).into());
    }
    for vpc in vpcs {
        let inside: Vec<&String> = ids.iter().filter(|id| has(&vpc, id)).collect();
        if inside.is_empty() {
            continue;
        }
        network
            .change_vpc_with(call.account(), ResourceType::Vpc, &vpc.vpc_id, |vpc| {
                inside.iter().try_for_each(|id| {
                    let tags = vpc.tags_mut(id).ok_or_else(|| resource_not_found(id))?;
                    change(tags)
                })
            })
            .await?;
    }
    Ok(done())
}

fn has(vpc: &Vpc, id: &str) -> bool {
    vpc.tagged_resources().any(|(_, resource, _)| resource == id)
}

/// The error of the type that an ID looks like.
fn resource_not_found(id: &str) -> NetworkError {
    match ResourceType::ALL.into_iter().find(|resource_type| id.starts_with(resource_type.prefix())) {
        Some(resource_type) => NetworkError::not_found(resource_type, id),
        None => NetworkError::ResourceNotFound(id.to_owned()),
    }
}

pub(super) async fn describe_tags(call: &Call<'_>, mut parameters: Parameters) -> Result<Structure, Ec2Error> {
    let selection = Selection::take::<TagOfResource>(&mut parameters, None)?;
    let vpcs = call.begin(parameters)?.vpcs(call.account()).await?;
    let mut records = Vec::new();
    for (resource_type, id, tags) in vpcs.iter().flat_map(Vpc::tagged_resources) {
        records.extend(tags.iter().map(|(key, value)| TagOfResource::new(resource_type, id, key, value)));
    }
    selection.answer("tagSet", records)
}

pub(super) struct TagOfResource {
    resource_type: ResourceType,
    resource_id: String,
    key: String,
    value: String,
    /// The tag itself, for the filter `tag:KEY`.
    tag: Tags,
}

impl TagOfResource {
    fn new(resource_type: ResourceType, resource_id: &str, key: &str, value: &str) -> Self {
        Self {
            resource_type,
            resource_id: resource_id.to_owned(),
            key: key.to_owned(),
            value: value.to_owned(),
            tag: Tags::of_one(key, value),
        }
    }
}

impl Filtered for TagOfResource {
    const FILTERS: &'static [&'static str] = &["key", "resource-id", "resource-type", "value"];
    const FILTERS_OF_NOTHING: &'static [&'static str] = &[];
    const TAG_KEY_FILTER: bool = false;

    fn filter_values(&self, filter: &str) -> Vec<String> {
        let value = match filter {
            "key" => self.key.as_str(),
            "resource-id" => &self.resource_id,
            "resource-type" => self.resource_type.name(),
            "value" => &self.value,
            _ => return Vec::new(),
        };
        vec![value.to_owned()]
    }

    fn tags(&self) -> Option<&Tags> {
        Some(&self.tag)
    }
}

impl Described for TagOfResource {
    const OPERATION: &'static str = "DescribeTags";

    fn id(&self) -> String {
        format!("{}\n{}", self.resource_id, self.key)
    }

    fn answer(&self) -> Node {
        Structure::default()
            .with("resourceId", &self.resource_id)
            .with("resourceType", self.resource_type.name())
            .with("key", &self.key)
            .with("value", &self.value)
            .into()
    }

    fn not_found(id: &str) -> NetworkError {
        NetworkError::ResourceNotFound(id.to_owned())
    }
}
