//! Tags in requests and answers.

use keystead_query::Parameters;
use keystead_query::{Node, Structure};

use super::error::Ec2Error;
use crate::error::NetworkError;
use crate::resource_id::ResourceType;
use crate::tag::Tags;

/// The tags that a request gives what it makes: `TagSpecification.N.ResourceType`, `.Tag.M.Key`, `.Tag.M.Value`.
pub(super) fn take_tag_specification(parameters: &mut Parameters, made: ResourceType) -> Result<Tags, Ec2Error> {
    let mut tags = Tags::default();
    for mut specification in parameters.structures("TagSpecification") {
        let resource_type = specification.required("ResourceType")?;
        if resource_type != made.name() {
            let reason = format!("The request makes a {}, and tags are for what it makes.", made.name());
            return Err(NetworkError::invalid_value("resourceType", resource_type, reason).into());
        }
        for (key, value) in take_tags(&mut specification)? {
            tags.set(&key, value.as_deref().unwrap_or_default())?;
        }
        specification.finish()?;
    }
    Ok(tags)
}

/// `Tag.N.Key` with `Tag.N.Value`, if that is there.
pub(super) fn take_tags(parameters: &mut Parameters) -> Result<Vec<(String, Option<String>)>, Ec2Error> {
    let mut tags = Vec::new();
    for mut tag in parameters.structures("Tag") {
        tags.push((tag.required("Key")?, tag.take("Value")));
        tag.finish()?;
    }
    Ok(tags)
}

/// The list of a record's tags.
pub(super) fn tag_set(tags: &Tags) -> Node {
    let items = tags.iter().map(|(key, value)| Structure::default().with("key", key).with("value", value).into());
    Node::List(items.collect())
}
