//! The STS API, version 2011-06-15.
