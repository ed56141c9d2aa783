//! The command line of `diemcau-media`.

use std::io::{IsTerminal, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::hub::Limits;
use crate::limit::Limit;
use crate::serve::{Config, Node, Stopper};
use crate::sys::{signal, usage};

/// The media node of Điểm Cầu.
#[derive(Parser)]
#[command(name = "diemcau-media", version = diemcau_wire::VERSION)]
struct Cli {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Subcommand)]
enum Sub {
    /// Serve viewers and publishers until SIGTERM; prints {"ready":true,"ports":[…],"tcp_port":…} when it does.
    Serve(Serve),
    /// Print the JSON Schema of the control protocol.
    Schema,
    /// Measure what encrypting and sending to N receivers costs at least; prints one JSON line.
    Limit(Limit),
}

#[derive(clap::Args)]
struct Serve {
    /// Path of the control socket (Unix, mode 0600).
    #[arg(long)]
    control: PathBuf,
    /// UDP address; worker i uses port + i, port 0 lets the system choose. [::]:port serves IPv4 and IPv6.
    #[arg(long, default_value = "0.0.0.0:0")]
    bind: SocketAddr,
    /// IP under which others reach this node; may be repeated, best first.
    #[arg(long)]
    announce: Vec<IpAddr>,
    /// TCP port of all workers together, for clients that no UDP reaches; default: the port of --bind.
    #[arg(long)]
    tcp_port: Option<u16>,
    /// Nothing by TCP.
    #[arg(long, conflicts_with = "tcp_port")]
    no_tcp: bool,
    /// Worker threads; default: one per core.
    #[arg(long)]
    workers: Option<usize>,
    /// Most viewers at a time.
    #[arg(long, default_value_t = 20_000)]
    max_viewers: usize,
    /// Most publishers at a time.
    #[arg(long, default_value_t = 500)]
    max_publishers: usize,
    /// End when stdin closes (otherwise a parent's death leaves pictures running).
    #[arg(long)]
    exit_with_stdin: bool,
    /// Send packet by packet instead of with UDP segmentation offload.
    #[arg(long)]
    no_gso: bool,
    /// Log as JSON lines. What is logged: environment variable DIEMCAU_LOG, e.g. `info,str0m=warn`.
    #[arg(long)]
    log_json: bool,
}

/// Runs the command line.
///
/// # Errors
/// What the command failed of; the caller prints it and exits with 1.
pub fn cli() -> anyhow::Result<()> {
    match Cli::parse().command {
        Sub::Serve(serve) => run(serve),
        Sub::Limit(limit) => crate::limit::run(&limit),
        Sub::Schema => {
            let schema = serde_json::to_string_pretty(&diemcau_control::schema())?;
            writeln!(std::io::stdout(), "{schema}").context("cannot write the schema")
        }
    }
}

fn run(serve: Serve) -> anyhow::Result<()> {
    log_to_stderr(serve.log_json);
    // Blocked before any thread starts, so that every thread inherits it and one waits for them.
    signal::block()?;
    let workers = serve
        .workers
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get));
    // A viewer or publisher over TCP needs a descriptor of its own.
    usage::raise_file_limit((serve.max_viewers + serve.max_publishers) as u64 + 4_096);
    let node = Node::start(Config {
        bind: serve.bind,
        announce: serve.announce,
        tcp_port: (!serve.no_tcp).then(|| serve.tcp_port.unwrap_or(serve.bind.port())),
        workers,
        limits: Limits { viewers: serve.max_viewers, publishers: serve.max_publishers },
        gso: !serve.no_gso,
        ..Config::new(serve.control)
    })?;
    let ready = serde_json::json!({ "ready": true, "ports": node.ports, "tcp_port": node.tcp_port });
    // A parent that does not read this is not a reason to die.
    let _ = writeln!(std::io::stdout(), "{ready}").and_then(|()| std::io::stdout().flush());
    watch_signals(node.stopper())?;
    if serve.exit_with_stdin {
        watch_stdin(node.stopper())?;
    }
    node.join();
    Ok(())
}

fn watch_signals(stopper: Stopper) -> anyhow::Result<()> {
    let watch = move || {
        while let Ok(name) = signal::wait() {
            tracing::info!(signal = name, "stopping");
            stopper.stop();
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(watch).context("cannot start a thread")?;
    Ok(())
}

fn watch_stdin(stopper: Stopper) -> anyhow::Result<()> {
    let watch = move || {
        let mut sink = [0; 256];
        while matches!(std::io::stdin().read(&mut sink), Ok(count) if count > 0) {}
        tracing::info!("stdin was closed; stopping");
        stopper.stop();
    };
    std::thread::Builder::new().name("stdin".into()).spawn(watch).context("cannot start a thread")?;
    Ok(())
}

fn log_to_stderr(json: bool) {
    use tracing_subscriber::EnvFilter;
    let filter =
        EnvFilter::try_from_env("DIEMCAU_LOG").unwrap_or_else(|_| EnvFilter::new("info,str0m=warn,is=warn"));
    let colour = std::io::stderr().is_terminal();
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour);
    // A second call (tests) finds a subscriber set; that one stays.
    let _ = if json { builder.json().try_init() } else { builder.try_init() };
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(%panic, backtrace = %std::backtrace::Backtrace::capture(), "panic");
    }));
}
