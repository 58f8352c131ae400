//! Changes of what is stored: it is read, changed, and stored if nobody else did meanwhile; otherwise again from the start.

use keystead_core::access::Authorized;
use keystead_core::catalog::Conflicts;
use keystead_core::port::StoreError;

use super::call::Call;
use super::entity::{Entity, Subject};
use crate::error::IdentityError;

impl Call<'_> {
    /// Changes an entity. `change` sees what is stored and may refuse. A change that changes nothing is not written.
    pub(super) async fn change<T: Entity>(
        &self,
        subject: &Authorized<Subject<T>>,
        change: impl FnMut(&mut T) -> Result<(), IdentityError> + Send,
    ) -> Result<T, IdentityError> {
        self.change_entity(&***subject, change).await
    }

    /// The same for operations whose callers must be allowed something on another entity than the one that they change.
    pub(super) async fn change_entity<T: Entity>(
        &self,
        read: &T,
        mut change: impl FnMut(&mut T) -> Result<(), IdentityError> + Send,
    ) -> Result<T, IdentityError> {
        let mut conflicts = Conflicts::new(self.kms.entropy());
        loop {
            let stored = self.again(read).await?;
            let mut changed = stored.clone();
            change(&mut changed)?;
            if changed == stored {
                return Ok(changed);
            }
            let updated = changed.update(self.store()).await;
            if matches!(updated, Err(StoreError::Conflict)) {
                conflicts.wait().await.map_err(|_| StoreError::Conflict)?;
                continue;
            }
            self.kms.catalog().forget_identities();
            return match updated {
                Ok(()) => Ok(changed),
                Err(StoreError::NotFound) => Err(self.what_is_gone(read).await?),
                Err(error) => Err(error.into()),
            };
        }
    }

    /// Deletes an entity that has nothing which must go first. The store refuses what others refer to.
    pub(super) async fn delete<T: Entity>(&self, subject: &Authorized<Subject<T>>) -> Result<(), IdentityError> {
        let mut conflicts = Conflicts::new(self.kms.entropy());
        loop {
            let stored = self.again(&***subject).await?;
            stored.check_deletable()?;
            let deleted = stored.delete(self.store()).await;
            if matches!(deleted, Err(StoreError::Conflict)) {
                conflicts.wait().await.map_err(|_| StoreError::Conflict)?;
                continue;
            }
            self.kms.catalog().forget_identities();
            return deleted.map_err(|error| match error {
                StoreError::Referenced => IdentityError::delete_conflict(T::REFERENCED),
                StoreError::NotFound => T::not_found(stored.account(), &stored.key()),
                error => error.into(),
            });
        }
    }

    /// What is stored of an entity now.
    async fn again<T: Entity>(&self, read: &T) -> Result<T, IdentityError> {
        let stored = T::read(self.store(), read.account(), &read.key()).await?;
        let still = stored.filter(|stored| read.is_still(stored));
        still.ok_or_else(|| T::not_found(read.account(), &read.key()))
    }

    /// Why the store did not find all that an update needs.
    async fn what_is_gone<T: Entity>(&self, read: &T) -> Result<IdentityError, IdentityError> {
        self.again(read).await?;
        Ok(read.reference_is_gone())
    }
}
