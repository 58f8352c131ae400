//! The files of a soft token: its storage, and the configuration by which its module finds it.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A module that keeps tokens in files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SoftTokenKind {
    /// kryoptic: one SQLite file for each token.
    Kryoptic,
    /// SoftHSM 2: one folder for each token.
    Softhsm2,
}

impl SoftTokenKind {
    const ALL: [Self; 2] = [Self::Kryoptic, Self::Softhsm2];

    /// The variable by which the module finds its configuration.
    fn variable(self) -> &'static str {
        match self {
            Self::Kryoptic => "KRYOPTIC_CONF",
            Self::Softhsm2 => "SOFTHSM2_CONF",
        }
    }

    fn configuration_name(self) -> &'static str {
        match self {
            Self::Kryoptic => "kryoptic.toml",
            Self::Softhsm2 => "softhsm2.conf",
        }
    }

    fn storage_name(self) -> &'static str {
        match self {
            Self::Kryoptic => "token.sqlite",
            Self::Softhsm2 => "tokens",
        }
    }

    fn configuration(self, storage: &str) -> io::Result<String> {
        match self {
            Self::Kryoptic => kryoptic_configuration(storage),
            Self::Softhsm2 => Ok(softhsm2_configuration(storage)),
        }
    }
}

/// Where a soft token is: what [`crate::client::HsmSettings`] needs of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SoftToken {
    /// `KRYOPTIC_CONF` or `SOFTHSM2_CONF`.
    pub environment: BTreeMap<String, String>,
    /// File or folder with the token's objects.
    pub token_storage: PathBuf,
}

impl SoftToken {
    /// Writes the module's configuration and makes an empty storage in `folder`, for this user alone. The token is to be initialised.
    ///
    /// `AlreadyExists` if `folder` has a storage: it may have keys.
    pub fn create(kind: SoftTokenKind, folder: &Path) -> io::Result<Self> {
        let token = Self::configure(kind, folder)?;
        match kind {
            SoftTokenKind::Kryoptic => new_file(&token.token_storage, &[])?,
            SoftTokenKind::Softhsm2 => DirBuilder::new().mode(0o700).create(&token.token_storage)?,
        }
        sync_folder(folder)?;
        Ok(token)
    }

    /// The same, with what [`crate::client::Hsm::back_up_token`] saved in `backup`: the clone has the keys, the users, the PINs and the
    /// serial number of the token that was backed up.
    pub fn restore(kind: SoftTokenKind, folder: &Path, backup: &Path) -> io::Result<Self> {
        let token = Self::configure(kind, folder)?;
        let name = token.token_storage.file_name().unwrap_or_default();
        copy(&backup.join(name), &token.token_storage)?;
        sync_folder(folder)?;
        Ok(token)
    }

    /// Where a token is that was made in `folder`, which may have been moved since. Touches no file.
    ///
    /// Fails for a path that a configuration cannot name.
    pub fn at(kind: SoftTokenKind, folder: &Path) -> io::Result<Self> {
        let folder = std::path::absolute(folder)?;
        let token_storage = folder.join(kind.storage_name());
        text(&token_storage)?;
        let configuration = folder.join(kind.configuration_name());
        let environment = BTreeMap::from([(kind.variable().to_owned(), text(&configuration)?.to_owned())]);
        Ok(Self { environment, token_storage })
    }

    /// Has the configuration of a token that was made in `folder` name the place where it is now; writes nothing if it does. Returns the
    /// kind, or `None` if no token was made there.
    pub fn follow(folder: &Path) -> io::Result<Option<SoftTokenKind>> {
        let kind = SoftTokenKind::ALL.into_iter().find(|kind| folder.join(kind.configuration_name()).exists());
        if let Some(kind) = kind {
            Self::configure(kind, folder)?;
        }
        Ok(kind)
    }

    /// Writes the configuration, in place of another one.
    fn configure(kind: SoftTokenKind, folder: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let token = Self::at(kind, folder)?;
        let content = kind.configuration(text(&token.token_storage)?)?;
        let configuration = folder.join(kind.configuration_name());
        match fs::read(&configuration) {
            Ok(current) if current == content.as_bytes() => return Ok(token),
            Ok(_) => fs::remove_file(&configuration)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        new_file(&configuration, content.as_bytes())?;
        Ok(token)
    }
}

/// Copies a soft token's storage into an empty folder, durably.
pub(crate) fn copy_storage(storage: &Path, folder: &Path) -> io::Result<()> {
    let name = storage.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if fs::read_dir(folder)?.next().is_some() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the folder is not empty"));
    }
    copy(storage, &folder.join(name))?;
    sync_folder(folder)
}

/// Copies a file, or a folder with all that is in it; every file is on the disk when this returns. What is at `to` is never replaced.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        let mut original = File::open(from)?;
        let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
        io::copy(&mut original, &mut copy)?;
        return copy.sync_all();
    }
    DirBuilder::new().mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    sync_folder(to)
}

fn new_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn kryoptic_configuration(storage: &str) -> io::Result<String> {
    let slot = BTreeMap::from([
        ("slot", toml::Value::Integer(1)),
        ("dbtype", toml::Value::String("sqlite".into())),
        ("dbargs", toml::Value::String(storage.into())),
    ]);
    toml::to_string(&BTreeMap::from([("slots", [slot])])).map_err(io::Error::other)
}

fn softhsm2_configuration(storage: &str) -> String {
    format!(
        "directories.tokendir = {storage}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n"
    )
}

/// Configurations are text, and SoftHSM 2's has no way to write the end of a line.
fn text(path: &Path) -> io::Result<&str> {
    path.to_str().filter(|text| !text.contains('\n')).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} has a name that is no text of one line", path.display()),
        )
    })
}
