//! From the members of a request to the values of condition keys.

use std::borrow::Cow;

use keystead_model::arn::KeyIdentifier;
use keystead_policy::ContextValue;
use serde_json::Value;

use super::KmsConditionKeys;
use super::table::Source;
use crate::access::NamedPrincipal;

/// The constraint that an encryption context fulfils if it has these pairs and no others: without pairs, if it is empty.
const ENCRYPTION_CONTEXT_EQUALS: &str = "EncryptionContextEquals";
/// The constraint that every encryption context fulfils if it has no pairs.
const ENCRYPTION_CONTEXT_SUBSET: &str = "EncryptionContextSubset";

impl KmsConditionKeys<'_> {
    /// The value of `key`, of which `name` is what comes after the name of its family.
    pub(super) fn read(&self, source: Source, key: &str, name: &str) -> Option<Cow<'_, ContextValue>> {
        let member = |name: &str| present(self.input.get(name)?);
        let text = |name: &str| member(name)?.as_str();
        let or_default = |value: Option<&Value>, default: Option<&str>| {
            value.and_then(value_of_member).or_else(|| default.map(ContextValue::from))
        };
        let value = match source {
            Source::CallerAccount => self.caller_account.as_str().into(),
            Source::Member(name, default) => or_default(member(name), default)?,
            Source::RenamedMember(name, before, default) => {
                or_default(member(name).or_else(|| member(before)), default)?
            }
            Source::Always(value) => value.into(),
            Source::Principal(name) => principal(text(name)?).into(),
            Source::AliasName(name) => alias_name(text(name)?)?.into(),
            Source::Names(places) => {
                let members = places.iter().filter_map(|place| self.place(place)?.as_object()).flatten();
                several(members.filter(|(_, value)| !value.is_null()).map(|(name, _)| name.clone()))?
            }
            Source::ConstraintTypes(name) => {
                let constraints = member(name)?.as_object()?.iter();
                several(constraints.filter(|(name, value)| constrains(name, value)).map(|(name, _)| name.clone()))?
            }
            Source::Entry(places) => {
                let maps = places.iter().filter_map(|place| self.place(place)?.as_object());
                let entries = maps.flatten().filter(|(entry, _)| entry.eq_ignore_ascii_case(name));
                one_or_several(entries.filter_map(|(_, value)| value.as_str()))?
            }
            Source::TagKeys(list) => several(self.tags(list).map(|(key, _)| key.to_owned()))?,
            Source::TagValue(list) => one_or_several(
                self.tags(list).filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value),
            )?,
            Source::NewMultiRegionKeyType => {
                let multi_region = member("MultiRegion").and_then(Value::as_bool);
                multi_region.filter(|multi_region| *multi_region).map(|_| "PRIMARY".into())?
            }
            Source::Computed => {
                let found = self.computed.iter().find(|(computed, _)| computed.eq_ignore_ascii_case(key));
                return found.map(|(_, value)| Cow::Borrowed(value));
            }
            Source::Resource | Source::Absent => return None,
        };
        Some(Cow::Owned(value))
    }

    /// The member that a path such as `Constraints.EncryptionContextEquals` leads to.
    fn place(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(self.input, |value, name| value.get(name))
    }

    /// Keys and values of the tags in a member.
    fn tags(&self, list: &str) -> impl Iterator<Item = (&str, &str)> {
        let tags = self.input.get(list).and_then(Value::as_array).into_iter().flatten();
        tags.filter_map(|tag| Some((tag.get("TagKey")?.as_str()?, tag.get("TagValue")?.as_str()?)))
    }
}

/// A member that is null is as good as absent.
fn present(value: &Value) -> Option<&Value> {
    (!value.is_null()).then_some(value)
}

/// Whether a constraint of a grant is there and limits what the grant allows. What the API does not know is no constraint: it is ignored.
fn constrains(name: &str, constraint: &Value) -> bool {
    match name {
        ENCRYPTION_CONTEXT_EQUALS => constraint.is_object(),
        ENCRYPTION_CONTEXT_SUBSET => constraint.as_object().is_some_and(|pairs| !pairs.is_empty()),
        _ => false,
    }
}

/// The texts of a member: one, or those of a list.
fn value_of_member(value: &Value) -> Option<ContextValue> {
    match value {
        Value::String(text) => Some(text.as_str().into()),
        Value::Bool(truth) => Some((*truth).into()),
        Value::Number(number) => Some(number.to_string().into()),
        Value::Array(items) => several(items.iter().filter_map(Value::as_str).map(str::to_owned)),
        Value::Null | Value::Object(_) => None,
    }
}

/// A key that may have many values has none if there is none.
fn several(values: impl Iterator<Item = String>) -> Option<ContextValue> {
    let mut values: Vec<String> = values.collect();
    values.sort_unstable();
    values.dedup();
    (!values.is_empty()).then(|| values.into())
}

/// A condition key whose name is of a request's own has one value. It has several where the request has several names that differ in upper
/// and lower case alone, which to condition keys are one (what AWS does then is unverified): a policy sees all of them.
fn one_or_several<'a>(mut values: impl Iterator<Item = &'a str>) -> Option<ContextValue> {
    let first = values.next()?;
    let others: Vec<String> = values.map(str::to_owned).collect();
    if others.is_empty() {
        return Some(first.into());
    }
    several(std::iter::once(first.to_owned()).chain(others))
}

/// An account can be named in two ways, which mean the same.
fn principal(text: &str) -> String {
    NamedPrincipal::parse(text).map_or_else(|| text.to_owned(), |principal| principal.to_string())
}

/// The name of the alias that a key is named by, without Region and account.
fn alias_name(text: &str) -> Option<String> {
    match KeyIdentifier::parse(text).ok()? {
        KeyIdentifier::AliasName(name) => Some(name.as_str().to_owned()),
        KeyIdentifier::AliasArn(arn) => Some(arn.alias_name().as_str().to_owned()),
        KeyIdentifier::Id(_) | KeyIdentifier::Arn(_) => None,
    }
}
