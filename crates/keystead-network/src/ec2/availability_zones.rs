//! DescribeAvailabilityZones.

use keystead_model::arn::Region;
use keystead_query::Parameters;
use keystead_query::{Node, Structure};

use super::call::Call;
use super::error::Ec2Error;
use super::filter::Filtered;
use super::selection::{Described, Selection};
use crate::availability_zone::{AvailabilityZone, availability_zones};
use crate::error::NetworkError;
use crate::tag::Tags;

const AVAILABLE: &str = "available";
const OPT_IN_STATUS: &str = "opt-in-not-required";
const ZONE_TYPE: &str = "availability-zone";

pub(super) async fn describe_availability_zones(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Structure, Ec2Error> {
    let zone_ids = parameters.list("ZoneId");
    // Every zone here is opted in to already.
    parameters.boolean("AllAvailabilityZones")?;
    let mut selection = Selection::take::<ZoneOfRegion>(&mut parameters, Some("ZoneName"))?;
    selection.filters.require("zone-id", &zone_ids);
    let region = call.begin(parameters)?.region();
    let zones: Vec<_> =
        availability_zones(region).into_iter().map(|zone| ZoneOfRegion { zone, region: region.clone() }).collect();
    if let Some(missing) = zone_ids.iter().find(|id| !zones.iter().any(|it| it.zone.zone_id == **id)) {
        return Err(ZoneOfRegion::not_found(missing).into());
    }
    selection.answer("availabilityZoneInfo", zones)
}

pub(super) struct ZoneOfRegion {
    zone: AvailabilityZone,
    region: Region,
}

impl ZoneOfRegion {
    fn group_name(&self) -> String {
        format!("{}-zg-1", self.region)
    }
}

impl Filtered for ZoneOfRegion {
    const FILTERS: &'static [&'static str] =
        &["group-name", "opt-in-status", "region-name", "state", "zone-id", "zone-name", "zone-type"];
    const FILTERS_OF_NOTHING: &'static [&'static str] =
        &["group-long-name", "message", "parent-zone-id", "parent-zone-name"];
    const TAG_KEY_FILTER: bool = false;

    fn filter_values(&self, filter: &str) -> Vec<String> {
        let value = match filter {
            "group-name" => self.group_name(),
            "opt-in-status" => OPT_IN_STATUS.to_owned(),
            "region-name" => self.region.to_string(),
            "state" => AVAILABLE.to_owned(),
            "zone-id" => self.zone.zone_id.clone(),
            "zone-name" => self.zone.zone_name.clone(),
            "zone-type" => ZONE_TYPE.to_owned(),
            _ => return Vec::new(),
        };
        vec![value]
    }

    fn tags(&self) -> Option<&Tags> {
        None
    }
}

impl Described for ZoneOfRegion {
    const OPERATION: &'static str = "DescribeAvailabilityZones";

    fn id(&self) -> String {
        self.zone.zone_name.clone()
    }

    fn answer(&self) -> Node {
        Structure::default()
            .with("optInStatus", OPT_IN_STATUS)
            .with_list("messageSet", Vec::<Node>::new())
            .with("regionName", self.region.as_str())
            .with("zoneName", &self.zone.zone_name)
            .with("zoneId", &self.zone.zone_id)
            .with("groupName", self.group_name())
            .with("networkBorderGroup", self.region.as_str())
            .with("zoneType", ZONE_TYPE)
            .with("zoneState", AVAILABLE)
            .into()
    }

    fn not_found(id: &str) -> NetworkError {
        NetworkError::invalid_value("zoneName", id, "The Region has no such Availability Zone.")
    }
}
