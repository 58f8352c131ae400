//! The steps between which a crash must lose nothing, as data.
//!
//! A build with `debug_assertions` aborts the process right before the step that the environment variable `KEYSTEAD_CRASH_AT` names, so
//! that an end-to-end test can crash a real server at each of them. Other builds do not read the variable.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The environment variable: a name of [`CrashPoint::ALL`], with `#2` for the second time that the process comes there, and so on.
pub const CRASH_AT: &str = "KEYSTEAD_CRASH_AT";

macro_rules! crash_points {
    ($($variant:ident $name:literal $text:literal;)+) => {
        /// A step; the process can be made to end right before it.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum CrashPoint {
            $(
                #[doc = $text]
                $variant,
            )+
        }

        impl CrashPoint {
            /// Every step, in the order in which they come.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

crash_points! {
    ConnectDescribe "connect.describe-cluster" "A connect asks what the cluster is now.";
    ConnectAttachNetwork "connect.attach-network" "A connect makes security group and network interfaces.";
    ConnectOpen "connect.open" "A connect makes its way to the HSMs.";
    ConnectLogIn "connect.log-in" "A connect logs in to an HSM: once for each HSM.";
    ConnectStorePending "connect.store-pending-password" "A connect stores the password that it is going to give to the HSMs.";
    ConnectChangePassword "connect.change-password" "A connect changes the password in an HSM: once for each HSM.";
    ConnectFinish "connect.finish" "A connect stores the new password as the current one, and CONNECTED.";
    ConnectFinished "connect.finished" "A connect is over.";
    DisconnectClose "disconnect.close" "A disconnect logs out of the HSMs.";
    DisconnectDetachNetwork "disconnect.detach-network" "A disconnect removes security group and network interfaces.";
    DisconnectFinish "disconnect.finish" "A disconnect stores DISCONNECTED.";
    CreateKeyJournal "create-key.journal" "CreateKey enters the backing key into the journal.";
    CreateKeyGenerate "create-key.generate" "CreateKey has the HSMs generate the backing key.";
    CreateKeyInsert "create-key.insert" "CreateKey stores the KMS key, in whatever key store.";
    CreateKeyInserted "create-key.inserted" "CreateKey answers.";
    RotateKeyOnDemandStore "rotate-key-on-demand.store" "RotateKeyOnDemand stores that a rotation was asked for.";
    RotateKeyOnDemandStored "rotate-key-on-demand.stored" "RotateKeyOnDemand answers.";
    RotateKeyStore "rotate-key.store" "A rotation stores the new material, or the imported one, as the current one.";
    RotateKeyRecord "rotate-key.record" "A rotation is recorded.";
    ImportKeyMaterialStore "import-key-material.store" "ImportKeyMaterial stores the material.";
    ImportKeyMaterialStored "import-key-material.stored" "ImportKeyMaterial answers.";
    DeleteImportedKeyMaterialStore "delete-imported-key-material.store" "DeleteImportedKeyMaterial deletes the material.";
    DeleteImportedKeyMaterialStored "delete-imported-key-material.stored" "DeleteImportedKeyMaterial answers.";
    DeleteExpiredKeyMaterialStore "delete-expired-key-material.store" "Imported material that has expired is deleted.";
    DeleteExpiredKeyMaterialRecord "delete-expired-key-material.record" "The deletion of expired material is recorded.";
    DeleteKeyMetadata "delete-key.delete-metadata" "The deletion of a key deletes its metadata.";
    DeleteKeyDestroy "delete-key.destroy" "The deletion of a key destroys its backing key.";
    DeleteKeyRecord "delete-key.record" "The deletion of a key is recorded.";
    InsertReplica "multi-region.insert-replica" "ReplicateKey stores the replica.";
    RecordReplica "multi-region.record-replica" "ReplicateKey records the replica in its Region.";
    SwapRoles "multi-region.swap-roles" "UpdatePrimaryRegion stores both keys in their new roles.";
    RecordSwap "multi-region.record-swap" "UpdatePrimaryRegion records the change in the other Region.";
    BeginWaiting "multi-region.begin-waiting" "The waiting period of a primary key begins, as its last replica is deleted.";
}

/// The step asked for, and how many times it is passed before.
static ASKED_FOR: OnceLock<Option<(String, AtomicU32)>> = OnceLock::new();

/// The process comes to this step; it ends here if a test has asked for that.
pub(crate) fn reached(step: CrashPoint) {
    if !cfg!(debug_assertions) {
        return;
    }
    let asked_for = ASKED_FOR.get_or_init(|| std::env::var(CRASH_AT).ok().map(|text| parse(&text)));
    let Some((name, times_left)) = asked_for else { return };
    if name == step.name() && times_left.fetch_sub(1, Ordering::SeqCst) == 1 {
        tracing::error!(step = name.as_str(), "{CRASH_AT} asks for the end of the process here");
        std::process::abort();
    }
}

fn parse(text: &str) -> (String, AtomicU32) {
    let (name, times) = text.split_once('#').unwrap_or((text, "1"));
    (name.to_owned(), AtomicU32::new(times.parse().unwrap_or(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_steps_may_be_counted() {
        let names: std::collections::BTreeSet<_> = CrashPoint::ALL.iter().map(|step| step.name()).collect();
        assert_eq!(names.len(), CrashPoint::ALL.len());
        let (name, times) = parse("connect.log-in#2");
        assert_eq!((name.as_str(), times.into_inner()), ("connect.log-in", 2));
        assert_eq!(parse("connect.open").1.into_inner(), 1);
    }
}
