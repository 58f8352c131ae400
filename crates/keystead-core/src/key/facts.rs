//! What condition keys tell of a KMS key, be it there or about to be made.

use keystead_model::kms::{KeySpec, KeyUsageType, MultiRegionKeyType, OriginType, Tag};
use keystead_policy::ContextValue;

use super::Key;

/// What condition keys tell of a KMS key (KMS Developer Guide, "AWS KMS condition keys").
#[derive(Clone, Copy, Debug)]
pub struct KeyFacts<'a> {
    /// Its type and length.
    pub spec: KeySpec,
    /// What it is for.
    pub usage: KeyUsageType,
    /// Where its material comes from.
    pub origin: OriginType,
    /// What it is among multi-Region keys; `None` of a single-Region key.
    pub multi_region: Option<MultiRegionKeyType>,
    /// Its tags.
    pub tags: &'a [Tag],
}

const TAG: &str = "aws:resourcetag/";

impl<'a> KeyFacts<'a> {
    /// Those of a key that is there.
    pub fn of(key: &'a Key) -> Self {
        Self {
            spec: key.spec,
            usage: key.usage,
            origin: key.origin.origin_type(),
            multi_region: key.multi_region.as_ref().map(|set| set.key_type),
            tags: &key.tags,
        }
    }

    /// The value of a condition key, in lower case, if it tells something of the key.
    pub fn condition_key(&self, key: &str) -> Option<ContextValue> {
        Some(match key {
            "kms:keyspec" | "kms:customermasterkeyspec" => self.spec.as_str().into(),
            "kms:keyusage" | "kms:customermasterkeyusage" => self.usage.as_str().into(),
            "kms:keyorigin" => self.origin.as_str().into(),
            "kms:multiregion" => self.multi_region.is_some().into(),
            "kms:multiregionkeytype" => self.multi_region?.as_str().into(),
            _ => return self.tag(key.strip_prefix(TAG)?),
        })
    }

    /// The value of a tag. Tags whose keys differ in upper and lower case alone are one to condition keys: then it has several values
    /// (unverified).
    fn tag(&self, name: &str) -> Option<ContextValue> {
        let tags = self.tags.iter().filter(|tag| tag.tag_key.eq_ignore_ascii_case(name));
        let values: Vec<String> = tags.map(|tag| tag.tag_value.clone()).collect();
        match &values[..] {
            [] => None,
            [value] => Some(value.as_str().into()),
            _ => Some(values.into()),
        }
    }
}
