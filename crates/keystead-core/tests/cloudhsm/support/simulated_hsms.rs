//! Clusters of HSMs in memory, with their users, keys and network, and a knife to cut calls with.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use keystead_core::key_store::HsmFailure;
use keystead_core::port::{
    AttachNetworkError, BackingKeyId, ClusterHsm, Entropy, HsmBackend, HsmCiphertext, HsmCluster, HsmClusters, HsmLink,
    StoreError, SystemEntropy,
};
use keystead_model::SecretString;
use keystead_model::arn::{AccountId, CustomKeyStoreId, Region};
use tokio::sync::Notify;
use zeroize::Zeroizing;

use super::certificates::pem;
use super::server::PATIENCE;

/// Wrong passwords that lock a user.
const STRIKES: u32 = 5;

/// One HSM.
pub struct Hsm {
    pub zone: String,
    /// Its state in DescribeClusters.
    pub active: bool,
    /// Whether it answers.
    pub reachable: bool,
    /// Whether it answers once it was opened.
    pub lost_after_open: bool,
    /// The password of kmsuser, `None` where there is no such user.
    pub password: Option<String>,
    pub auditor: bool,
    pub kms_logged_in: bool,
    pub strikes: u32,
    /// Logins that were tried with a wrong password, ever.
    pub wrong_passwords: u32,
    pub keys: HashMap<BackingKeyId, [u8; 32]>,
    pub labels: HashMap<BackingKeyId, String>,
}

/// A cluster and what is around it.
pub struct Cluster {
    pub state: &'static str,
    pub certificate: String,
    pub anchor: String,
    pub hsms: BTreeMap<String, Hsm>,
    pub network_problem: Option<String>,
    pub attach_failure: Option<fn() -> AttachNetworkError>,
    /// The key stores that have network objects in it.
    pub attached: Vec<CustomKeyStoreId>,
}

/// Where a call is cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CutKind {
    /// It never answers, and has done nothing.
    HangBefore,
    /// It has done its work, and never answers.
    HangAfter,
    /// It fails, and has done nothing.
    FailBefore(HsmFailure),
    /// It has done its work, and fails.
    FailAfter(HsmFailure),
    /// It answers late, with a failure, and has done nothing.
    HangAndFail(HsmFailure),
}

/// Which call is cut, counted from 1, and how.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    pub call: usize,
    pub kind: CutKind,
}

#[derive(Default)]
pub struct World {
    pub clusters: BTreeMap<String, Cluster>,
    pub calls: Vec<String>,
    pub cut: Option<Cut>,
}

/// See the module's text.
#[derive(Default)]
pub struct SimulatedHsms {
    world: Mutex<World>,
    hanging: Notify,
    released: Notify,
}

/// A cluster of HSMs in as many zones, activated, whose kmsuser has this password.
pub fn cluster(name: &str, hsms: usize, password: &str) -> Cluster {
    let hsms = (0..hsms).map(|number| (format!("hsm-{name}-{number}"), hsm(number, password)));
    Cluster {
        state: "ACTIVE",
        certificate: pem(&format!("cluster certificate {name}")),
        anchor: pem("customer CA"),
        hsms: hsms.collect(),
        network_problem: None,
        attach_failure: None,
        attached: Vec::new(),
    }
}

pub fn hsm(zone: usize, password: &str) -> Hsm {
    Hsm {
        zone: format!("us-east-1{}", ["a", "b", "c", "d"][zone]),
        active: true,
        reachable: true,
        lost_after_open: false,
        password: Some(password.to_owned()),
        auditor: false,
        kms_logged_in: false,
        strikes: 0,
        wrong_passwords: 0,
        keys: HashMap::new(),
        labels: HashMap::new(),
    }
}

impl SimulatedHsms {
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Changes the one cluster of a test.
    pub fn with_cluster<T>(&self, id: &str, change: impl FnOnce(&mut Cluster) -> T) -> T {
        change(self.world().clusters.get_mut(id).expect("no such cluster"))
    }

    /// The passwords of the cluster's HSMs, in order.
    pub fn passwords(&self, id: &str) -> Vec<String> {
        self.with_cluster(id, |cluster| cluster.hsms.values().map(|hsm| hsm.password.clone().unwrap()).collect())
    }

    /// Forgets the calls so far, and cuts one that comes.
    pub fn cut(&self, cut: Option<Cut>) {
        let mut world = self.world();
        world.calls.clear();
        world.cut = cut;
    }

    /// Returns once a call hangs.
    pub async fn hangs(&self) {
        tokio::time::timeout(PATIENCE, self.hanging.notified()).await.expect("no call hangs");
    }

    /// Lets the hanging call go on.
    pub fn release(&self) {
        self.released.notify_waiters();
    }

    /// Counts a call, and says how it is cut.
    fn begin(&self, call: &str) -> Option<CutKind> {
        let mut world = self.world();
        world.calls.push(call.to_owned());
        let number = world.calls.len();
        world.cut.filter(|cut| cut.call == number).map(|cut| cut.kind)
    }

    /// One call: its effect, and the knife before or after it.
    async fn call<T>(
        &self,
        name: &str,
        effect: impl FnOnce(&mut World) -> Result<T, HsmFailure> + Send,
    ) -> Result<T, HsmFailure> {
        match self.begin(name) {
            None => effect(&mut self.world()),
            Some(CutKind::HangBefore) => {
                self.hang().await;
                effect(&mut self.world())
            }
            Some(CutKind::HangAfter) => {
                let done = effect(&mut self.world());
                self.hang().await;
                done
            }
            Some(CutKind::FailBefore(failure)) => Err(failure),
            Some(CutKind::FailAfter(failure)) => effect(&mut self.world()).and(Err(failure)),
            Some(CutKind::HangAndFail(failure)) => {
                self.hang().await;
                Err(failure)
            }
        }
    }

    async fn hang(&self) {
        let released = self.released.notified();
        self.hanging.notify_one();
        released.await;
    }
}

fn reach<'w>(world: &'w mut World, link: &HsmLink, hsm_id: &str) -> Result<&'w mut Hsm, HsmFailure> {
    let cluster = world.clusters.get_mut(&link.cluster_id).ok_or(HsmFailure::ClusterNotFound)?;
    let hsm = cluster.hsms.get_mut(hsm_id).ok_or(HsmFailure::Unreachable)?;
    if hsm.active && hsm.reachable && !hsm.lost_after_open { Ok(hsm) } else { Err(HsmFailure::Unreachable) }
}

/// As KMS would log in when it needs an HSM: with two of the link's passwords at the most.
fn usable<'w>(world: &'w mut World, link: &HsmLink) -> Result<Vec<&'w mut Hsm>, HsmFailure> {
    let cluster = world.clusters.get_mut(&link.cluster_id).ok_or(HsmFailure::ClusterNotFound)?;
    let reachable: Vec<_> =
        cluster.hsms.values_mut().filter(|hsm| hsm.active && hsm.reachable && !hsm.lost_after_open).collect();
    if reachable.is_empty() {
        return Err(HsmFailure::NoActiveHsm);
    }
    let usable: Vec<_> = reachable
        .into_iter()
        .filter(|hsm| {
            let known = link.passwords.iter().take(2).any(|known| hsm.password.as_deref() == Some(known.expose()));
            hsm.kms_logged_in || known
        })
        .collect();
    if usable.is_empty() { Err(HsmFailure::InvalidCredentials) } else { Ok(usable) }
}

fn key_of(hsms: &[&mut Hsm], id: &BackingKeyId) -> Result<LessSafeKey, HsmFailure> {
    let key = hsms.iter().find_map(|hsm| hsm.keys.get(id)).ok_or(HsmFailure::KeyNotFound)?;
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap()))
}

#[async_trait]
impl HsmBackend for SimulatedHsms {
    async fn open(&self, link: &HsmLink) -> Result<Vec<String>, HsmFailure> {
        self.call("open", |world| {
            let cluster = world.clusters.get_mut(&link.cluster_id).ok_or(HsmFailure::ClusterNotFound)?;
            if cluster.anchor != link.trust_anchor {
                return Err(HsmFailure::Unreachable);
            }
            if !cluster.hsms.values().any(|hsm| hsm.active) {
                return Err(HsmFailure::NoActiveHsm);
            }
            let reached: Vec<_> = cluster.hsms.iter_mut().filter(|(_, hsm)| hsm.active && hsm.reachable).collect();
            if reached.is_empty() {
                return Err(HsmFailure::Unreachable);
            }
            if reached.iter().any(|(_, hsm)| hsm.auditor) {
                return Err(HsmFailure::UserLoggedIn);
            }
            if reached.iter().any(|(_, hsm)| hsm.password.is_none()) {
                return Err(HsmFailure::UserNotFound);
            }
            Ok(reached
                .into_iter()
                .map(|(id, hsm)| {
                    hsm.kms_logged_in = false;
                    id.clone()
                })
                .collect())
        })
        .await
    }

    async fn log_in(&self, link: &HsmLink, hsm_id: &str, password: &SecretString) -> Result<(), HsmFailure> {
        self.call(&format!("log_in {hsm_id}"), |world| {
            let hsm = reach(world, link, hsm_id)?;
            if hsm.strikes >= STRIKES {
                return Err(HsmFailure::UserLockedOut);
            }
            if hsm.password.as_deref() != Some(password.expose()) {
                hsm.strikes += 1;
                hsm.wrong_passwords += 1;
                return Err(HsmFailure::InvalidCredentials);
            }
            hsm.strikes = 0;
            hsm.kms_logged_in = true;
            Ok(())
        })
        .await
    }

    async fn change_password(
        &self,
        link: &HsmLink,
        hsm_id: &str,
        old: &SecretString,
        new: &SecretString,
    ) -> Result<(), HsmFailure> {
        self.call(&format!("change_password {hsm_id}"), |world| {
            let hsm = reach(world, link, hsm_id)?;
            if hsm.password.as_deref() != Some(old.expose()) {
                return Err(HsmFailure::InvalidCredentials);
            }
            hsm.password = Some(new.expose().to_owned());
            Ok(())
        })
        .await
    }

    /// A simulated HSM loses its login only with the whole server.
    async fn keep_logged_in(&self, _link: &HsmLink) {}

    async fn close(&self, link: &HsmLink) {
        let closed = self.call("close", |world| {
            let hsms = world.clusters.get_mut(&link.cluster_id).map(|cluster| cluster.hsms.values_mut());
            hsms.into_iter().flatten().for_each(|hsm| hsm.kms_logged_in = false);
            Ok(())
        });
        closed.await.ok();
    }

    async fn generate_key(&self, link: &HsmLink, id: &BackingKeyId, label: &str) -> Result<(), HsmFailure> {
        self.call("generate_key", |world| {
            let hsms = usable(world, link)?;
            let zones: std::collections::BTreeSet<_> = hsms.iter().map(|hsm| hsm.zone.clone()).collect();
            if zones.len() < 2 {
                return Err(HsmFailure::NotEnoughHsms);
            }
            let mut key = [0; 32];
            SystemEntropy.fill(&mut key);
            for hsm in hsms {
                hsm.keys.insert(*id, key);
                hsm.labels.insert(*id, label.to_owned());
            }
            Ok(())
        })
        .await
    }

    async fn destroy_key(&self, link: &HsmLink, id: &BackingKeyId) -> Result<bool, HsmFailure> {
        self.call("destroy_key", |world| {
            let all = world.clusters.get(&link.cluster_id).map_or(0, |cluster| cluster.hsms.len());
            let hsms = usable(world, link)?;
            let reached = hsms.len();
            hsms.into_iter().for_each(|hsm| {
                hsm.keys.remove(id);
                hsm.labels.remove(id);
            });
            Ok(reached == all)
        })
        .await
    }

    async fn encrypt(
        &self,
        link: &HsmLink,
        id: &BackingKeyId,
        plaintext: &[u8],
        aad: &[u8],
    ) -> Result<HsmCiphertext, HsmFailure> {
        self.call("encrypt", |world| {
            let key = key_of(&usable(world, link)?, id)?;
            let mut iv = [0; 12];
            SystemEntropy.fill(&mut iv);
            let mut ciphertext_and_tag = plaintext.to_vec();
            let nonce = Nonce::assume_unique_for_key(iv);
            key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut ciphertext_and_tag).unwrap();
            Ok(HsmCiphertext { initialization_vector: iv, ciphertext_and_tag })
        })
        .await
    }

    async fn decrypt(
        &self,
        link: &HsmLink,
        id: &BackingKeyId,
        ciphertext: &HsmCiphertext,
        aad: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, HsmFailure> {
        self.call("decrypt", |world| {
            let key = key_of(&usable(world, link)?, id)?;
            let mut bytes = ciphertext.ciphertext_and_tag.clone();
            let nonce = Nonce::assume_unique_for_key(ciphertext.initialization_vector);
            let plaintext = key.open_in_place(nonce, Aad::from(aad), &mut bytes);
            plaintext.map(|bytes| Zeroizing::new(bytes.to_vec())).map_err(|_| HsmFailure::InvalidCiphertext)
        })
        .await
    }

    async fn generate_random(&self, link: &HsmLink, length: usize) -> Result<Zeroizing<Vec<u8>>, HsmFailure> {
        self.call("generate_random", |world| {
            usable(world, link)?;
            let mut bytes = Zeroizing::new(vec![0; length]);
            SystemEntropy.fill(&mut bytes);
            Ok(bytes)
        })
        .await
    }
}

/// A failure of the store, for calls of a port that has no other.
fn store_error(failure: HsmFailure) -> StoreError {
    StoreError::Engine(format!("{failure:?}"))
}

#[async_trait]
impl HsmClusters for SimulatedHsms {
    async fn describe_cluster(
        &self,
        account: &AccountId,
        region: &Region,
        cluster_id: &str,
    ) -> Result<Option<HsmCluster>, StoreError> {
        let (account, region, cluster_id) = (*account, region.clone(), cluster_id.to_owned());
        self.call("describe_cluster", |world| {
            Ok(world.clusters.get(&cluster_id).map(|cluster| HsmCluster {
                cluster_id: cluster_id.clone(),
                account,
                region,
                state: cluster.state.to_owned(),
                active: cluster.state == "ACTIVE",
                cluster_certificate: Some(cluster.certificate.clone()),
                trust_anchor: Some(cluster.anchor.clone()),
                hsms: cluster
                    .hsms
                    .iter()
                    .map(|(id, hsm)| ClusterHsm {
                        hsm_id: id.clone(),
                        availability_zone: hsm.zone.clone(),
                        active: hsm.active,
                    })
                    .collect(),
            }))
        })
        .await
        .map_err(store_error)
    }

    async fn network_problem(&self, cluster: &HsmCluster) -> Result<Option<String>, StoreError> {
        let problem = self.world().clusters.get(&cluster.cluster_id).and_then(|found| found.network_problem.clone());
        Ok(problem)
    }

    async fn attach_network(&self, cluster: &HsmCluster, id: &CustomKeyStoreId) -> Result<(), AttachNetworkError> {
        let attached = self.call("attach_network", |world| {
            let Some(cluster) = world.clusters.get_mut(&cluster.cluster_id) else { return Ok(None) };
            if let Some(failure) = cluster.attach_failure {
                return Ok(Some(failure()));
            }
            if !cluster.attached.contains(id) {
                cluster.attached.push(id.clone());
            }
            Ok(None)
        });
        match attached.await {
            Ok(None) => Ok(()),
            Ok(Some(failure)) => Err(failure),
            Err(failure) => Err(AttachNetworkError::Other(format!("{failure:?}"))),
        }
    }

    async fn detach_network(&self, _: &AccountId, _: &Region, id: &CustomKeyStoreId) -> Result<(), StoreError> {
        let detached = self.call("detach_network", |world| {
            world.clusters.values_mut().for_each(|cluster| cluster.attached.retain(|attached| attached != id));
            Ok(())
        });
        detached.await.map_err(store_error)
    }
}
