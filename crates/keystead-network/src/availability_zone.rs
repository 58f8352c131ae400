//! The Availability Zones of a Region.

use keystead_model::arn::Region;

/// How many Availability Zones every Region has here: `a` to `f`.
const ZONE_COUNT: u8 = 6;

/// An Availability Zone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AvailabilityZone {
    /// The Region and a letter: `us-east-1a`.
    pub zone_name: String,
    /// Short name of the Region and a number: `use1-az1`.
    pub zone_id: String,
}

/// The zones of a Region, in order.
pub fn availability_zones(region: &Region) -> Vec<AvailabilityZone> {
    let short = short_name(region.as_str());
    (0..ZONE_COUNT)
        .map(|number| AvailabilityZone {
            zone_name: format!("{region}{}", char::from(b'a' + number)),
            zone_id: format!("{short}-az{}", number + 1),
        })
        .collect()
}

/// The ID of the zone of that name, if the Region has it.
pub fn zone_id(region: &Region, zone_name: &str) -> Option<String> {
    availability_zones(region).into_iter().find(|zone| zone.zone_name == zone_name).map(|zone| zone.zone_id)
}

/// `us-east-1` is `use1`, `ap-southeast-2` is `apse2`.
fn short_name(region: &str) -> String {
    let mut words = region.split('-');
    let mut short = words.next().unwrap_or_default().to_owned();
    for word in words {
        short.push_str(match word {
            "northeast" => "ne",
            "northwest" => "nw",
            "southeast" => "se",
            "southwest" => "sw",
            number if number.starts_with(|first: char| first.is_ascii_digit()) => number,
            other => other.get(..1).unwrap_or_default(),
        });
    }
    short
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ids() {
        let zones = availability_zones(&Region::parse("us-east-1").unwrap());
        let names: Vec<_> = zones.iter().map(|zone| (zone.zone_name.as_str(), zone.zone_id.as_str())).collect();
        assert_eq!(names.len(), 6);
        assert_eq!((names[0], names[5]), (("us-east-1a", "use1-az1"), ("us-east-1f", "use1-az6")));
    }

    #[test]
    fn short_names_of_regions() {
        for (region, short) in [
            ("us-west-2", "usw2"),
            ("eu-central-1", "euc1"),
            ("ap-southeast-2", "apse2"),
            ("ap-northeast-1", "apne1"),
            ("us-gov-west-1", "usgw1"),
        ] {
            assert_eq!(short_name(region), short);
        }
    }
}
