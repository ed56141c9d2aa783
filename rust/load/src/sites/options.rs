//! Options of the sites mode.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use serde::Deserialize;

use crate::direct::CommonOptions;

/// Options of `diemcau-load sites`.
#[derive(Debug, Clone, Args)]
pub struct SitesOptions {
    #[command(flatten)]
    pub common: CommonOptions,
    /// Address of the server, e.g. http://127.0.0.1:8000
    #[arg(long)]
    pub server: String,
    /// JSON lines with site, credential, name, code.
    #[arg(long)]
    pub credentials: PathBuf,
    /// Only the first so many of them.
    #[arg(long)]
    pub limit: Option<usize>,
    /// Meeting to join; default: the first open one that a site is invited to.
    #[arg(long)]
    pub meeting: Option<String>,
    /// Every n-th site opens a viewer; 0: nobody does (standing by with a WebSocket only).
    #[arg(long, default_value_t = 1)]
    pub view_every: usize,
    /// Seconds between two snapshots of a site; 0: none.
    #[arg(long, default_value_t = 30.0)]
    pub snapshot_every: f64,
    /// Hands raised a minute, by all sites together.
    #[arg(long, default_value_t = 0.0)]
    pub hands_per_minute: f64,
    /// Sites that leave, and come back, a second; half of them without a word.
    #[arg(long, default_value_t = 0.0)]
    pub churn: f64,
    /// Seconds after which a hand that was not called is lowered again.
    #[arg(long, default_value_t = 90.0)]
    pub hand_patience: f64,
    /// Seconds within which a site answers a message that asks for it.
    #[arg(long, default_value_t = 10.0)]
    pub answer_within: f64,
    /// Longest wait for everyone to join, seconds.
    #[arg(long, default_value_t = 120.0)]
    pub patience: f64,
    /// End when standard input closes.
    #[arg(long)]
    pub exit_with_stdin: bool,
}

/// One line of the credentials' file; other fields are ignored.
#[derive(Clone, Deserialize)]
pub struct Credential {
    pub site: String,
    pub credential: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub code: String,
}

impl Credential {
    /// Reads the file. The credentials themselves appear in no message.
    ///
    /// # Errors
    /// When a line is none, or there is none at all.
    pub fn load(path: &Path, limit: Option<usize>) -> anyhow::Result<Vec<Self>> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let mut all = Vec::new();
        for (number, line) in lines.take(limit.unwrap_or(usize::MAX)) {
            let parsed = serde_json::from_str(line);
            all.push(
                parsed.map_err(|_| anyhow::anyhow!("{}:{}: not a credential", path.display(), number + 1))?,
            );
        }
        if all.is_empty() {
            bail!("{} has no credentials", path.display());
        }
        Ok(all)
    }
}
