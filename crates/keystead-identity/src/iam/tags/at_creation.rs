//! Tags that something is made with.
//!
//! To give them is to tag it, as in AWS: who may make it but not tag it makes it without. Otherwise whoever makes a user would choose the
//! tags by which policies tell users apart.

use std::collections::BTreeMap;

use keystead_policy::RequestContext;

use super::Tags;
use crate::error::IdentityError;
use crate::iam::call::{Call, IamResource};
use crate::iam::entity_tags::Tagged;

impl Call<'_> {
    /// Whether the caller may make what has this ARN, and give it the tags, if there are any. Gives the tags of what is made, which are had in
    /// no other way.
    ///
    /// Both actions see the same of the request: `context`, and the tags.
    pub(in crate::iam) fn authorize_new<T: Tagged>(
        &self,
        arn: impl Into<String>,
        mut context: RequestContext,
        tags: Tags,
    ) -> Result<BTreeMap<String, String>, IdentityError> {
        tags.tell(&mut context);
        let new = IamResource { account: self.account(), arn: arn.into() };
        let new = self.authorize_on(new, &context)?;
        if !tags.0.is_empty() {
            self.authorize_also(T::TAGGING, IamResource::clone(&new), &context)?;
        }
        Ok(tags.0)
    }
}
