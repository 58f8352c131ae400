//! The file that describes a cluster.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use keystead_pkcs11::Profile;
use serde::Deserialize;

use super::{RegisteredHsm, Registration, RegistrationError};

/// No file here is longer: the model allows certificates of 20,000 characters.
const BYTES_MAX: u64 = 64 * 1024;
const HSM_TYPE_DEFAULT: &str = "hsm1.medium";

/// The file. Paths in it are relative to its own folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegistrationFile {
    cluster_id: Option<String>,
    name: Option<String>,
    hsm_type: Option<String>,
    subnets: Vec<String>,
    cluster_certificate: PathBuf,
    trust_anchor: PathBuf,
    module: PathBuf,
    profile: ProfileChoice,
    hsm: Vec<HsmEntry>,
}

/// One of ours by its name, or all its properties.
#[derive(Deserialize)]
#[serde(untagged)]
enum ProfileChoice {
    Name(String),
    Properties(Profile),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HsmEntry {
    availability_zone: String,
    token_label: Option<String>,
    token_serial: Option<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    token_storage: Option<PathBuf>,
}

impl Registration {
    /// Reads the description of a cluster: TOML, at most 64 KiB, and the certificates that it names.
    pub fn load(path: &Path) -> Result<Self, RegistrationError> {
        let file: RegistrationFile =
            toml::from_str(&read_text(path)?).map_err(|error| problem(path, error.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(Self {
            cluster_id: file.cluster_id,
            name: file.name,
            hsm_type: file.hsm_type.unwrap_or_else(|| HSM_TYPE_DEFAULT.to_owned()),
            subnet_ids: file.subnets,
            cluster_certificate: read_text(&folder.join(file.cluster_certificate))?,
            trust_anchor: read_text(&folder.join(file.trust_anchor))?,
            module: absolute(&folder.join(file.module))?,
            profile: chosen(path, file.profile)?,
            hsms: file.hsm.into_iter().map(|hsm| registered(folder, hsm)).collect::<Result<_, _>>()?,
        })
    }
}

fn registered(folder: &Path, hsm: HsmEntry) -> Result<RegisteredHsm, RegistrationError> {
    Ok(RegisteredHsm {
        availability_zone: hsm.availability_zone,
        token_label: hsm.token_label,
        token_serial: hsm.token_serial,
        environment: hsm.environment,
        token_storage: hsm.token_storage.map(|storage| absolute(&folder.join(storage))).transpose()?,
    })
}

fn chosen(file: &Path, choice: ProfileChoice) -> Result<Profile, RegistrationError> {
    match choice {
        ProfileChoice::Properties(profile) => Ok(profile),
        ProfileChoice::Name(name) => Profile::named(&name).ok_or_else(|| {
            problem(file, format!("profile: there is none called {name:?}; give a known name, or all its properties"))
        }),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, RegistrationError> {
    std::path::absolute(path).map_err(|error| problem(path, error.to_string()))
}

fn read_text(path: &Path) -> Result<String, RegistrationError> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(BYTES_MAX + 1).read_to_string(&mut text));
    match read {
        Ok(bytes) if bytes as u64 > BYTES_MAX => Err(problem(path, format!("it has more than {BYTES_MAX} bytes"))),
        Ok(_) => Ok(text),
        Err(error) => Err(problem(path, error.to_string())),
    }
}

fn problem(file: &Path, problem: impl Into<String>) -> RegistrationError {
    RegistrationError::File { file: file.to_owned(), problem: problem.into() }
}
