//! `KEYSTEAD__SECTION__KEY` in the environment overrides `key` in `[section]` of the configuration file.

use std::ffi::OsString;

use toml::{Table, Value};

const PREFIX: &str = "KEYSTEAD__";

/// Applies the variables to a parsed configuration; whether any did.
///
/// A value is read as TOML (`8`, `true`, `["a.pem"]`), and as text where it is none. Names are in lower case in the file.
///
/// Fails if a variable of this name, or its value, is not text. Others may hold what they like.
pub(crate) fn apply(table: &mut Table, variables: impl Iterator<Item = (OsString, OsString)>) -> Result<bool, String> {
    let mut applied = false;
    for (name, text) in variables.filter(|(name, _)| name.as_encoded_bytes().starts_with(PREFIX.as_bytes())) {
        let (Some(name), Some(text)) = (name.to_str(), text.to_str()) else {
            return Err(format!(
                "environment variable {}: it is not UTF-8 text; unset it or correct it",
                name.display()
            ));
        };
        let path = name.strip_prefix(PREFIX).unwrap_or_default();
        let path: Vec<String> = path.split("__").map(str::to_lowercase).collect();
        set(table, &path, value(text)).map_err(|section| {
            format!("environment variable {name}: {section} is a value in the configuration, not a section")
        })?;
        applied = true;
    }
    Ok(applied)
}

fn value(text: &str) -> Value {
    toml::from_str::<Table>(&format!("value = {text}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

fn set(table: &mut Table, path: &[String], value: Value) -> Result<(), String> {
    match path {
        [] => Ok(()),
        [key] => {
            table.insert(key.clone(), value);
            Ok(())
        }
        [section, rest @ ..] => match table.entry(section.clone()).or_insert_with(|| Value::Table(Table::new())) {
            Value::Table(inner) => set(inner, rest, value),
            _ => Err(section.clone()),
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn variables_override_by_section_and_key() {
        let mut table: Table = toml::from_str("region = 'us-east-1'\n[xks]\nrequest_timeout_ms = 250").unwrap();
        let variables = [
            ("KEYSTEAD__XKS__REQUEST_TIMEOUT_MS", "100"),
            ("KEYSTEAD__REGION", "eu-west-1"),
            ("KEYSTEAD__AUDIT__FSYNC", "false"),
            ("PATH", "/bin"),
        ];
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        assert!(apply(&mut table, variables).unwrap());
        let expected: Table =
            toml::from_str("region = 'eu-west-1'\n[xks]\nrequest_timeout_ms = 100\n[audit]\nfsync = false").unwrap();
        assert_eq!(table, expected);
    }

    #[test]
    fn a_value_is_no_section() {
        let mut table: Table = toml::from_str("region = 'us-east-1'").unwrap();
        let variables = [("KEYSTEAD__REGION__NAME".into(), "x".into())];
        assert!(apply(&mut table, variables.into_iter()).unwrap_err().contains("region"));
        assert!(!apply(&mut table, std::iter::empty()).unwrap());
    }

    #[test]
    fn what_is_not_text_is_refused_by_name_and_only_where_it_is_ours() {
        let raw = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        let mut table = Table::new();
        let others = [(raw(b"PATH\xff"), raw(b"x")), (raw(b"TITLE"), raw(b"\xff"))];
        assert!(!apply(&mut table, others.into_iter()).unwrap());
        for (name, value) in [(b"KEYSTEAD__REGION".as_slice(), b"\xff".as_slice()), (b"KEYSTEAD__REGION\xff", b"x")] {
            let error = apply(&mut table, [(raw(name), raw(value))].into_iter()).unwrap_err();
            assert!(error.contains("KEYSTEAD__REGION") && error.contains("UTF-8"), "{error}");
        }
    }
}
