//! `region` and `other_regions`: the Regions that the server has keys in.

use std::collections::BTreeSet;
use std::path::Path;

use keystead_model::arn::Region;

use super::ConfigError;

/// Refuses names that are none, and Regions that are there twice.
pub(super) fn check(home: &str, others: &[String]) -> Result<(), String> {
    for (key, name) in names(home, others) {
        if Region::parse(name).is_none() {
            return Err(format!("{key}: \"{name}\" is no Region: it looks like us-east-1"));
        }
    }
    let mut seen = BTreeSet::new();
    match names(home, others).find(|(_, name)| !seen.insert(*name)) {
        Some((key, name)) => {
            Err(format!("{key}: \"{name}\" is named twice; name each Region once, in region or in other_regions"))
        }
        None => Ok(()),
    }
}

/// The names of all Regions, each with the key that it stands in.
fn names<'a>(home: &'a str, others: &'a [String]) -> impl Iterator<Item = (&'static str, &'a str)> {
    let others = others.iter().map(|name| ("other_regions", name.as_str()));
    std::iter::once(("region", home)).chain(others)
}

/// The Region of a name that [`check`] has let pass.
pub(super) fn region(name: &str) -> Result<Region, ConfigError> {
    Region::parse(name).ok_or_else(|| ConfigError::content(Path::new(""), format!("\"{name}\" is no Region")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::smallest;

    #[test]
    fn there_may_be_several() {
        let settings = smallest::with("other_regions = ['eu-west-1', 'eu-central-1']\n").unwrap().settings().unwrap();
        let regions: Vec<_> =
            std::iter::once(&settings.home_region).chain(&settings.other_regions).map(Region::as_str).collect();
        assert_eq!(regions, ["us-east-1", "eu-west-1", "eu-central-1"]);
        assert_eq!(smallest::with("").unwrap().settings().unwrap().other_regions, []);
    }

    #[test]
    fn what_is_wrong_is_named() {
        smallest::refuses(&[
            ("other_regions = ['Ireland']\n", "other_regions: \"Ireland\""),
            ("other_regions = ['us-east-1']\n", "other_regions: \"us-east-1\" is named twice"),
            ("other_regions = ['eu-west-1', 'eu-west-1']\n", "other_regions: \"eu-west-1\" is named twice"),
            ("other_regions = 'eu-west-1'\n", "other_regions"),
        ]);
        assert!(check("here", &[]).unwrap_err().starts_with("region: \"here\" is no Region"));
    }
}
