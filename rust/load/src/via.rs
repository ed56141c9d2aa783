//! Which way clients go: straight to the node, or through a network emulator.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use crate::net::{Emulator, NetStats};

/// See the module.
pub enum Via {
    Direct,
    /// Address of the node by address of an emulator that runs elsewhere.
    Given(HashMap<SocketAddr, SocketAddr>),
    /// An emulator in this process, which gets a port for each of the node's as they appear.
    Emulated(Emulator, Mutex<HashMap<SocketAddr, SocketAddr>>),
}

impl Via {
    /// Reads `node=emulator,node=emulator`.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let pair = |pair: &str| {
            let (node, emulator) = pair.split_once('=')?;
            Some((node.trim().parse().ok()?, emulator.trim().parse().ok()?))
        };
        let pairs =
            text.split(',').map(|text| pair(text).ok_or_else(|| format!("not address=address: {text}")));
        pairs.collect::<Result<_, _>>().map(Self::Given)
    }

    /// Clients go through this emulator.
    #[must_use]
    pub fn emulated(emulator: Emulator) -> Self {
        Self::Emulated(emulator, Mutex::new(HashMap::new()))
    }

    /// The address to send to for a node's address.
    ///
    /// # Errors
    /// When there is no way: going straight instead would measure another network than was asked for.
    pub fn route(&self, node: SocketAddr) -> io::Result<SocketAddr> {
        match self {
            Self::Direct => Ok(node),
            Self::Given(map) => {
                let found = map.get(&node).copied();
                found.ok_or_else(|| io::Error::other(format!("--via does not say the way to {node}")))
            }
            Self::Emulated(emulator, map) => {
                let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(found) = map.get(&node) {
                    return Ok(*found);
                }
                let route = emulator.route(SocketAddr::new(node.ip(), 0), node)?;
                map.insert(node, route.listen);
                Ok(route.listen)
            }
        }
    }

    /// The emulator of this process.
    #[must_use]
    pub fn emulator(&self) -> Option<&Emulator> {
        match self {
            Self::Emulated(emulator, _) => Some(emulator),
            Self::Direct | Self::Given(_) => None,
        }
    }

    /// Its figures.
    #[must_use]
    pub fn stats(&self) -> Option<NetStats> {
        self.emulator().map(Emulator::stats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_is_found_or_refused() {
        let node: SocketAddr = "127.0.0.1:5000".parse().unwrap();
        let via = Via::parse("127.0.0.1:5000=127.0.0.1:6000").unwrap();
        assert_eq!(via.route(node).unwrap().port(), 6000);
        assert!(via.route("127.0.0.1:5001".parse().unwrap()).is_err());
        assert_eq!(Via::Direct.route(node).unwrap(), node);
        assert!(Via::parse("127.0.0.1:5000").is_err());
        let emulated = Via::emulated(Emulator::spawn(1, crate::net::Profile::default()).unwrap());
        let way = emulated.route(node).unwrap();
        assert!(way != node && emulated.route(node).unwrap() == way);
    }
}
