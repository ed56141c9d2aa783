//! The control socket of a media node, from control's side (`docs/control.md`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use diemcau_control::{Command, Event, FromNode, MAX_LINE, Reply, ReplyData, Request, VERSION};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::process::{Child, Command as Process};
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};

const PATIENCE: Duration = Duration::from_secs(30);
/// Events that wait to be looked at; the oldest stay, newer ones are dropped.
const EVENTS: usize = 65_536;

/// Why a command failed.
#[derive(Debug, Error)]
pub enum ControlError {
    #[error("control socket: {0}")]
    Io(#[from] std::io::Error),
    #[error("node refused: {code}: {message}")]
    Refused { code: String, message: String },
    #[error("node has closed the control socket")]
    Closed,
    #[error("node did not answer in 30 s")]
    Silent,
    #[error("node answered something else than was asked for")]
    Unexpected,
}

type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<Reply>>>>;

/// One connection. Requests may be made at the same time.
pub struct Control {
    writer: AsyncMutex<OwnedWriteHalf>,
    waiting: Waiting,
    next: AtomicU64,
    /// Distinguishes this connection's ids from those of others: a node remembers ids.
    prefix: u64,
    reader: tokio::task::JoinHandle<()>,
}

impl Control {
    /// Connects and says hello.
    ///
    /// # Errors
    /// No socket, or the node speaks another version.
    pub async fn connect(path: &Path) -> Result<(Self, mpsc::Receiver<Event>), ControlError> {
        let (read, write) = UnixStream::connect(path).await?.into_split();
        let waiting: Waiting = Arc::default();
        let (events, inbox) = mpsc::channel(EVENTS);
        let replies = waiting.clone();
        let reader = tokio::spawn(async move {
            let mut lines = BufReader::new(read);
            let mut line = Vec::new();
            while let Ok(length @ 1..=MAX_LINE) = {
                line.clear();
                lines.read_until(b'\n', &mut line).await
            } {
                match serde_json::from_slice(&line[..length]) {
                    Ok(FromNode::Reply(reply)) => {
                        let waiter = lock(&replies).remove(&reply.re);
                        if let Some(waiter) = waiter {
                            let _ = waiter.send(reply);
                        }
                    }
                    Ok(FromNode::Event(event)) => {
                        let _ = events.try_send(event);
                    }
                    Err(error) => tracing::warn!(%error, "unreadable line from the node"),
                }
            }
            lock(&replies).clear();
        });
        let control = Self {
            writer: AsyncMutex::new(write),
            waiting,
            next: AtomicU64::new(0),
            prefix: fastrand::u64(..),
            reader,
        };
        match control.request(Command::Hello { version: VERSION }).await? {
            ReplyData::Hello { version: VERSION, .. } => Ok((control, inbox)),
            _ => Err(ControlError::Unexpected),
        }
    }

    /// Sends a command and waits for its reply.
    ///
    /// # Errors
    /// Refused, or no answer.
    pub async fn request(&self, command: Command) -> Result<ReplyData, ControlError> {
        let id = format!("load-{:x}-{}", self.prefix, self.next.fetch_add(1, Ordering::Relaxed));
        let mut line =
            serde_json::to_vec(&Request { id: id.clone(), command }).map_err(std::io::Error::from)?;
        line.push(b'\n');
        let (sender, answer) = oneshot::channel();
        lock(&self.waiting).insert(id.clone(), sender);
        if self.reader.is_finished() {
            return Err(ControlError::Closed);
        }
        self.writer.lock().await.write_all(&line).await?;
        let reply = tokio::time::timeout(PATIENCE, answer).await;
        lock(&self.waiting).remove(&id);
        let reply = reply.map_err(|_| ControlError::Silent)?.map_err(|_| ControlError::Closed)?;
        match (reply.ok, reply.error) {
            (Some(data), None) => Ok(data),
            (_, Some(failure)) => Err(ControlError::Refused { code: failure.code, message: failure.message }),
            (None, None) => Err(ControlError::Unexpected),
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A node started for this run; it ends with it.
pub struct NodeProcess {
    child: Child,
    folder: PathBuf,
    pub control: PathBuf,
}

impl NodeProcess {
    /// Starts `executable serve` on loopback and waits until it is ready.
    ///
    /// # Errors
    /// When it does not start or does not say that it is ready within 30 s.
    pub async fn start(executable: &Path, workers: usize, more: &[String]) -> Result<Self, ControlError> {
        let folder = std::env::temp_dir().join(format!("diemcau-load-{:016x}", fastrand::u64(..)));
        std::fs::create_dir(&folder)?;
        let control = folder.join("control.sock");
        let mut child = Process::new(executable)
            .arg("serve")
            .arg("--control")
            .arg(&control)
            .args(["--bind", "127.0.0.1:0", "--workers", &workers.to_string(), "--exit-with-stdin"])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or(ControlError::Unexpected)?;
        let mut lines = BufReader::new(stdout).lines();
        let first =
            tokio::time::timeout(PATIENCE, lines.next_line()).await.map_err(|_| ControlError::Silent)??;
        if !first.is_some_and(|line| line.contains("\"ready\":true")) {
            return Err(ControlError::Closed);
        }
        Ok(Self { child, folder, control })
    }

    /// Ends it: closes its standard input and waits.
    pub async fn stop(mut self) {
        drop(self.child.stdin.take());
        if tokio::time::timeout(Duration::from_secs(5), self.child.wait()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
