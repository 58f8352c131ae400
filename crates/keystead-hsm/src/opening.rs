//! Steps 6 to 8 of a connect (CloudHSM key stores digest 2.1): trust, a fresh view of every HSM, and the crypto user.

use std::sync::Arc;

use keystead_core::key_store::HsmFailure;
use keystead_core::port::HsmLink;
use keystead_pkcs11::{LoginHolder, TokenStatus};

use crate::cluster::Cluster;
use crate::cluster_certificate::check_trust;
use crate::each::at_each;
use crate::member::Member;

/// The IDs of the HSMs that can be logged in to. An HSM that cannot be reached while others can is left out; KMS logs in to it
/// when it is back.
pub(crate) async fn open(cluster: &Cluster, link: &HsmLink) -> Result<Vec<String>, HsmFailure> {
    let view = cluster.membership.view_now().await?;
    if let Err(error) = check_trust(view.cluster_certificate.as_deref(), &link.trust_anchor) {
        tracing::warn!(cluster_id = link.cluster_id, error = %error, "the cluster is not the key store's");
        return Err(HsmFailure::Unreachable);
    }
    if view.active.is_empty() {
        return Err(HsmFailure::NoActiveHsm);
    }
    check_no_auditor(&view.active).await?;
    let reached = start_afresh(&view.active).await?;
    if let Some((hsm_id, _)) = reached.iter().find(|(_, status)| !status.user_exists) {
        tracing::warn!(hsm_id, "the HSM has no crypto user kmsuser");
        return Err(HsmFailure::UserNotFound);
    }
    Ok(reached.into_iter().map(|(hsm_id, _)| hsm_id).collect())
}

/// Before any worker is restarted, which would end an auditor's login. An HSM that does not answer keeps nobody logged in.
async fn check_no_auditor(members: &[Arc<Member>]) -> Result<(), HsmFailure> {
    for (member, status) in at_each(members, |member| async move { member.hsm().status().await }).await {
        match status {
            Ok(TokenStatus { login: Some(LoginHolder::Auditor), .. }) => {
                tracing::warn!(hsm_id = member.hsm_id(), "an auditor is logged in to the HSM as kmsuser");
                return Err(HsmFailure::UserLoggedIn);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::info!(hsm_id = member.hsm_id(), error = %error, "the HSM does not answer; its worker is restarted");
            }
        }
    }
    Ok(())
}

/// A module may remember a PIN that was changed since (digest 7.3): only a fresh worker tells the truth.
async fn start_afresh(members: &[Arc<Member>]) -> Result<Vec<(String, TokenStatus)>, HsmFailure> {
    let mut reached = Vec::with_capacity(members.len());
    for (member, status) in at_each(members, |member| async move { member.start_afresh().await }).await {
        match status {
            Ok(status) => reached.push((member.hsm_id().to_owned(), status)),
            Err(error) => tracing::warn!(hsm_id = member.hsm_id(), error = %error, "the HSM cannot be reached"),
        }
    }
    reached.sort_by(|(one, _), (other, _)| one.cmp(other));
    if reached.is_empty() { Err(HsmFailure::Unreachable) } else { Ok(reached) }
}
