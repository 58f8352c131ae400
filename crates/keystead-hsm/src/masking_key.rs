//! The masking key, which all HSMs of a cluster share: under it a new key goes from one to the others.
//!
//! It protects keys on their way and nothing else, so that it can be made anew at any time (CloudHSM key stores digest 7.6).

use std::sync::Arc;

use keystead_core::key_store::HsmFailure;
use keystead_pkcs11::{HsmError, KeyId, KeyInfo};

use crate::cluster::Cluster;
use crate::each::at_each;
use crate::failure::failure_of;
use crate::member::Member;

/// `CKA_ID` of the masking key on every HSM.
const MASKING_KEY_ID: &[u8] = b"keystead masking key";

fn masking_key_id() -> KeyId {
    KeyId(MASKING_KEY_ID.to_vec())
}

/// Gives the HSMs one masking key unless they have one, as far as can be seen.
///
/// Whether two that look the same are the same shows when one HSM takes what the other has wrapped.
pub(crate) async fn ensure_shared(cluster: &Cluster, members: &[Arc<Member>]) -> Result<(), HsmFailure> {
    if looks_shared(members).await {
        return Ok(());
    }
    let _alone = cluster.masking_key.write().await;
    // Whoever held the lock before may just have done it.
    if looks_shared(members).await { Ok(()) } else { share_a_new_one(members).await }
}

/// Gives the HSMs a new masking key, whatever they have.
pub(crate) async fn renew(cluster: &Cluster, members: &[Arc<Member>]) -> Result<(), HsmFailure> {
    let _alone = cluster.masking_key.write().await;
    share_a_new_one(members).await
}

async fn looks_shared(members: &[Arc<Member>]) -> bool {
    let found =
        at_each(members, |member| async move { member.ask(|hsm| async move { hsm.masking_key().await }).await });
    let mut known: Option<KeyInfo> = None;
    for (_, found) in found.await {
        match found {
            Ok(Some(key)) if key.attributes.extractable => return false,
            Ok(Some(key)) if known.as_ref().is_some_and(|known| !may_be_same(known, &key)) => return false,
            Ok(Some(key)) => known = Some(key),
            Ok(None) | Err(HsmError::KeyAmbiguous) => return false,
            // An HSM that does not answer takes no key either, with whatever masking key.
            Err(_) => {}
        }
    }
    true
}

/// No module tells check values of all keys that can do nothing but wrap: kryoptic of none, SoftHSM 2 of those only that it generated.
fn may_be_same(one: &KeyInfo, other: &KeyInfo) -> bool {
    one.check_value.is_empty() || other.check_value.is_empty() || one.check_value == other.check_value
}

/// An HSM that does not take part is left without, and takes no copies; only the first one must succeed.
async fn share_a_new_one(members: &[Arc<Member>]) -> Result<(), HsmFailure> {
    let Some((leader, others)) = members.split_first() else { return Ok(()) };
    for (member, destroyed) in at_each(members, |member| async move { destroy(&member).await }).await {
        match destroyed {
            Err(error) if Arc::ptr_eq(&member, leader) => return Err(failure_of(&error)),
            Ok(_) | Err(_) => {}
        }
    }
    let made = leader.ask(|hsm| async move { hsm.generate_masking_key().await }).await;
    let made = made.map_err(|error| failure_of(&error))?;
    let received = at_each(others, |member| {
        let (leader, made) = (leader.clone(), made.clone());
        async move { receive(&leader, &member, &made).await }
    });
    for (member, received) in received.await {
        if let Err(error) = received {
            tracing::warn!(hsm_id = member.hsm_id(), error = %error, "the HSM did not take the cluster's masking key");
        }
    }
    let sealed = leader.ask(|hsm| async move { hsm.seal_key(&masking_key_id()).await }).await;
    match sealed.map_err(|error| failure_of(&error))? {
        key if key.attributes.extractable => Err(HsmFailure::Malfunction),
        _ => Ok(()),
    }
}

async fn destroy(member: &Member) -> Result<u32, HsmError> {
    member.ask(|hsm| async move { hsm.destroy_key(&masking_key_id()).await }).await
}

/// The way of the masking key from one HSM to another, wrapped for an RSA key that only the receiver has.
async fn receive(leader: &Member, member: &Member, made: &KeyInfo) -> Result<(), HsmError> {
    let transport_key = member.ask(|hsm| async move { hsm.generate_transport_key().await }).await?;
    let wrapped = leader.ask(|hsm| async move { hsm.wrap_masking_key(&transport_key).await }).await?;
    let taken = member.ask(|hsm| async move { hsm.unwrap_masking_key(&wrapped).await }).await?;
    if may_be_same(&taken, made) && !taken.attributes.extractable {
        return Ok(());
    }
    destroy(member).await?;
    Err(HsmError::Module("the masking key is another one than was sent, or can be extracted".into()))
}
