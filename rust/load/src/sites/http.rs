//! A small HTTP client: one connection a request, bounded in time, size and number.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;

const PATIENCE: Duration = Duration::from_secs(30);
const MAX_BODY: usize = 4 << 20;
/// Requests at a time; more wait, and their waiting counts as joining.
const AT_A_TIME: usize = 256;

/// Why a request failed.
#[derive(Debug, Error)]
pub enum HttpError {
    #[error("{0} is not an http:// address with a host")]
    Address(String),
    #[error("{0} is not loopback; --allow-remote permits it")]
    Remote(SocketAddr),
    #[error("connection: {0}")]
    Io(#[from] std::io::Error),
    #[error("HTTP: {0}")]
    Protocol(String),
    #[error("no answer in 30 s")]
    Silent,
    #[error("{status} {code}")]
    Problem { status: u16, code: String },
}

impl HttpError {
    /// Short stable name for counting.
    #[must_use]
    pub fn code(&self) -> String {
        match self {
            Self::Address(_) => "address".into(),
            Self::Remote(_) => "remote_address".into(),
            Self::Io(_) => "connection".into(),
            Self::Protocol(_) => "protocol".into(),
            Self::Silent => "silent".into(),
            Self::Problem { code, .. } => code.clone(),
        }
    }
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    code: String,
}

/// Where the server is.
#[derive(Clone)]
pub struct Http {
    pub host: String,
    pub address: SocketAddr,
    /// Where this site comes from.
    source: Option<Ipv4Addr>,
    room: Arc<Semaphore>,
}

impl Http {
    /// Reads `http://host[:port]` and resolves the host.
    ///
    /// # Errors
    /// `Address`, or `Remote` where that is not allowed.
    pub fn new(server: &str, allow_remote: bool) -> Result<Self, HttpError> {
        let bad = || HttpError::Address(server.to_owned());
        let host = server.strip_prefix("http://").ok_or_else(bad)?.trim_end_matches('/');
        if host.is_empty() || host.contains('/') {
            return Err(bad());
        }
        let with_port = if host.rsplit(']').next().is_some_and(|end| end.contains(':')) {
            host.to_owned()
        } else {
            format!("{host}:80")
        };
        let all: Vec<SocketAddr> = with_port.to_socket_addrs().map_err(|_| bad())?.collect();
        let address = *all.iter().find(|a| a.ip().is_loopback()).or(all.first()).ok_or_else(bad)?;
        if !allow_remote && !address.ip().is_loopback() {
            return Err(HttpError::Remote(address));
        }
        Ok(Self { host: host.to_owned(), address, source: None, room: Arc::new(Semaphore::new(AT_A_TIME)) })
    }

    /// The same for one site, which comes to a server on this machine from an address of its own, as in the field:
    /// limits by address count it by itself, and ten thousand do not share one address's ports.
    #[must_use]
    pub fn of_site(&self, index: usize) -> Self {
        let loopback = matches!(self.address.ip(), IpAddr::V4(ip) if ip.is_loopback());
        // 127.64.0.1 and up: well clear of what anything else listens on.
        let number = 0x7f40_0001_u32 + (index as u32 & 0x1f_ffff);
        Self { source: loopback.then(|| Ipv4Addr::from(number)), ..self.clone() }
    }

    /// A TCP connection to the server.
    ///
    /// # Errors
    /// As `connect`.
    pub async fn connect(&self) -> std::io::Result<TcpStream> {
        let socket = if self.address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(source) = self.source {
            socket.bind(SocketAddr::new(source.into(), 0))?;
        }
        let stream = socket.connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Sends a JSON request and reads a JSON answer (null when there is no body).
    ///
    /// # Errors
    /// No answer, or one that is not 2xx.
    pub async fn json(
        &self,
        method: &str,
        path: &str,
        bearer: &str,
        body: &Value,
    ) -> Result<Value, HttpError> {
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let answer = self.send(method, path, bearer, "application/json", body).await?;
        if answer.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer).map_err(|error| HttpError::Protocol(error.to_string()))
    }

    /// Sends a request.
    ///
    /// # Errors
    /// As [`Self::json`].
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        bearer: &str,
        content_type: &str,
        body: Bytes,
    ) -> Result<Bytes, HttpError> {
        let exchange = self.exchange(method, path, bearer, content_type, body);
        tokio::time::timeout(PATIENCE, exchange).await.map_err(|_| HttpError::Silent)?
    }

    async fn exchange(
        &self,
        method: &str,
        path: &str,
        bearer: &str,
        content_type: &str,
        body: Bytes,
    ) -> Result<Bytes, HttpError> {
        let protocol = |error: &dyn std::fmt::Display| HttpError::Protocol(error.to_string());
        let _room = self.room.acquire().await.map_err(|error| protocol(&error))?;
        let stream = self.connect().await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| protocol(&e))?;
        // It ends with the request: the sender is dropped at the end of this function.
        let connection = tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
            .header(AUTHORIZATION, format!("Bearer {bearer}"))
            .header(CONNECTION, "close");
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, content_type);
        }
        let request = request.body(Full::new(body)).map_err(|e| protocol(&e))?;
        let answer = sender.send_request(request).await.map_err(|e| protocol(&e))?;
        let status = answer.status();
        let body =
            Limited::new(answer.into_body(), MAX_BODY).collect().await.map_err(|e| protocol(&e))?.to_bytes();
        drop(sender);
        connection.abort();
        if status.is_success() {
            return Ok(body);
        }
        let code = serde_json::from_slice::<Problem>(&body).map(|problem| problem.code).unwrap_or_default();
        let code = if code.is_empty() { format!("http_{}", status.as_u16()) } else { code };
        Err(HttpError::Problem { status: status.as_u16(), code })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_site_comes_from_an_address_of_its_own() {
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http = Http::new(&format!("http://{}", server.local_addr().unwrap()), false).unwrap();
        let mut seen = std::collections::HashSet::new();
        for index in [0, 1, 255, 256, 9_811] {
            let site = http.of_site(index);
            let (_ours, theirs) = tokio::join!(site.connect(), server.accept());
            let from = theirs.unwrap().1.ip();
            assert!(from.is_loopback() && seen.insert(from), "{from}");
        }
    }

    #[test]
    fn only_loopback_unless_allowed() {
        assert!(Http::new("http://127.0.0.1:8000/", false).is_ok());
        assert_eq!(Http::new("http://127.0.0.1", false).unwrap().address.port(), 80);
        assert_eq!(Http::new("http://[::1]", false).unwrap().address.port(), 80);
        assert!(matches!(Http::new("http://192.0.2.1:80", false), Err(HttpError::Remote(_))));
        assert!(Http::new("http://192.0.2.1:80", true).is_ok());
        for bad in ["https://127.0.0.1", "127.0.0.1", "http://", "http://127.0.0.1/x"] {
            assert!(matches!(Http::new(bad, true), Err(HttpError::Address(_))), "{bad}");
        }
    }
}
