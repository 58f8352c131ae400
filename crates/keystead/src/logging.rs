//! Logs: to standard error, for people on a terminal and as JSON lines otherwise. `KEYSTEAD_LOG` sets the level (default `info`).

use std::ffi::OsStr;
use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::Failure;

const VARIABLE: &str = "KEYSTEAD_LOG";
const DEFAULT: &str = "info";

/// Starts logging for the process. Fails if `KEYSTEAD_LOG` says nothing that can be followed.
pub(crate) fn start() -> Result<(), Failure> {
    let filter = filter(std::env::var_os(VARIABLE).as_deref())?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.with_target(false).init();
    } else {
        builder.json().init();
    }
    Ok(())
}

fn filter(value: Option<&OsStr>) -> Result<EnvFilter, Failure> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(EnvFilter::new(DEFAULT)) };
    let refused = |problem: &str| -> Failure {
        format!(
            "environment variable {VARIABLE} is {value:?}: {problem}; write a level (off, error, warn, info, debug, trace), or levels \
             by part such as info,keystead_xks=debug"
        )
        .into()
    };
    let text = value.to_str().ok_or_else(|| refused("it is not text"))?;
    if let Some(word) = text.split(',').find(|word| is_lone_word(word)) {
        return Err(refused(&format!("\"{word}\" is no level")));
    }
    EnvFilter::try_new(text).map_err(|error| refused(&error.to_string()))
}

/// The library takes a lone word that is no level for a part of the program, so that a mistyped level would turn the log off.
fn is_lone_word(word: &str) -> bool {
    let word = word.trim();
    // The library would read nothing as `error`.
    !word.contains(['=', '[', '{', '}', ']']) && (word.is_empty() || word.parse::<LevelFilter>().is_err())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn levels_and_parts_are_followed() {
        for (value, expected) in [("", "info"), ("warn", "warn"), ("OFF", "off"), ("info,keystead_xks=debug", "info")] {
            let filter = filter(Some(OsStr::new(value))).unwrap().to_string();
            assert!(filter.contains(expected), "{value}: {filter}");
        }
        assert_eq!(filter(None).unwrap().to_string(), "info");
    }

    #[test]
    fn what_cannot_be_followed_is_refused_with_its_text() {
        for value in ["verbose", "info,noisy", "info,keystead_xks=loud", "=", ","] {
            let error = filter(Some(OsStr::new(value))).unwrap_err().to_string();
            assert!(
                error.contains(VARIABLE) && error.contains(value) && error.contains("keystead_xks=debug"),
                "{error}"
            );
        }
        assert!(filter(Some(OsStr::from_bytes(b"\xff"))).unwrap_err().to_string().contains("not text"));
    }
}
