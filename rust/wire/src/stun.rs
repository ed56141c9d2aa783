//! STUN binding requests and responses as ICE uses them (RFC 8489, RFC 8445 §7).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use aws_lc_rs::hmac;
use thiserror::Error;

/// Room that any message written here fits in, bytes.
pub const MAX_MESSAGE_LEN: usize = 768;
const HEADER_LEN: usize = 20;
const MAGIC: [u8; 4] = 0x2112_a442_u32.to_be_bytes();
const FINGERPRINT_XOR: u32 = 0x5354_554e;
/// Longest USERNAME (RFC 8489 §14.3), bytes.
const MAX_USERNAME: usize = 513;
/// A check has about ten attributes; a datagram full of empty ones is not a check.
const MAX_ATTRIBUTES: usize = 32;

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const FINGERPRINT: u16 = 0x8028;
const ICE_CONTROLLED: u16 = 0x8029;
const ICE_CONTROLLING: u16 = 0x802a;

/// Why bytes are not a STUN message we read, or cannot be made one.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum StunError {
    #[error("STUN message is shorter than its header or an attribute says")]
    Truncated,
    #[error("not a STUN binding message")]
    NotBinding,
    #[error("STUN attribute is malformed")]
    Malformed,
    #[error("STUN fingerprint does not match")]
    Fingerprint,
    #[error("buffer is too small for the STUN message")]
    NoSpace,
}

impl StunError {
    /// Stable code for counters and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Truncated => "stun_truncated",
            Self::NotBinding => "stun_not_binding",
            Self::Malformed => "stun_malformed",
            Self::Fingerprint => "stun_fingerprint",
            Self::NoSpace => "stun_no_space",
        }
    }
}

/// 96 bits chosen at random by the requester.
pub type TransactionId = [u8; 12];

/// Class of a binding message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StunClass {
    Request,
    Indication,
    Success,
    Error,
}

/// A binding message that borrows its datagram. Attributes behind MESSAGE-INTEGRITY other than FINGERPRINT are
/// not read (RFC 8489 §14.5).
#[derive(Debug, Clone, Copy)]
pub struct StunMessage<'a> {
    pub class: StunClass,
    pub transaction: TransactionId,
    pub username: Option<&'a str>,
    pub priority: Option<u32>,
    pub use_candidate: bool,
    /// Tie-breaker of a controlling agent.
    pub controlling: Option<u64>,
    /// Tie-breaker of a controlled agent.
    pub controlled: Option<u64>,
    pub mapped: Option<SocketAddr>,
    /// 300..=699.
    pub error_code: Option<u16>,
    /// First comprehension-required attribute that we do not know.
    pub unknown_required: Option<u16>,
    message: &'a [u8],
    integrity_at: Option<usize>,
}

/// Whether a datagram is STUN by its first bytes (RFC 7983 §7 and the magic cookie).
pub fn is_stun(datagram: &[u8]) -> bool {
    datagram.len() >= HEADER_LEN && datagram[0] < 4 && datagram[4..8] == MAGIC
}

impl<'a> StunMessage<'a> {
    /// Reads a binding message. A FINGERPRINT, when there, is checked; the integrity is not: call
    /// [`StunMessage::authentic`].
    pub fn parse(message: &'a [u8]) -> Result<Self, StunError> {
        let head: &[u8; HEADER_LEN] = message.first_chunk().ok_or(StunError::Truncated)?;
        let kind = u16::from_be_bytes([head[0], head[1]]);
        let class = match kind {
            0x0001 => StunClass::Request,
            0x0011 => StunClass::Indication,
            0x0101 => StunClass::Success,
            0x0111 => StunClass::Error,
            _ => return Err(StunError::NotBinding),
        };
        if head[4..8] != MAGIC {
            return Err(StunError::NotBinding);
        }
        let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if len % 4 != 0 || message.len() != HEADER_LEN + len {
            return Err(StunError::Truncated);
        }
        let mut transaction = [0; 12];
        transaction.copy_from_slice(&head[8..]);
        let mut this = Self {
            class,
            transaction,
            username: None,
            priority: None,
            use_candidate: false,
            controlling: None,
            controlled: None,
            mapped: None,
            error_code: None,
            unknown_required: None,
            message,
            integrity_at: None,
        };
        this.read_attributes()?;
        Ok(this)
    }

    fn read_attributes(&mut self) -> Result<(), StunError> {
        let message = self.message;
        let mut at = HEADER_LEN;
        for _ in 0..MAX_ATTRIBUTES {
            if at == message.len() {
                return Ok(());
            }
            let head = message.get(at..at + 4).ok_or(StunError::Truncated)?;
            let kind = u16::from_be_bytes([head[0], head[1]]);
            let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let value = message.get(at + 4..at + 4 + len).ok_or(StunError::Truncated)?;
            let next = at + 4 + len.next_multiple_of(4);
            if next > message.len() {
                return Err(StunError::Truncated);
            }
            if kind == FINGERPRINT {
                // It is the last attribute or it is nothing (RFC 8489 §14.7).
                let value: [u8; 4] = value.try_into().map_err(|_| StunError::Malformed)?;
                let good = crc32(&message[..at]) ^ FINGERPRINT_XOR == u32::from_be_bytes(value);
                return if good && next == message.len() { Ok(()) } else { Err(StunError::Fingerprint) };
            }
            if self.integrity_at.is_none() {
                self.read_attribute(kind, value, at)?;
            }
            at = next;
        }
        if at == message.len() { Ok(()) } else { Err(StunError::Malformed) }
    }

    fn read_attribute(&mut self, kind: u16, value: &'a [u8], at: usize) -> Result<(), StunError> {
        match kind {
            USERNAME => {
                if value.len() > MAX_USERNAME {
                    return Err(StunError::Malformed);
                }
                self.username = Some(std::str::from_utf8(value).map_err(|_| StunError::Malformed)?);
            }
            MESSAGE_INTEGRITY => {
                if value.len() != 20 {
                    return Err(StunError::Malformed);
                }
                self.integrity_at = Some(at);
            }
            ERROR_CODE => {
                let head = value.get(..4).ok_or(StunError::Malformed)?;
                let code = u16::from(head[2] & 7) * 100 + u16::from(head[3]);
                self.error_code = Some(code).filter(|c| (300..700).contains(c));
            }
            XOR_MAPPED_ADDRESS => self.mapped = Some(self.read_address(value)?),
            PRIORITY => self.priority = Some(u32::from_be_bytes(exact(value)?)),
            USE_CANDIDATE => self.use_candidate = true,
            ICE_CONTROLLED => self.controlled = Some(u64::from_be_bytes(exact(value)?)),
            ICE_CONTROLLING => self.controlling = Some(u64::from_be_bytes(exact(value)?)),
            UNKNOWN_ATTRIBUTES => {}
            kind if kind < 0x8000 => {
                self.unknown_required.get_or_insert(kind);
            }
            _ => {}
        }
        Ok(())
    }

    fn read_address(&self, value: &[u8]) -> Result<SocketAddr, StunError> {
        let head = value.get(..4).ok_or(StunError::Malformed)?;
        let port = u16::from_be_bytes([head[2] ^ MAGIC[0], head[3] ^ MAGIC[1]]);
        let ip = match (head[1], value.len()) {
            (1, 8) => IpAddr::V4(Ipv4Addr::from(xor(exact(&value[4..])?, &MAGIC))),
            (2, 20) => IpAddr::V6(Ipv6Addr::from(xor(exact(&value[4..])?, &self.pad()))),
            _ => return Err(StunError::Malformed),
        };
        Ok(SocketAddr::new(ip, port))
    }

    /// Magic cookie and transaction id: what an IPv6 address is XORed with.
    fn pad(&self) -> [u8; 16] {
        address_pad(&self.transaction)
    }

    /// Whether there is a MESSAGE-INTEGRITY made with this password (short-term credential), compared in
    /// constant time.
    pub fn authentic(&self, password: &[u8]) -> bool {
        let Some(at) = self.integrity_at else { return false };
        // The length field counts up to and including this attribute (RFC 8489 §14.5).
        let mut context = hmac::Context::with_key(&integrity_key(password));
        context.update(&self.message[..2]);
        context.update(&length_field(at + 24));
        context.update(&self.message[4..at]);
        let tag = context.sign();
        aws_lc_rs::constant_time::verify_slices_are_equal(tag.as_ref(), &self.message[at + 4..at + 24])
            .is_ok()
    }

    /// The two halves of a request's USERNAME: the receiver's ufrag, then the sender's (RFC 8445 §7.2.2).
    pub fn ufrags(&self) -> Option<(&'a str, &'a str)> {
        self.username?.split_once(':')
    }
}

/// The receiver's ufrag in a binding request, found without checking anything: only good for choosing whose
/// connection looks at the datagram.
pub fn peek_local_ufrag(datagram: &[u8]) -> Option<&str> {
    if !is_stun(datagram) || datagram[..2] != [0, 1] {
        return None;
    }
    let mut rest = &datagram[HEADER_LEN..];
    for _ in 0..MAX_ATTRIBUTES {
        let head: &[u8; 4] = rest.first_chunk()?;
        let len = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = rest.get(4..4 + len)?;
        if head[..2] == USERNAME.to_be_bytes() {
            return std::str::from_utf8(value).ok()?.split_once(':').map(|(local, _)| local);
        }
        rest = rest.get(4 + len.next_multiple_of(4)..)?;
    }
    None
}

/// What a binding request carries.
#[derive(Debug, Clone, Copy)]
pub struct BindingRequest<'a> {
    pub transaction: TransactionId,
    /// Ufrag of the one asked.
    pub remote_ufrag: &'a str,
    /// Ufrag of the one who asks.
    pub local_ufrag: &'a str,
    pub priority: u32,
    /// Tie-breaker; we only ever ask as the controlling agent.
    pub controlling: u64,
    pub use_candidate: bool,
}

/// Writes a request with integrity (password of the one asked) and fingerprint. Returns its length.
pub fn write_request(
    buf: &mut [u8],
    request: &BindingRequest<'_>,
    password: &[u8],
) -> Result<usize, StunError> {
    let mut writer = Writer::new(buf, 0x0001, &request.transaction)?;
    let (remote, local) = (request.remote_ufrag.as_bytes(), request.local_ufrag.as_bytes());
    if remote.len() + 1 + local.len() > MAX_USERNAME {
        return Err(StunError::NoSpace);
    }
    writer.attribute(USERNAME, &[remote, b":", local])?;
    writer.attribute(PRIORITY, &[&request.priority.to_be_bytes()])?;
    writer.attribute(ICE_CONTROLLING, &[&request.controlling.to_be_bytes()])?;
    if request.use_candidate {
        writer.attribute(USE_CANDIDATE, &[])?;
    }
    writer.integrity(password)?;
    writer.fingerprint()
}

/// Writes a success response with the address the request came from. Returns its length.
pub fn write_success(
    buf: &mut [u8],
    transaction: &TransactionId,
    mapped: SocketAddr,
    password: &[u8],
) -> Result<usize, StunError> {
    let mut writer = Writer::new(buf, 0x0101, transaction)?;
    let port = mapped.port().to_be_bytes();
    let port = [port[0] ^ MAGIC[0], port[1] ^ MAGIC[1]];
    match mapped.ip().to_canonical() {
        IpAddr::V4(ip) => {
            writer.attribute(XOR_MAPPED_ADDRESS, &[&[0, 1], &port, &xor(ip.octets(), &MAGIC)])?;
        }
        IpAddr::V6(ip) => {
            let ip = xor(ip.octets(), &address_pad(transaction));
            writer.attribute(XOR_MAPPED_ADDRESS, &[&[0, 2], &port, &ip])?;
        }
    }
    writer.integrity(password)?;
    writer.fingerprint()
}

/// Writes an error response (400 bad request, 401 unauthenticated, 420 unknown attribute, 487 role conflict),
/// with integrity when a password is given. `unknown` goes along with 420. Returns its length.
pub fn write_error(
    buf: &mut [u8],
    transaction: &TransactionId,
    code: u16,
    unknown: Option<u16>,
    password: Option<&[u8]>,
) -> Result<usize, StunError> {
    let mut writer = Writer::new(buf, 0x0111, transaction)?;
    let reason: &[u8] = match code {
        400 => b"Bad Request",
        401 => b"Unauthenticated",
        420 => b"Unknown Attribute",
        487 => b"Role Conflict",
        _ => b"Error",
    };
    writer.attribute(ERROR_CODE, &[&[0, 0, (code / 100) as u8, (code % 100) as u8], reason])?;
    if let Some(unknown) = unknown {
        writer.attribute(UNKNOWN_ATTRIBUTES, &[&unknown.to_be_bytes()])?;
    }
    if let Some(password) = password {
        writer.integrity(password)?;
    }
    writer.fingerprint()
}

struct Writer<'a> {
    buf: &'a mut [u8],
    len: usize,
}

impl<'a> Writer<'a> {
    fn new(buf: &'a mut [u8], kind: u16, transaction: &TransactionId) -> Result<Self, StunError> {
        let head: &mut [u8; HEADER_LEN] = buf.first_chunk_mut().ok_or(StunError::NoSpace)?;
        head[..2].copy_from_slice(&kind.to_be_bytes());
        head[2..4].fill(0);
        head[4..8].copy_from_slice(&MAGIC);
        head[8..].copy_from_slice(transaction);
        Ok(Self { buf, len: HEADER_LEN })
    }

    fn attribute(&mut self, kind: u16, parts: &[&[u8]]) -> Result<(), StunError> {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        let value_len = u16::try_from(len).map_err(|_| StunError::NoSpace)?;
        let end = self.len + 4 + len.next_multiple_of(4);
        let slot = self.buf.get_mut(self.len..end).ok_or(StunError::NoSpace)?;
        slot[..2].copy_from_slice(&kind.to_be_bytes());
        slot[2..4].copy_from_slice(&value_len.to_be_bytes());
        let mut at = 4;
        for part in parts {
            slot[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        slot[at..].fill(0);
        self.len = end;
        self.buf[2..4].copy_from_slice(&length_field(end));
        Ok(())
    }

    fn integrity(&mut self, password: &[u8]) -> Result<(), StunError> {
        let signed = self.len;
        self.attribute(MESSAGE_INTEGRITY, &[&[0; 20]])?;
        let tag = hmac::sign(&integrity_key(password), &self.buf[..signed]);
        self.buf[signed + 4..signed + 24].copy_from_slice(tag.as_ref());
        Ok(())
    }

    fn fingerprint(mut self) -> Result<usize, StunError> {
        let covered = self.len;
        self.attribute(FINGERPRINT, &[&[0; 4]])?;
        let crc = crc32(&self.buf[..covered]) ^ FINGERPRINT_XOR;
        self.buf[covered + 4..covered + 8].copy_from_slice(&crc.to_be_bytes());
        Ok(self.len)
    }
}

fn integrity_key(password: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password)
}

/// The header's length field for a message that ends at `end`.
fn length_field(end: usize) -> [u8; 2] {
    ((end - HEADER_LEN) as u16).to_be_bytes()
}

fn address_pad(transaction: &TransactionId) -> [u8; 16] {
    let mut pad = [0; 16];
    pad[..4].copy_from_slice(&MAGIC);
    pad[4..].copy_from_slice(transaction);
    pad
}

fn xor<const N: usize>(mut value: [u8; N], pad: &[u8; N]) -> [u8; N] {
    value.iter_mut().zip(pad).for_each(|(byte, pad)| *byte ^= pad);
    value
}

fn exact<const N: usize>(value: &[u8]) -> Result<[u8; N], StunError> {
    value.try_into().map_err(|_| StunError::Malformed)
}

/// CRC-32 of ISO 3309, as in ITU-T V.42.
fn crc32(data: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let mut crc = i as u32;
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 1 != 0 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
                bit += 1;
            }
            table[i] = crc;
            i += 1;
        }
        table
    };
    !data.iter().fold(!0, |crc, byte| crc >> 8 ^ TABLE[(crc as u8 ^ byte) as usize])
}
