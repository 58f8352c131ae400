//! The store over SQLite: one test binary, as each holds every dependency.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[macro_use]
mod behaviour;
mod concurrency;
mod damage;
mod documents;
mod durability;
mod large_database;
mod migration;
mod older_schema;
mod sqlite_behaviour;
