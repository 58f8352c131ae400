//! Between rows and the core's values.

pub(crate) mod encoding;
mod record;

pub(crate) use record::{Layout, Record};
