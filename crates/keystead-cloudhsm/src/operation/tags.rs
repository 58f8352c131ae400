//! What tags may be (API Reference, Tag; AWS General Reference, "Tagging").

use keystead_model::cloudhsm::{Exception, Tag};

use super::tag_error;
use crate::CloudHsm;
use crate::error::CloudHsmError;

/// Keys that begin so, in whatever case, are AWS's own.
const RESERVED_PREFIX: &str = "aws:";

/// `there` with `new` added, or their values changed. Sorted by key.
pub(super) fn checked(cloud_hsm: &CloudHsm, there: &[Tag], new: &[Tag]) -> Result<Vec<Tag>, CloudHsmError> {
    for (index, tag) in new.iter().enumerate() {
        if tag.key.get(..RESERVED_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED_PREFIX)) {
            return Err(tag_error(format!("Tag key {} begins with aws:, which is reserved.", tag.key)));
        }
        if new[..index].iter().any(|other| other.key == tag.key) {
            return Err(tag_error(format!("Tag key {} is given more than once.", tag.key)));
        }
    }
    let kept = there.iter().filter(|tag| !new.iter().any(|other| other.key == tag.key));
    let mut tags: Vec<_> = kept.chain(new).cloned().collect();
    let quota = cloud_hsm.settings.quotas.tags;
    if tags.len() > quota {
        let message = format!("There would be {} tags; a resource may have {quota}.", tags.len());
        return Err(CloudHsmError::new(Exception::ResourceLimitExceeded, message));
    }
    tags.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(tags)
}
