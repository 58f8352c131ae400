//! A cluster of HSMs, used for one key store: calls that any of its HSMs can answer.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use keystead_core::key_store::HsmFailure;
use keystead_core::port::HsmLink;
use keystead_pkcs11::HsmError;
use keystead_pkcs11::client::Hsm;
use tokio::sync::RwLock;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::each::at_each;
use crate::failure::{Verdict, failure_of};
use crate::member::Member;
use crate::membership::{Membership, View};
use crate::rotation::Rotation;

/// All that is known of one key store's cluster. Nothing here is shared with another key store.
pub(crate) struct Cluster {
    pub(crate) membership: Membership,
    /// Where the next call begins.
    next: AtomicUsize,
    /// Read while keys are copied under the masking key, written while the HSMs get a new one.
    pub(crate) masking_key: RwLock<()>,
    call_timeout: Duration,
}

impl Cluster {
    pub(crate) fn new(membership: Membership, call_timeout: Duration) -> Self {
        Self { membership, next: AtomicUsize::new(0), masking_key: RwLock::new(()), call_timeout }
    }

    /// When a call that begins now has to be over.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.call_timeout
    }

    /// Makes a call that changes nothing at one HSM, and if that fails at another, until one answers or all were asked.
    ///
    /// Only a ciphertext that does not authenticate is final at once: other HSMs have the same key.
    pub(crate) async fn route<T, F>(&self, link: &HsmLink, call: impl Fn(Arc<Hsm>) -> F) -> Result<T, HsmFailure>
    where
        F: Future<Output = Result<T, HsmError>>,
    {
        let deadline = self.deadline();
        let view = self.membership.view().await?;
        wait_for_one(&view.active, deadline).await;
        view.active.iter().for_each(|member| member.log_in_in_the_background(link));
        let mut rotation = Rotation::new(view.active.len(), self.next.fetch_add(1, Ordering::Relaxed));
        let mut verdict = Verdict::new();
        while let Some(place) = rotation.next(|place| view.active[place].standing(Instant::now())) {
            let member = &view.active[place];
            let until = fair_share(deadline, rotation.left() + 1);
            if let Err(failure) = member.ensure_login(link, until).await {
                verdict.add(failure);
                continue;
            }
            match member.call(until, &call).await {
                Ok(answer) => return Ok(answer),
                Err(HsmError::InvalidCiphertext) => return Err(HsmFailure::InvalidCiphertext),
                Err(HsmError::NotLoggedIn) if rotation.once_more(place) => {}
                Err(error) => verdict.add(failure_of(&error)),
            }
        }
        Err(verdict.failure())
    }

    /// The active HSMs that KMS is logged in to, after trying to log in to all, in the order in which they are to be used.
    ///
    /// Fails with `NotEnoughHsms` unless there are such HSMs in two Availability Zones, or with what keeps KMS from logging in.
    pub(crate) async fn enough_members(&self, link: &HsmLink) -> Result<Vec<Arc<Member>>, HsmFailure> {
        let view = self.membership.view_now().await?;
        if zones(&view.active) < ZONES_MIN {
            return Err(HsmFailure::NotEnoughHsms);
        }
        let mut verdict = Verdict::new();
        let mut members = self.log_in_everywhere(link, &view, &mut verdict).await;
        if zones(&members) < ZONES_MIN {
            return Err(match verdict.failure() {
                HsmFailure::NoActiveHsm | HsmFailure::TimedOut => HsmFailure::NotEnoughHsms,
                failure => failure,
            });
        }
        members.sort_by(|one, other| one.hsm_id().cmp(other.hsm_id()));
        let first = self.next.fetch_add(1, Ordering::Relaxed) % members.len();
        members.rotate_left(first);
        Ok(members)
    }

    /// The members of the view that KMS is logged in to when this returns.
    pub(crate) async fn log_in_everywhere(
        &self,
        link: &HsmLink,
        view: &View,
        verdict: &mut Verdict,
    ) -> Vec<Arc<Member>> {
        let deadline = self.deadline();
        let starting: Vec<_> = view.active.iter().filter(|member| member.may_be_starting()).cloned().collect();
        at_each(&starting, |member| async move { member.wait_for_first_start(deadline).await }).await;
        let there: Vec<_> = view.active.iter().filter(|member| member.hsm().is_available()).cloned().collect();
        // The logins go on at the same time: each is a task from here on.
        let mut logged_in = Vec::with_capacity(there.len());
        there.iter().for_each(|member| member.log_in_in_the_background(link));
        for member in there {
            match member.ensure_login(link, deadline).await {
                Ok(()) => logged_in.push(member),
                Err(failure) => verdict.add(failure),
            }
        }
        logged_in
    }

    /// Begins a login at each active HSM that has lost it.
    pub(crate) async fn keep_logged_in(&self, link: &HsmLink) -> Result<(), HsmFailure> {
        let view = self.membership.view().await?;
        at_each(&view.active, |member| async move { member.look_for_login().await }).await;
        view.active.iter().for_each(|member| member.log_in_in_the_background(link));
        Ok(())
    }

    /// Nobody logs in any more through what is known here.
    pub(crate) async fn retire(&self) {
        at_each(&self.known_members(), |member| async move { member.close().await }).await;
    }

    /// The same, and logs `kmsuser` out of every HSM.
    pub(crate) async fn log_out(&self) {
        at_each(&self.known_members(), |member| async move { member.log_out().await }).await;
    }

    fn known_members(&self) -> Vec<Arc<Member>> {
        self.membership.known().map_or_else(Vec::new, |view| view.known().cloned().collect())
    }
}

/// A new key has to be in so many Availability Zones (digest 3.1).
pub(crate) const ZONES_MIN: usize = 2;

/// In how many different Availability Zones these HSMs are.
pub(crate) fn zones(members: &[Arc<Member>]) -> usize {
    members.iter().map(|member| member.availability_zone()).collect::<BTreeSet<_>>().len()
}

/// Waits until one of the HSMs is there, if none is and some may be about to start.
async fn wait_for_one(members: &[Arc<Member>], until: Instant) {
    let is_there = || members.iter().any(|member| member.hsm().is_available());
    if is_there() {
        return;
    }
    let mut starts = JoinSet::new();
    for member in members.iter().filter(|member| member.may_be_starting()) {
        let member = member.clone();
        starts.spawn(async move { member.wait_for_first_start(until).await });
    }
    while !is_there() && starts.join_next().await.is_some() {}
}

/// Until when one of several HSMs may take for its answer, so that the others get about as much time. A little more than its share, so that
/// the worker's own deadline comes first where both are the same: only a worker that misses its own counts as one that hangs.
fn fair_share(deadline: Instant, hsms: usize) -> Instant {
    let now = Instant::now();
    let share = deadline.saturating_duration_since(now) / u32::try_from(hsms.max(1)).unwrap_or(u32::MAX);
    (now + share + share / 10).min(deadline)
}
