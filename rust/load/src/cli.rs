//! The command line of `diemcau-load`.

use std::io::{BufRead, Write};
use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand};
use serde::Deserialize;
use serde_json::json;

use crate::direct::{self, DirectOptions};
use crate::endpoints::{self, EndpointsOptions};
use crate::net::{Emulator, Profile};
use crate::report::Report;
use crate::sites::{self, SitesOptions};

/// Load endpoints of Điểm Cầu: real WebRTC clients, and a bad network to put before them.
#[derive(Parser)]
#[command(name = "diemcau-load", version = diemcau_wire::VERSION)]
struct Cli {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Subcommand)]
enum Sub {
    /// Be a bad network: a UDP proxy between clients (browsers too) and a node.
    Net(NetOptions),
    /// Drive a media node through its control socket.
    Direct(Box<DirectOptions>),
    /// Be clients of any server: descriptions go by standard input and output.
    Endpoints(EndpointsOptions),
    /// Be many sites against a server.
    Sites(Box<SitesOptions>),
}

#[derive(Args)]
struct NetOptions {
    /// Where to listen and where it leads, listen=node (port 0: any); may be repeated.
    #[arg(long, required = true)]
    route: Vec<String>,
    /// e.g. loss=0.05,delay_ms=40,down.rate_kbps=800, or a JSON document {"up": {...}, "down": {...}}
    #[arg(long, default_value = "")]
    profile: String,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Lead to addresses that are not loopback.
    #[arg(long)]
    allow_remote: bool,
}

/// One line on standard input of `net`.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Say {
    Set(Box<Profile>),
    OutageMs(u64),
    Stats {},
}

/// Runs the executable.
///
/// # Errors
/// What went wrong, for people.
pub fn cli() -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("DIEMCAU_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match Cli::parse().command {
        Sub::Net(options) => net(&options),
        Sub::Endpoints(options) => endpoints::run(&options),
        Sub::Direct(options) => {
            fastrand::seed(options.common.seed);
            let json = options.common.json;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            print(&runtime.block_on(direct::run(*options))?, json)
        }
        Sub::Sites(options) => {
            fastrand::seed(options.common.seed);
            let json = options.common.json;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            print(&runtime.block_on(sites::run(*options))?, json)
        }
    }
}

fn print(report: &Report, as_json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    if as_json {
        writeln!(out, "{}", serde_json::to_string(report)?)?;
    } else {
        write!(out, "{}", report.table())?;
    }
    Ok(())
}

fn net(options: &NetOptions) -> anyhow::Result<()> {
    let profile = Profile::parse(&options.profile).map_err(anyhow::Error::msg)?;
    let emulator = Emulator::spawn(options.seed, profile)?;
    let mut routes = Vec::new();
    for route in &options.route {
        let pair = route.split_once('=').and_then(|(l, t)| Some((l.parse().ok()?, t.parse().ok()?)));
        let (listen, to): (SocketAddr, SocketAddr) =
            pair.ok_or_else(|| anyhow::anyhow!("not listen=node: {route}"))?;
        if !options.allow_remote && !to.ip().is_loopback() {
            anyhow::bail!("{to} is not loopback; --allow-remote permits it");
        }
        routes.push(emulator.route(listen, to)?);
    }
    say(&json!({ "ready": true, "routes": routes }))?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str::<Say>(&line) {
            Ok(Say::Set(profile)) => match profile.checked() {
                Ok(profile) => {
                    emulator.set(profile);
                    say(&json!({ "ok": true }))?;
                }
                Err(problem) => say(&json!({ "error": problem }))?,
            },
            Ok(Say::OutageMs(ms)) => {
                emulator.outage(std::time::Duration::from_millis(ms.min(3_600_000)));
                say(&json!({ "ok": true }))?;
            }
            Ok(Say::Stats {}) => say(&serde_json::to_value(emulator.stats())?)?,
            Err(error) => say(&json!({ "error": error.to_string() }))?,
        }
    }
    say(&serde_json::to_value(emulator.stats())?)
}

fn say(value: &serde_json::Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}")?;
    Ok(out.flush()?)
}
