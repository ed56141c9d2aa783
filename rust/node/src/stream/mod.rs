//! ICE over TCP (RFC 6544, passive candidates): one port for the whole node, for peers that no UDP reaches.
//!
//! [`listener`] takes connections and finds out by their first check which worker they are for; from then on a
//! connection is the worker's ([`streams`]), and what waits for it is a [`backlog`].

pub mod backlog;
pub mod listener;
pub mod path;
pub mod streams;
pub mod ufrag;
