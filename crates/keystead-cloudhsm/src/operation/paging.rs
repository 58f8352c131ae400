//! Pages of a list: a token names the last item of the page before.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::error::CloudHsmError;

/// Part of a list.
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub(super) next_token: Option<String>,
}

/// The page after the item that `token` names; the first one without a token. An item that is gone since, or that the filters no longer
/// let through, leads nowhere: the caller is told to begin anew.
pub(super) fn page<T>(
    mut items: Vec<T>,
    token: Option<&str>,
    max: u32,
    key: impl Fn(&T) -> &str,
) -> Result<Page<T>, CloudHsmError> {
    if let Some(token) = token {
        let last = decoded(token).and_then(|last| items.iter().position(|item| key(item) == last));
        let last = last.ok_or_else(|| {
            CloudHsmError::invalid_request(
                "NextToken is not valid: it is none that was given out, or the list has changed. Begin without it.",
            )
        })?;
        items.drain(..=last);
    }
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    let more = items.len() > max;
    items.truncate(max);
    let next_token = items.last().filter(|_| more).map(|item| BASE64_URL_SAFE_NO_PAD.encode(key(item)));
    Ok(Page { items, next_token })
}

fn decoded(token: &str) -> Option<String> {
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_the_list_once() {
        let items: Vec<String> = (0..7).map(|number| format!("item-{number}")).collect();
        let (mut seen, mut token, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = page(items.clone(), token.as_deref(), 3, |item| item).unwrap();
            seen.extend(page.items);
            pages += 1;
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        assert_eq!((seen, pages), (items, 3));
    }

    #[test]
    fn a_full_last_page_has_no_token() {
        let page = page(vec!["a".to_owned(), "b".to_owned()], None, 2, |item| item).unwrap();
        assert_eq!(page.items.len(), 2);
        assert_eq!(page.next_token, None);
    }

    #[test]
    fn tokens_that_were_not_given_out_are_refused() {
        for token in ["", "no token", "!!!", "Z29uZQ"] {
            assert!(page(vec!["a".to_owned()], Some(token), 2, |item| item).is_err(), "{token}");
        }
    }
}
