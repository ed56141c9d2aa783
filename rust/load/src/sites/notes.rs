//! What sessions count besides media.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::stats::Histogram;

/// Shared by all sessions.
#[derive(Default)]
pub struct Notes {
    inner: Mutex<Inner>,
}

/// A copy of the figures.
#[derive(Debug, Clone, Default)]
pub struct Inner {
    pub counts: BTreeMap<String, u64>,
    /// Event stored by the server to event read by a site.
    pub event: Histogram,
    /// Asked to publish to publisher connected.
    pub publish: Histogram,
    /// Posting a snapshot.
    pub snapshot: Histogram,
    /// Message stored by the server to its acknowledgement stored.
    pub got: Histogram,
    /// Answer sent to answer stored.
    pub answered: Histogram,
}

impl Notes {
    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Names come from codes of the protocol; beyond 512 different ones they are counted as `other`.
    pub fn count(&self, name: &str) {
        self.with(|inner| {
            let known = inner.counts.len() < 512 || inner.counts.contains_key(name);
            *inner.counts.entry(if known { name.to_owned() } else { "other".into() }).or_default() += 1;
        });
    }

    pub fn event(&self, late: Duration) {
        self.with(|inner| inner.event.add(late));
    }

    pub fn publish(&self, took: Duration) {
        self.with(|inner| inner.publish.add(took));
    }

    pub fn snapshot(&self, took: Duration) {
        self.with(|inner| inner.snapshot.add(took));
    }

    pub fn got(&self, took: Duration) {
        self.with(|inner| inner.got.add(took));
    }

    pub fn answered(&self, took: Duration) {
        self.with(|inner| inner.answered.add(took));
    }

    pub fn read(&self) -> Inner {
        self.with(|inner| inner.clone())
    }
}
