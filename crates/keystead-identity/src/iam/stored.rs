//! Changes of what is stored: it is read, changed, and stored if nobody else did meanwhile; otherwise again from the start.

use async_trait::async_trait;
use keystead_core::catalog::Conflicts;
use keystead_core::port::{Store, StoreError};

use super::call::Call;
use crate::error::IdentityError;

/// Something of IAM that is stored with a revision.
#[async_trait]
pub(crate) trait Stored: Clone + PartialEq + Send + Sync + Sized + 'static {
    /// What is stored now. One that was deleted and made again is another.
    async fn again(&self, store: &dyn Store) -> Result<Self, IdentityError>;
    /// Stores it, if its revision is the stored one.
    async fn put(&self, store: &dyn Store) -> Result<(), StoreError>;
    /// Deletes it, if its revision is the stored one.
    async fn remove(&self, store: &dyn Store) -> Result<(), StoreError>;
}

impl Call<'_> {
    /// Changes what is stored of `read`. `change` sees it and may refuse. A change that changes nothing is not written.
    ///
    /// The inner error is the store's, for the caller to word.
    pub(super) async fn change_stored<T: Stored>(
        &self,
        read: &T,
        mut change: impl FnMut(&mut T) -> Result<(), IdentityError> + Send,
    ) -> Result<Result<T, StoreError>, IdentityError> {
        let mut conflicts = Conflicts::new(self.kms.entropy());
        loop {
            let stored = read.again(self.store()).await?;
            let mut changed = stored.clone();
            change(&mut changed)?;
            if changed == stored {
                return Ok(Ok(changed));
            }
            match changed.put(self.store()).await {
                Err(StoreError::Conflict) => conflicts.wait().await.map_err(|_| StoreError::Conflict)?,
                result => {
                    self.kms.catalog().forget_identities();
                    return Ok(result.map(|()| changed));
                }
            }
        }
    }

    /// Deletes what is stored of `read`. `check` sees it and may refuse.
    ///
    /// The inner error is the store's, for the caller to word.
    pub(super) async fn delete_stored<T: Stored>(
        &self,
        read: &T,
        check: impl Fn(&T) -> Result<(), IdentityError> + Send,
    ) -> Result<Result<(), StoreError>, IdentityError> {
        let mut conflicts = Conflicts::new(self.kms.entropy());
        loop {
            let stored = read.again(self.store()).await?;
            check(&stored)?;
            match stored.remove(self.store()).await {
                Err(StoreError::Conflict) => conflicts.wait().await.map_err(|_| StoreError::Conflict)?,
                result => {
                    self.kms.catalog().forget_identities();
                    return Ok(result);
                }
            }
        }
    }
}
