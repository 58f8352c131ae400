//! Which records a Describe operation gives: IDs, filters, pages.

use std::collections::BTreeSet;

use keystead_query::Parameters;
use keystead_query::{Node, Structure};

use super::error::Ec2Error;
use super::filter::{Filtered, Filters};
use crate::error::NetworkError;

/// How many records a page may have, so that more than one record of each comes with a call (EC2 service model, DescribeVpcs and others).
const PAGE_MIN: i32 = 5;
const PAGE_MAX: i32 = 1000;

/// A record that a Describe operation gives.
pub(super) trait Described: Filtered {
    /// The operation, without which a token of another one would be taken.
    const OPERATION: &'static str;

    /// Unique among the records; they are given in its order.
    fn id(&self) -> String;
    /// What the answer has of it.
    fn answer(&self) -> Node;
    /// The error for an ID that no record has.
    fn not_found(id: &str) -> NetworkError;
}

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Selection {
    /// All if it is empty.
    ids: BTreeSet<String>,
    pub(super) filters: Filters,
    after: Option<String>,
    page: Option<usize>,
}

impl Selection {
    /// Takes it from a request; `ids` is the name of the parameter with IDs, if the operation has one.
    pub(super) fn take<T: Described>(parameters: &mut Parameters, ids: Option<&str>) -> Result<Self, Ec2Error> {
        let filters = Filters::take::<T>(parameters)?;
        let named = ids.map(|name| parameters.list(name)).unwrap_or_default();
        let page = page(parameters.integer("MaxResults")?)?;
        let after = parameters.take("NextToken").map(|token| after(T::OPERATION, &token)).transpose()?;
        if page.is_some() && !named.is_empty() {
            let message =
                format!("The parameter {} cannot be used with the parameter MaxResults", ids.unwrap_or_default());
            return Err(NetworkError::InvalidParameterCombination(message).into());
        }
        // Who has a token, and names no size any more, has a page all the same.
        let page = page.or(after.is_some().then_some(PAGE_MAX as usize));
        Ok(Self { ids: named.into_iter().collect(), filters, after, page })
    }

    /// The answer: the records asked for, as the list `set`.
    ///
    /// Fails with the record's `NotFound` for the first ID that there is not.
    pub(super) fn answer<T: Described>(&self, set: &'static str, mut records: Vec<T>) -> Result<Structure, Ec2Error> {
        records.sort_by_cached_key(Described::id);
        let known: BTreeSet<String> = records.iter().map(Described::id).collect();
        if let Some(missing) = self.ids.difference(&known).next() {
            return Err(T::not_found(missing).into());
        }
        let mut chosen: Vec<T> = records.into_iter().filter(|record| self.chooses(record)).collect();
        let token = self.cut(&mut chosen);
        Ok(Structure::default().with_list(set, chosen.iter().map(Described::answer)).with_some("nextToken", token))
    }

    fn chooses<T: Described>(&self, record: &T) -> bool {
        let id = record.id();
        (self.ids.is_empty() || self.ids.contains(&id))
            && self.after.as_ref().is_none_or(|after| id > *after)
            && self.filters.accept(record)
    }

    /// Leaves one page; gives the token for the next, if there is one.
    fn cut<T: Described>(&self, records: &mut Vec<T>) -> Option<String> {
        let page = self.page.filter(|page| records.len() > *page)?;
        records.truncate(page);
        records.last().map(|last| token(T::OPERATION, &last.id()))
    }
}

fn page(asked: Option<i32>) -> Result<Option<usize>, Ec2Error> {
    match asked {
        None => Ok(None),
        Some(size @ PAGE_MIN..=PAGE_MAX) => Ok(usize::try_from(size).ok()),
        Some(other) => {
            let reason = format!("Expecting a value from {PAGE_MIN} to {PAGE_MAX}.");
            Err(NetworkError::invalid_value("maxResults", other.to_string(), reason).into())
        }
    }
}

/// The token after a record: operation and ID, as hexadecimal digits, so that it looks like what it is: not to be made by hand.
fn token(operation: &str, last: &str) -> String {
    format!("{operation}\n{last}").bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The ID in a token of the operation.
fn after(operation: &str, token: &str) -> Result<String, Ec2Error> {
    let digits = token.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    digits
        .collect::<Option<Vec<u8>>>()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.strip_prefix(operation)?.strip_prefix('\n').map(str::to_owned))
        .ok_or_else(|| {
            let message =
                "The token is not valid. Pass the nextToken of the previous page of the same operation unchanged.";
            Ec2Error::new("InvalidNextToken", 400, message)
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_its_operations_own() {
        let made = token("DescribeVpcs", "vpc-1");
        assert_eq!(after("DescribeVpcs", &made).unwrap(), "vpc-1");
        for forged in [made.as_str(), "", "x", "éé", "ff", "+1"] {
            assert_eq!(after("DescribeSubnets", forged).unwrap_err().code, "InvalidNextToken", "{forged}");
        }
    }

    #[test]
    fn sizes_of_pages() {
        for (asked, expected) in [
            (None, Some(None)),
            (Some(5), Some(Some(5))),
            (Some(1000), Some(Some(1000))),
            (Some(4), None),
            (Some(1001), None),
        ] {
            assert_eq!(page(asked).ok(), expected, "{asked:?}");
        }
    }
}
