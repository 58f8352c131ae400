//! A listening socket and its connections, as the KMS server and the XKS proxy both need them.
//!
//! [`Listener`] accepts for as long as there are slots, and ends in good order: nothing new is taken, requests in flight finish, and
//! after a grace period what is left is cut. [`serve_http`] serves HTTP/1.1 or HTTP/2 on one stream, and ends a connection that sends
//! nothing, or too slowly, or that does not read its answers: it would keep its slot from others.

mod activity;
mod connection;
mod listener;
mod shutdown;

pub use connection::{ConnectionTimes, serve_http};
pub use listener::Listener;
pub use shutdown::InFlight;
