//! Pages: `Marker` and `MaxItems` in, `IsTruncated` and `Marker` out.

use keystead_core::page_marker::PageMarkers;
use keystead_query::{Node, Parameters, Structure};

use super::call::Call;
use crate::constraint::{NumberRule, TextRule};
use crate::error::IdentityError;

/// Longer than the 320 characters of the shape `markerType`, which SDKs do not check: markers here hold names, and tag keys are long.
const MARKER: TextRule = TextRule { min: 1, max: 1024, pattern: None };
/// The shape `maxItemsType`.
const MAX_ITEMS: NumberRule = NumberRule { min: 1, max: 1000 };
/// How many items there are on a page that is given no `MaxItems`.
const DEFAULT_ITEMS: usize = 100;

/// A page that is asked for.
pub(crate) struct Page<'a> {
    markers: PageMarkers<'a>,
    items: usize,
    after: Option<String>,
}

impl<'a> Page<'a> {
    /// Takes `Marker` and `MaxItems`. `filters` tell what of the account the operation lists, always in the same order. A marker that no page
    /// of the same listing gave is refused.
    pub(crate) fn take(call: &Call<'a>, parameters: &mut Parameters, filters: &[&str]) -> Result<Self, IdentityError> {
        let account = call.account();
        let scope = ["iam", call.operation, account.as_str()];
        let markers = PageMarkers::new(call.kms.catalog().root_key(), scope.iter().chain(filters).copied());
        let items = MAX_ITEMS.optional(parameters, "MaxItems")?;
        let after = MARKER.optional(parameters, "Marker")?;
        let after = after.map(|marker| markers.open(&marker).ok_or_else(invalid_marker)).transpose()?;
        let items = items.and_then(|items| usize::try_from(items).ok()).unwrap_or(DEFAULT_ITEMS);
        Ok(Self { markers, items, after })
    }

    /// The same page where each item that is listed counts as so many: at least one of them is on it.
    pub(crate) fn of_groups(self, size: usize) -> Self {
        Self { items: (self.items / size.max(1)).max(1), ..self }
    }

    /// How many items to look for: one more than the page has room for tells that there is another page.
    pub(crate) fn wanted(&self) -> usize {
        self.items + 1
    }

    /// The name of the item that the page begins after; `None` for the first page.
    pub(crate) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Those of `all`, in the order of their names, that come after the marker: one more than the page has room for, at most.
    pub(crate) fn of_all<T>(&self, all: impl IntoIterator<Item = T>, name: impl Fn(&T) -> &str) -> Vec<T> {
        let after = self.after();
        all.into_iter().filter(|item| after.is_none_or(|after| name(item) > after)).take(self.wanted()).collect()
    }

    /// The answer: the items as the list `member`, but for the one too many, and whether there are more.
    pub(crate) fn answer<T, N: Into<Node>>(
        &self,
        answer: Structure,
        member: &'static str,
        items: &[T],
        name: impl Fn(&T) -> &str,
        shown: impl Fn(&T) -> N,
    ) -> Structure {
        let (page, marker) = self.cut(items, name);
        let answer = answer.with_list(member, page.iter().map(shown));
        answer.with("IsTruncated", marker.is_some()).with_some("Marker", marker)
    }

    /// The items without the one too many, and the marker of the next page if there is one.
    pub(crate) fn cut<'b, T>(&self, items: &'b [T], name: impl Fn(&T) -> &str) -> (&'b [T], Option<String>) {
        let page = items.get(..self.items).unwrap_or(items);
        let marker = page.last().filter(|_| items.len() > page.len()).map(|last| self.markers.marker(name(last)));
        (page, marker)
    }
}

/// The text is unverified.
fn invalid_marker() -> IdentityError {
    IdentityError::validation("Invalid Marker. Pass the Marker of the previous page of the same operation unchanged.")
}
