//! New keys: made in one HSM, copied to the others, acknowledged when they are in two Availability Zones.
//!
//! ```text
//! source   generate, extractable ── wrap under the masking key ── seal: unextractable for ever
//! others                            unwrap, unextractable; compare check values
//! ```
//!
//! An HSM that is away meanwhile does not have the key, and never gets it from the others, which cannot part with it any more. Calls with
//! that key go on to the HSMs that have it. DeleteHsm and CreateHsm replace such an HSM by a clone of a live one, which has all keys.
//!
//! Whatever ends this half-way leaves objects with the ID of the key and no others, and nothing was encrypted under them: `destroy_key`
//! removes them. For the same reason a failure is final for this ID: a lost HSM may come back with another key under it.
//! Source: CloudHSM key stores digest 3.1 and 7.6.

use std::sync::Arc;
use std::time::Duration;

use keystead_core::key_store::HsmFailure;
use keystead_core::port::HsmLink;
use keystead_pkcs11::{HsmError, KeyId, KeyInfo, Replication};
use tokio::time::{Instant, sleep};

use crate::cluster::{Cluster, ZONES_MIN, zones};
use crate::each::at_each;
use crate::failure::{Verdict, failure_of};
use crate::masking_key;
use crate::member::Member;

/// How often a cluster is asked whether its vendor's client has replicated a key.
const REPLICATION_POLL: Duration = Duration::from_millis(50);

/// A key to be made.
#[derive(Clone)]
pub(crate) struct NewKey {
    pub(crate) id: KeyId,
    pub(crate) label: String,
}

/// Which HSMs have the new key, and why the others do not.
struct Copies {
    holders: Vec<Arc<Member>>,
    /// HSMs that could not unwrap the key: they may have another masking key.
    refused: Vec<Arc<Member>>,
    verdict: Verdict,
}

impl Copies {
    fn none() -> Self {
        Self { holders: Vec::new(), refused: Vec::new(), verdict: Verdict::new() }
    }
}

/// Makes the key, or fails and destroys what there is of it at every HSM that answers.
pub(crate) async fn generate(cluster: &Cluster, link: &HsmLink, key: &NewKey) -> Result<(), HsmFailure> {
    let members = cluster.enough_members(link).await?;
    let Some((source, others)) = members.split_first() else { return Err(HsmFailure::NotEnoughHsms) };
    let made = match source.hsm().settings().profile.replication {
        Replication::KeyWrap => by_wrapping(cluster, source, others, key).await,
        Replication::Vendor => by_the_vendor(cluster, source, others, key).await,
    };
    let outcome = made.and_then(|copies| acknowledge(&copies));
    if outcome.is_err() {
        destroy_at_each(&members, &key.id).await;
    }
    outcome
}

/// Destroys a key at these HSMs. Returns how each one answered.
pub(crate) async fn destroy_at_each(members: &[Arc<Member>], id: &KeyId) -> Vec<Result<u32, HsmError>> {
    let destroyed = at_each(members, |member| {
        let id = id.clone();
        async move { member.ask(|hsm| async move { hsm.destroy_key(&id).await }).await }
    });
    let mut answers = Vec::with_capacity(members.len());
    for (member, answer) in destroyed.await {
        if let Err(error) = &answer {
            tracing::warn!(hsm_id = member.hsm_id(), key_id = %id, error = %error, "the key was not destroyed at the HSM");
        }
        answers.push(answer);
    }
    answers
}

fn acknowledge(copies: &Copies) -> Result<(), HsmFailure> {
    if zones(&copies.holders) >= ZONES_MIN {
        return Ok(());
    }
    Err(match copies.verdict.failure() {
        HsmFailure::NoActiveHsm | HsmFailure::TimedOut => HsmFailure::NotEnoughHsms,
        failure => failure,
    })
}

async fn by_wrapping(
    cluster: &Cluster,
    source: &Arc<Member>,
    others: &[Arc<Member>],
    key: &NewKey,
) -> Result<Copies, HsmFailure> {
    let everyone: Vec<_> = std::iter::once(source).chain(others).cloned().collect();
    masking_key::ensure_shared(cluster, &everyone).await?;
    let made = make(source, key, true).await?;
    let mut copies = Copies::none();
    copy(cluster, source, others, key, &made, &mut copies).await?;
    let refused = std::mem::take(&mut copies.refused);
    if !refused.is_empty() {
        masking_key::renew(cluster, &everyone).await?;
        copy(cluster, source, &refused, key, &made, &mut copies).await?;
    }
    seal(source, key, &made).await?;
    copies.holders.push(source.clone());
    Ok(copies)
}

async fn make(source: &Member, key: &NewKey, extractable: bool) -> Result<KeyInfo, HsmFailure> {
    let NewKey { id, label } = key.clone();
    let made = source.ask(|hsm| async move { hsm.generate_key(&id, &label, extractable).await }).await;
    made.map_err(|error| not_enough_if_lost(failure_of(&error)))
}

/// Adds to the copies those that the HSMs take.
async fn copy(
    cluster: &Cluster,
    source: &Member,
    to: &[Arc<Member>],
    key: &NewKey,
    made: &KeyInfo,
    copies: &mut Copies,
) -> Result<(), HsmFailure> {
    let _unchanged = cluster.masking_key.read().await;
    let id = key.id.clone();
    let wrapped = source.ask(|hsm| async move { hsm.wrap_key(&id).await }).await;
    let wrapped: Arc<[u8]> = wrapped.map_err(|error| not_enough_if_lost(failure_of(&error)))?.into();
    let taken = at_each(to, |member| {
        let (wrapped, NewKey { id, label }) = (wrapped.clone(), key.clone());
        async move { member.ask(|hsm| async move { hsm.unwrap_key(&wrapped, &id, &label).await }).await }
    });
    for (member, taken) in taken.await {
        match taken {
            Ok(copy) if is_sealed_copy(&copy, made) => copies.holders.push(member),
            Ok(_) => return Err(HsmFailure::KeyMismatch),
            Err(error) => {
                copies.verdict.add(failure_of(&error));
                if matches!(error, HsmError::Module(_) | HsmError::KeyNotFound | HsmError::KeyAmbiguous) {
                    copies.refused.push(member);
                }
            }
        }
    }
    Ok(())
}

async fn seal(source: &Member, key: &NewKey, made: &KeyInfo) -> Result<(), HsmFailure> {
    let id = key.id.clone();
    let sealed = source.ask(|hsm| async move { hsm.seal_key(&id).await }).await;
    match sealed {
        Ok(sealed) if is_sealed_copy(&sealed, made) => Ok(()),
        Ok(_) => Err(HsmFailure::Malfunction),
        Err(error) => Err(not_enough_if_lost(failure_of(&error))),
    }
}

fn is_sealed_copy(copy: &KeyInfo, made: &KeyInfo) -> bool {
    copy.check_value == made.check_value && copy.attributes.sensitive && !copy.attributes.extractable
}

/// Losing an HSM in the middle leaves too few of them for the new key.
fn not_enough_if_lost(failure: HsmFailure) -> HsmFailure {
    match failure {
        HsmFailure::Unreachable => HsmFailure::NotEnoughHsms,
        failure => failure,
    }
}

/// One generation, as the members are views of one cluster; each has to see the key before it counts.
async fn by_the_vendor(
    cluster: &Cluster,
    source: &Arc<Member>,
    others: &[Arc<Member>],
    key: &NewKey,
) -> Result<Copies, HsmFailure> {
    let made = make(source, key, false).await?;
    if !is_sealed_copy(&made, &made) {
        return Err(HsmFailure::Malfunction);
    }
    let deadline = cluster.deadline();
    let seen = at_each(others, |member| {
        let (id, made) = (key.id.clone(), made.clone());
        async move { wait_for_replica(&member, &id, &made, deadline).await }
    });
    let mut copies = Copies::none();
    copies.holders.push(source.clone());
    for (member, seen) in seen.await {
        match seen {
            Ok(()) => copies.holders.push(member),
            Err(HsmFailure::KeyMismatch) => return Err(HsmFailure::KeyMismatch),
            Err(failure) => copies.verdict.add(failure),
        }
    }
    Ok(copies)
}

async fn wait_for_replica(member: &Member, id: &KeyId, made: &KeyInfo, deadline: Instant) -> Result<(), HsmFailure> {
    loop {
        let wanted = id.clone();
        let found = member.ask(|hsm| async move { hsm.find_keys(&wanted).await }).await;
        match found.map_err(|error| failure_of(&error))?.as_slice() {
            [replica] if is_sealed_copy(replica, made) => return Ok(()),
            [_] => return Err(HsmFailure::KeyMismatch),
            [] if Instant::now() >= deadline => return Err(HsmFailure::TimedOut),
            [] => sleep(REPLICATION_POLL).await,
            _ => return Err(HsmFailure::KeyAmbiguous),
        }
    }
}
