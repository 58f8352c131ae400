//! The modules that everything must run on.

use std::path::{Path, PathBuf};

use keystead_pkcs11::Profile;
use keystead_pkcs11::soft_token::SoftTokenKind;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Module {
    Kryoptic,
    Softhsm2,
}

impl Module {
    /// Where it is; a test that misses it says what to run.
    pub(crate) fn path(self) -> PathBuf {
        let path = match self {
            Self::Softhsm2 => PathBuf::from("/usr/lib/softhsm/libsofthsm2.so"),
            Self::Kryoptic => match std::env::var_os("KEYSTEAD_KRYOPTIC_MODULE") {
                Some(path) => path.into(),
                None => {
                    Path::new(env!("CARGO_BIN_EXE_cluster-worker-for-tests")).with_file_name("libkryoptic_pkcs11.so")
                }
            },
        };
        assert!(path.is_file(), "{} is missing: run `make install modules`, or `make test`, once", path.display());
        path
    }

    pub(crate) fn kind(self) -> SoftTokenKind {
        match self {
            Self::Kryoptic => SoftTokenKind::Kryoptic,
            Self::Softhsm2 => SoftTokenKind::Softhsm2,
        }
    }

    pub(crate) fn profile(self) -> Profile {
        match self {
            Self::Kryoptic => Profile::kryoptic(),
            Self::Softhsm2 => Profile::softhsm2(),
        }
    }
}

/// Makes of each function with a module a test on kryoptic and one on SoftHSM 2.
macro_rules! on_both_modules {
    ($($test:ident),+ $(,)?) => {
        mod on_kryoptic {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::support::Module::Kryoptic).await;
            })+
        }

        mod on_softhsm2 {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(crate::support::Module::Softhsm2).await;
            })+
        }
    };
}

pub(crate) use on_both_modules;
