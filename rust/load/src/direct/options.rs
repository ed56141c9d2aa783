//! Options of the direct mode.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Codec of the run's program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CodecChoice {
    H264,
    Vp8,
}

/// Highest layer that viewers get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LayerChoice {
    Low,
    High,
}

/// What both modes share.
#[derive(Debug, Clone, Args)]
pub struct CommonOptions {
    /// Folder made by `python -m diemcau.clips make`.
    #[arg(long)]
    pub clips: PathBuf,
    /// Threads that own clients.
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// Let the kernel join datagrams on their way in (UDP_GRO).
    #[arg(long)]
    pub gro: bool,
    /// A UDP socket for each viewer, where one a thread would do for all.
    #[arg(long)]
    pub socket_each: bool,
    /// Seconds to run after everyone has joined; 0: until Ctrl-C.
    #[arg(long, default_value_t = 10.0)]
    pub duration: f64,
    /// Joins a second.
    #[arg(long, default_value_t = 100.0)]
    pub rate: f64,
    /// Every n-th viewer's frames are decoded by a PyAV child; 0: nobody's.
    #[arg(long, default_value_t = 0)]
    pub decode_every: usize,
    /// Python that has `diemcau.clips` and PyAV.
    #[arg(long, default_value = "python3")]
    pub python: String,
    /// Addresses of a running emulator: node=emulator,...
    #[arg(long, conflicts_with = "emulate")]
    pub via: Option<String>,
    /// Put a bad network before the node, e.g. loss=0.05,delay_ms=40,down.rate_kbps=800
    #[arg(long)]
    pub emulate: Option<String>,
    /// Of the emulator and of everything random that the run decides.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Send to addresses that are not loopback.
    #[arg(long)]
    pub allow_remote: bool,
    /// Use the node's TCP candidates instead of its UDP ones.
    #[arg(long, conflicts_with_all = ["via", "emulate"])]
    pub tcp: bool,
    /// Use IPv6 candidates only.
    #[arg(long)]
    pub ipv6: bool,
    /// Print the report as one JSON line instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// Options of `diemcau-load direct`.
#[derive(Debug, Clone, Args)]
pub struct DirectOptions {
    #[command(flatten)]
    pub common: CommonOptions,
    /// Control socket of a running node.
    #[arg(long, required_unless_present = "node")]
    pub control: Option<PathBuf>,
    /// Executable `diemcau-media`: a node is started for this run.
    #[arg(long, conflicts_with = "control")]
    pub node: Option<PathBuf>,
    /// Worker threads of that node.
    #[arg(long, default_value_t = 1)]
    pub workers: usize,
    /// More arguments of that node, e.g. --node-arg=--no-gso
    #[arg(long)]
    pub node_arg: Vec<String>,
    #[arg(long, default_value_t = 100)]
    pub viewers: usize,
    /// 0: viewers join a program that shows nothing (idle cost).
    #[arg(long, default_value_t = 2)]
    pub publishers: usize,
    /// Publishers whose microphones are open.
    #[arg(long, default_value_t = 1)]
    pub mics: usize,
    /// Slots of the program that are filled.
    #[arg(long, default_value_t = 1)]
    pub slots: usize,
    #[arg(long, default_value_t = 4)]
    pub audio_lines: usize,
    #[arg(long, default_value_t = 4)]
    pub video_lines: usize,
    #[arg(long, value_enum, default_value = "h264")]
    pub codec: CodecChoice,
    #[arg(long, value_enum, default_value = "high")]
    pub ceiling: LayerChoice,
    /// Cut slot 0 to the next publisher every so many seconds; 0: never.
    #[arg(long, default_value_t = 0.0)]
    pub cut_every: f64,
    /// Packet time of the voices, ms; default: what the node asks for.
    #[arg(long)]
    pub ptime: Option<u32>,
    /// Recorded packet sizes of a browser's frames: JSON [[bytes, ...], ...]; replaces the clips' pictures.
    #[arg(long)]
    pub sizes: Option<PathBuf>,
    /// Longest wait for everyone to join, seconds.
    #[arg(long, default_value_t = 60.0)]
    pub patience: f64,
}

impl CommonOptions {
    /// The way to the node.
    ///
    /// # Errors
    /// When the option does not make sense, or no emulator can be started.
    pub fn via(&self) -> anyhow::Result<crate::via::Via> {
        use crate::net::{Emulator, Profile};
        use crate::via::Via;
        match (&self.via, &self.emulate) {
            (Some(text), _) => Via::parse(text).map_err(anyhow::Error::msg),
            (None, Some(text)) => {
                let profile = Profile::parse(text).map_err(anyhow::Error::msg)?;
                Ok(Via::emulated(Emulator::spawn(self.seed, profile)?))
            }
            (None, None) => Ok(Via::Direct),
        }
    }

    /// How viewers are given sockets.
    #[must_use]
    pub fn sockets(&self) -> crate::engine::Sockets {
        // What is not IPv4 on loopback cannot share one.
        let each = self.socket_each || self.tcp || self.ipv6;
        crate::engine::Sockets { gro: self.gro, each }
    }

    /// Which candidates clients may use.
    #[must_use]
    pub fn reach(&self) -> crate::client::Reach {
        crate::client::Reach { allow_remote: self.allow_remote, tcp: self.tcp, ipv6: self.ipv6 }
    }

    /// Whether `address` may be spoken to.
    #[must_use]
    pub fn permits(&self, address: SocketAddr) -> bool {
        self.allow_remote || address.ip().is_loopback()
    }
}
