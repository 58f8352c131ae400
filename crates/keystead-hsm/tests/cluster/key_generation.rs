//! New keys, whatever the HSMs had before, and whatever ends it half-way.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use keystead_core::key_store::HsmFailure;
use keystead_core::port::{BackingKeyId, HsmBackend};
use keystead_pkcs11::client::HsmSettings;
use keystead_pkcs11::{KeyId, Replication};

use crate::support::{A, B, Module, PASSWORD, Rig, key_id, kill_worker, link, on_both_modules, until};

on_both_modules! {
    two_zones_are_needed,
    a_masking_key_that_is_another_one,
    a_masking_key_that_is_gone,
    a_masking_key_that_is_doubled,
    many_keys_at_once,
    a_vendor_who_replicates_keys,
    a_crash_at_each_step_leaves_nothing,
    an_hsm_that_is_lost_leaves_nothing_acknowledged,
}

fn masking_key() -> KeyId {
    KeyId(b"keystead masking key".to_vec())
}

async fn two_zones_are_needed(module: Module) {
    let rig = Rig::new(module).await;
    rig.directory.change(B, |member| member.availability_zone = "us-east-1a".into());
    rig.connect().await.unwrap();
    let link = link(&[PASSWORD]);
    let id = BackingKeyId::from_bytes([1; 16]);
    for active in [true, false] {
        rig.directory.set_active(B, active);
        assert_eq!(rig.backend.generate_key(&link, &id, "a key").await, Err(HsmFailure::NotEnoughHsms));
    }
    for hsm_id in [A, B] {
        assert!(rig.hsm(hsm_id).find_keys(&key_id(&id)).await.unwrap().is_empty());
    }
}

async fn a_masking_key_that_is_another_one(module: Module) {
    let rig = Rig::connected(module).await;
    rig.generate(1).await;
    rig.hsm(B).destroy_key(&masking_key()).await.unwrap();
    rig.hsm(B).generate_masking_key().await.unwrap();
    rig.hsm(B).seal_key(&masking_key()).await.unwrap();
    for number in [2, 3] {
        rig.try_key(&rig.generate(number).await).await.unwrap();
    }
}

async fn a_masking_key_that_is_gone(module: Module) {
    let rig = Rig::connected(module).await;
    rig.generate(1).await;
    for (number, hsm_id) in [(2, A), (3, B)] {
        rig.hsm(hsm_id).destroy_key(&masking_key()).await.unwrap();
        rig.try_key(&rig.generate(number).await).await.unwrap();
    }
    for hsm_id in [A, B] {
        let masking_key = rig.hsm(hsm_id).masking_key().await.unwrap().unwrap();
        assert!(!masking_key.attributes.extractable);
        assert!(!masking_key.attributes.encrypt && !masking_key.attributes.decrypt);
    }
}

async fn a_masking_key_that_is_doubled(module: Module) {
    let rig = Rig::connected(module).await;
    rig.generate(1).await;
    rig.hsm(A).generate_masking_key().await.unwrap();
    rig.generate(2).await;
    assert_eq!(rig.hsm(A).find_keys(&masking_key()).await.unwrap().len(), 1);
}

async fn many_keys_at_once(module: Module) {
    let rig = Rig::connected(module).await;
    let makers = (1..=12).map(|number| {
        let backend = rig.backend.clone();
        tokio::spawn(async move {
            let id = BackingKeyId::from_bytes([number; 16]);
            backend.generate_key(&link(&[PASSWORD]), &id, "a key").await.unwrap();
            id
        })
    });
    for maker in makers.collect::<Vec<_>>() {
        rig.try_key(&maker.await.unwrap()).await.unwrap();
    }
}

/// Two HSMs that are views of one: what one has, the other has, too.
async fn a_vendor_who_replicates_keys(module: Module) {
    let rig = Rig::new(module).await;
    rig.directory.change(A, |member| member.settings.profile.replication = Replication::Vendor);
    rig.directory.set_active(B, false);
    let view = HsmSettings {
        hsm_id: "hsm-v".into(),
        state_folder: rig.folder.path().join("hsm-v-state"),
        ..rig.directory.settings(A)
    };
    rig.directory.add("us-east-1b", view);
    rig.connect().await.unwrap();
    let key = rig.generate(1).await;
    rig.try_key(&key).await.unwrap();
    let found = rig.hsm("hsm-v").find_keys(&key_id(&key)).await.unwrap();
    assert!(found[0].attributes.never_extractable);
    assert_eq!(found.len(), 1);
}

/// Drops a future that has been polled so often, and tells what came of it if it was faster.
async fn drop_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

async fn a_crash_at_each_step_leaves_nothing(module: Module) {
    const POLLS_MAX: usize = 200;
    let mut rig = Rig::connected(module).await;
    let link = link(&[PASSWORD]);
    for polls in 1..POLLS_MAX {
        let id = BackingKeyId::from_bytes([u8::try_from(polls).unwrap(); 16]);
        let made = drop_after(polls, rig.backend.generate_key(&link, &id, "a key")).await;
        if let Some(made) = made {
            made.unwrap();
            rig.try_key(&id).await.unwrap();
            assert!(polls > 5, "there are more steps than that");
            return;
        }
        rig.restart_server().await;
        assert_eq!(rig.backend.destroy_key(&link, &id).await, Ok(true));
        for hsm_id in [A, B] {
            assert!(rig.hsm(hsm_id).find_keys(&key_id(&id)).await.unwrap().is_empty(), "after {polls} polls");
        }
    }
    panic!("no key was made in {POLLS_MAX} polls");
}

async fn an_hsm_that_is_lost_leaves_nothing_acknowledged(module: Module) {
    let rig = Rig::connected(module).await;
    let link = link(&[PASSWORD]);
    let key = rig.generate(9).await;
    for (number, hsm_id) in [(1, A), (2, B), (3, A), (4, B)] {
        let id = BackingKeyId::from_bytes([number; 16]);
        let backend = rig.backend.clone();
        let made = async { backend.generate_key(&link, &id, "a key").await };
        let killed = async {
            let other = if hsm_id == A { B } else { A };
            until("one HSM has the key", || async {
                let found = rig.hsm(other).find_keys(&key_id(&id)).await;
                found.is_ok_and(|keys| !keys.is_empty())
            })
            .await;
            kill_worker(rig.folder.path(), hsm_id)
        };
        let (made, _) = tokio::join!(made, killed);
        until("KMS is logged in again", || async {
            rig.try_key(&key).await.unwrap();
            rig.kms_is_logged_in(A).await && rig.kms_is_logged_in(B).await
        })
        .await;
        match made {
            Ok(()) => {
                for hsm_id in [A, B] {
                    assert_eq!(rig.hsm(hsm_id).find_keys(&key_id(&id)).await.unwrap().len(), 1);
                }
            }
            Err(failure) => assert_eq!(failure, HsmFailure::NotEnoughHsms),
        }
        assert_eq!(rig.backend.destroy_key(&link, &id).await, Ok(true));
    }
}
