//! The rules of tags (KMS core digest 5.3).

use keystead_model::kms::{Exception, Tag};

use crate::error::KmsError;
use crate::quota::TAGS_PER_KEY;

/// Refuses duplicate and reserved tag keys in one request.
pub(super) fn check_tags(tags: &[Tag]) -> Result<(), KmsError> {
    // Counted first: what follows compares each with each.
    check_count(tags.len())?;
    for (index, tag) in tags.iter().enumerate() {
        check_tag_key(&tag.tag_key)?;
        if tags[..index].iter().any(|earlier| earlier.tag_key == tag.tag_key) {
            return Err(tag_error("Duplicate tag keys"));
        }
    }
    Ok(())
}

/// Refuses the prefix `aws:` in any case.
pub(super) fn check_tag_key(key: &str) -> Result<(), KmsError> {
    match key.as_bytes().first_chunk::<4>() {
        Some(prefix) if prefix.eq_ignore_ascii_case(b"aws:") => Err(tag_error("Tags beginning with aws: are reserved")),
        _ => Ok(()),
    }
}

/// Adds tags to those a key has; a tag that is there already gets the new value in its old place.
pub(super) fn merge_tags(current: &mut Vec<Tag>, added: &[Tag]) -> Result<(), KmsError> {
    for tag in added {
        match current.iter_mut().find(|existing| existing.tag_key == tag.tag_key) {
            Some(existing) => existing.tag_value.clone_from(&tag.tag_value),
            None => current.push(tag.clone()),
        }
    }
    check_count(current.len())
}

fn check_count(count: usize) -> Result<(), KmsError> {
    if count > TAGS_PER_KEY { Err(tag_error("Too many tags")) } else { Ok(()) }
}

fn tag_error(message: &str) -> KmsError {
    KmsError::new(Exception::Tag, message)
}
