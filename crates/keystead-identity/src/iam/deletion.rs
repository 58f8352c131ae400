//! DeleteUser, DeleteGroup, DeleteRole, DeletePolicy, DeleteOpenIDConnectProvider.

use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::entity::Entity;
use crate::error::IdentityError;

/// Deletes an entity that has nothing left which must go first ([`Entity::check_deletable`]), and that nothing refers to. A permissions
/// boundary goes with its user or role; a role's sessions end with it. Roles that trust a provider stay, and nobody can assume them
/// through it.
pub(super) async fn delete<T: Entity>(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let key = T::take_key(call, &mut parameters)?;
    parameters.finish()?;
    let entity = call.authorized::<T>(&key).await?;
    call.delete(&entity).await?;
    Ok(None)
}
