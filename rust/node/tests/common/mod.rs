//! A node in this process and real clients of it: control over its socket, publishers of `str0m`, viewers of the
//! wire crate. Everything on loopback, ports chosen by the system; waiting is for events, never for a guess.
#![allow(dead_code, reason = "every test file uses its own share")]

pub mod control;
pub mod publisher;
pub mod viewer;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use diemcau_node::serve::{Config, Node};

pub use control::Control;
pub use publisher::Publisher;
pub use viewer::Viewer;

/// Longest that any one thing may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A running node that ends with the test.
pub struct World {
    node: Option<Node>,
    pub path: PathBuf,
    pub ports: Vec<u16>,
}

impl World {
    pub fn start(workers: usize) -> Self {
        Self::with(workers, |_| {})
    }

    pub fn with(workers: usize, change: impl FnOnce(&mut Config)) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("dc-node-{}-{number}.sock", std::process::id()));
        let mut config = Config::new(path.clone());
        config.workers = workers;
        change(&mut config);
        let node = Node::start(config).expect("a node starts");
        Self { ports: node.ports.clone(), node: Some(node), path }
    }

    pub fn control(&self) -> Control {
        Control::connect(&self.path)
    }

    /// Stops the node as SIGTERM would; returns when it has said goodbye.
    pub fn stop(&mut self) {
        if let Some(node) = self.node.take() {
            node.stop();
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What a test's packets say of themselves, behind a VP8 or Opus head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// Which publisher.
    pub letter: u8,
    pub layer: u8,
    pub frame: u32,
}

pub const TAG_LEN: usize = 8;

impl Tag {
    pub fn write(self) -> [u8; TAG_LEN] {
        let frame = self.frame.to_be_bytes();
        [b'#', self.letter, self.layer, frame[0], frame[1], frame[2], frame[3], b'#']
    }

    /// Finds a tag in a payload.
    pub fn find(payload: &[u8]) -> Option<Self> {
        payload.windows(TAG_LEN).take(32).find_map(|at| match at {
            [b'#', letter, layer, a, b, c, d, b'#'] => {
                let frame = u32::from_be_bytes([*a, *b, *c, *d]);
                Some(Self { letter: *letter, layer: *layer, frame })
            }
            _ => None,
        })
    }
}
