//! The parser.

use std::net::{IpAddr, SocketAddr};

use super::{MAX_MEDIA, MAX_SDP_LEN, MediaKind, RemoteTransport, SdpError};
use crate::dtls::Fingerprint;
use crate::ice::IceCredentials;

/// More of these in one section than any browser writes are not read.
const MAX_FEEDBACK: usize = 16;
const MAX_EXTENSIONS: usize = 32;
const MAX_SSRCS: usize = 16;
const MAX_CANDIDATES: usize = 64;
/// Longest mid that is read (RFC 9143 asks for 3 where it goes in header extensions).
const MAX_MID: usize = 32;

/// `a=setup` (RFC 4145 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setup {
    Active,
    Passive,
    Actpass,
    Holdconn,
}

/// `a=sendrecv` and its kin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

/// Encoding names that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodecName {
    Opus,
    H264,
    Vp8,
    Rtx,
    Other,
}

/// One payload type of a media section with its format parameters and feedback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayloadFormat {
    /// 0..=127.
    pub payload_type: u8,
    pub codec: CodecName,
    /// Hz; 0 without an rtpmap.
    pub clock_rate: u32,
    /// `a=fmtp` as written.
    pub fmtp: String,
    /// `a=rtcp-fb` values as written, those for all payload types included.
    pub feedback: Vec<String>,
}

/// One m-line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaSection {
    /// `None` for a section that is neither audio nor video (data channels).
    pub kind: Option<MediaKind>,
    /// The m-line's words before and behind the port, to be echoed where the section is refused.
    pub kind_name: String,
    pub protocol_and_formats: String,
    pub mid: Option<String>,
    pub direction: Direction,
    pub rtcp_mux: bool,
    pub rtcp_rsize: bool,
    /// Zero refuses the section (RFC 8866 §5.14), unless it is bundle-only.
    pub port: u16,
    pub bundle_only: bool,
    /// In the order of the m-line.
    pub formats: Vec<PayloadFormat>,
    /// Header extensions (RFC 8285 §5) but for inactive ones.
    pub extensions: Vec<(u8, String)>,
    /// SSRCs in the order written, each once.
    pub ssrcs: Vec<u32>,
    /// Media and retransmission SSRC (RFC 5576 §4.2, RFC 4588), the first such group.
    pub fid: Option<(u32, u32)>,
    /// Stream and track as written.
    pub msid: Option<String>,
}

/// A parsed offer or answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDescription {
    /// Of the session, or of the first section that has one.
    pub transport: RemoteTransport,
    /// Mids of the BUNDLE group.
    pub bundle: Vec<String>,
    pub media: Vec<MediaSection>,
}

impl SessionDescription {
    /// Reads a description; ends of lines may be CRLF or LF, unknown lines are skipped. Fails with `TooLong`,
    /// `Malformed`, `TooMany`, or `Missing` (no ufrag, password, sha-256 fingerprint or m-line).
    pub fn parse(text: &str) -> Result<Self, SdpError> {
        if text.len() > MAX_SDP_LEN {
            return Err(SdpError::TooLong);
        }
        if !text.starts_with("v=0") {
            return Err(SdpError::Malformed { line: 1, what: "does not begin with v=0" });
        }
        let mut parser = Parser::default();
        for (i, line) in text.lines().enumerate() {
            parser.line(line.trim_end()).map_err(|problem| match problem {
                Problem::Malformed(what) => SdpError::Malformed { line: i + 1, what },
                Problem::TooMany => SdpError::TooMany,
            })?;
        }
        parser.finish()
    }
}

enum Problem {
    Malformed(&'static str),
    TooMany,
}

/// Transport attributes as they are found; the first of each counts, for a bundle shares one transport.
#[derive(Default)]
struct Parser {
    ufrag: Option<String>,
    pwd: Option<String>,
    fingerprint: Option<Fingerprint>,
    setup: Option<Setup>,
    ice_lite: bool,
    candidates: Vec<SocketAddr>,
    tcp_candidates: Vec<SocketAddr>,
    bundle: Vec<String>,
    media: Vec<MediaSection>,
    /// `a=rtcp-fb:*` of the current section.
    feedback_for_all: Vec<String>,
}

impl Parser {
    fn line(&mut self, line: &str) -> Result<(), Problem> {
        match line.split_once('=') {
            Some(("m", value)) => self.media_line(value),
            Some(("a", value)) => self.attribute(value),
            Some((kind, _)) if kind.len() == 1 => Ok(()),
            _ if line.is_empty() => Ok(()),
            _ => Err(Problem::Malformed("is not a letter, '=' and a value")),
        }
    }

    fn media_line(&mut self, value: &str) -> Result<(), Problem> {
        const WHAT: Problem = Problem::Malformed("is not a media line");
        self.end_section();
        if self.media.len() == MAX_MEDIA {
            return Err(Problem::TooMany);
        }
        let mut words = value.splitn(3, ' ');
        let kind_name = words.next().filter(|word| is_token(word)).ok_or(WHAT)?;
        let port = words.next().and_then(|word| word.split('/').next()?.parse().ok()).ok_or(WHAT)?;
        let rest = words.next().ok_or(WHAT)?;
        let kind = match kind_name {
            "audio" => Some(MediaKind::Audio),
            "video" => Some(MediaKind::Video),
            _ => None,
        };
        let mut formats: Vec<PayloadFormat> = Vec::new();
        if kind.is_some() {
            for word in rest.split_ascii_whitespace().skip(1) {
                let payload_type = word.parse().ok().filter(|pt| *pt < 128).ok_or(WHAT)?;
                // At most 128 of them, then, for each is there once.
                if formats.iter().any(|f| f.payload_type == payload_type) {
                    return Err(Problem::Malformed("names a payload type twice"));
                }
                formats.push(PayloadFormat {
                    payload_type,
                    codec: CodecName::Other,
                    clock_rate: 0,
                    fmtp: String::new(),
                    feedback: Vec::new(),
                });
            }
        }
        self.media.push(MediaSection {
            kind,
            kind_name: kind_name.to_owned(),
            protocol_and_formats: rest.to_owned(),
            mid: None,
            direction: Direction::SendRecv,
            rtcp_mux: false,
            rtcp_rsize: false,
            port,
            bundle_only: false,
            formats,
            extensions: Vec::new(),
            ssrcs: Vec::new(),
            fid: None,
            msid: None,
        });
        Ok(())
    }

    fn end_section(&mut self) {
        let all = std::mem::take(&mut self.feedback_for_all);
        let Some(section) = self.media.last_mut() else { return };
        for format in &mut section.formats {
            let room = MAX_FEEDBACK.saturating_sub(format.feedback.len());
            format.feedback.extend(all.iter().take(room).cloned());
        }
    }

    fn attribute(&mut self, text: &str) -> Result<(), Problem> {
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.trim();
        match name {
            "ice-ufrag" => {
                check_ice(value, 4).ok_or(Problem::Malformed("is not an ICE ufrag"))?;
                self.ufrag.get_or_insert_with(|| value.to_owned());
            }
            "ice-pwd" => {
                check_ice(value, 22).ok_or(Problem::Malformed("is not an ICE password"))?;
                self.pwd.get_or_insert_with(|| value.to_owned());
            }
            "ice-lite" => self.ice_lite = true,
            "fingerprint" => self.fingerprint(value)?,
            "setup" => {
                let setup = match value {
                    "active" => Setup::Active,
                    "passive" => Setup::Passive,
                    "actpass" => Setup::Actpass,
                    "holdconn" => Setup::Holdconn,
                    _ => return Err(Problem::Malformed("is not a setup role")),
                };
                self.setup.get_or_insert(setup);
            }
            "candidate" => {
                if self.candidates.len() + self.tcp_candidates.len() < MAX_CANDIDATES {
                    match candidate(value) {
                        Some((address, false)) => self.candidates.push(address),
                        Some((address, true)) => self.tcp_candidates.push(address),
                        None => {}
                    }
                }
            }
            "group" => {
                if let Some(mids) = value.strip_prefix("BUNDLE").filter(|_| self.bundle.is_empty()) {
                    let mids = mids.split_ascii_whitespace().map(str::to_owned);
                    self.bundle = mids.take(MAX_MEDIA).collect();
                }
            }
            _ => return self.section_attribute(name, value),
        }
        Ok(())
    }

    fn fingerprint(&mut self, value: &str) -> Result<(), Problem> {
        let (hash, digest) = value.split_once(' ').unwrap_or((value, ""));
        if hash.eq_ignore_ascii_case("sha-256") && self.fingerprint.is_none() {
            let parsed = Fingerprint::parse(digest);
            self.fingerprint = Some(parsed.map_err(|_| Problem::Malformed("is not a fingerprint"))?);
        }
        Ok(())
    }

    fn section_attribute(&mut self, name: &str, value: &str) -> Result<(), Problem> {
        // The same attributes at session level mean nothing to us.
        let Some(section) = self.media.last_mut() else { return Ok(()) };
        match name {
            "mid" => {
                if !is_token(value) || value.len() > MAX_MID {
                    return Err(Problem::Malformed("is not a mid"));
                }
                section.mid = Some(value.to_owned());
                let mids = self.media.iter().filter(|m| m.mid.as_deref() == Some(value));
                if mids.count() > 1 {
                    return Err(Problem::Malformed("repeats a mid"));
                }
            }
            "sendrecv" => section.direction = Direction::SendRecv,
            "sendonly" => section.direction = Direction::SendOnly,
            "recvonly" => section.direction = Direction::RecvOnly,
            "inactive" => section.direction = Direction::Inactive,
            "rtcp-mux" => section.rtcp_mux = true,
            "rtcp-rsize" => section.rtcp_rsize = true,
            "bundle-only" => section.bundle_only = true,
            "rtpmap" => {
                let (format, map) = section.format(value).ok_or(Problem::Malformed("is not an rtpmap"))?;
                if let Some(format) = format {
                    let (codec, rate) = rtpmap(map).ok_or(Problem::Malformed("is not an rtpmap"))?;
                    (format.codec, format.clock_rate) = (codec, rate);
                }
            }
            "fmtp" => {
                if let Some((Some(format), parameters)) = section.format(value) {
                    parameters.clone_into(&mut format.fmtp);
                }
            }
            "rtcp-fb" => {
                if let Some(feedback) = value.strip_prefix("* ") {
                    if self.feedback_for_all.len() < MAX_FEEDBACK {
                        self.feedback_for_all.push(feedback.to_owned());
                    }
                } else if let Some((Some(format), feedback)) = section.format(value)
                    && format.feedback.len() < MAX_FEEDBACK
                {
                    format.feedback.push(feedback.to_owned());
                }
            }
            "extmap" => section.extmap(value),
            "ssrc" => {
                let ssrc = value.split(' ').next().and_then(|word| word.parse().ok());
                let ssrc = ssrc.ok_or(Problem::Malformed("is not an SSRC"))?;
                if !section.ssrcs.contains(&ssrc) && section.ssrcs.len() < MAX_SSRCS {
                    section.ssrcs.push(ssrc);
                }
            }
            "ssrc-group" => {
                if let (Some(group), None) = (value.strip_prefix("FID "), section.fid) {
                    let mut ssrcs = group.split_ascii_whitespace().map(str::parse);
                    let (Some(Ok(media)), Some(Ok(rtx)), None) = (ssrcs.next(), ssrcs.next(), ssrcs.next())
                    else {
                        return Err(Problem::Malformed("is not a pair of SSRCs"));
                    };
                    section.fid = Some((media, rtx));
                }
            }
            "msid" => section.msid = Some(value.to_owned()),
            _ => {}
        }
        Ok(())
    }

    fn finish(mut self) -> Result<SessionDescription, SdpError> {
        self.end_section();
        if self.media.is_empty() {
            return Err(SdpError::Missing("a media line"));
        }
        let ice = IceCredentials {
            ufrag: self.ufrag.ok_or(SdpError::Missing("ice-ufrag"))?,
            pwd: self.pwd.ok_or(SdpError::Missing("ice-pwd"))?,
        };
        let transport = RemoteTransport {
            ice,
            ice_lite: self.ice_lite,
            fingerprint: self.fingerprint.ok_or(SdpError::Missing("a sha-256 fingerprint"))?,
            setup: self.setup.unwrap_or(Setup::Actpass),
            candidates: self.candidates,
            tcp_candidates: self.tcp_candidates,
        };
        Ok(SessionDescription { transport, bundle: self.bundle, media: self.media })
    }
}

impl MediaSection {
    /// Splits "<payload type> <rest>"; the format is `None` where the m-line does not name the payload type.
    fn format<'a>(&mut self, value: &'a str) -> Option<(Option<&mut PayloadFormat>, &'a str)> {
        let (payload_type, rest) = value.split_once(' ')?;
        let payload_type: u8 = payload_type.parse().ok()?;
        Some((self.formats.iter_mut().find(|f| f.payload_type == payload_type), rest.trim()))
    }

    fn extmap(&mut self, value: &str) {
        let mut words = value.split_ascii_whitespace();
        let (Some(id), Some(uri)) = (words.next(), words.next()) else { return };
        let (id, direction) = id.split_once('/').unwrap_or((id, ""));
        let id = id.parse().ok().filter(|id| *id != 0 && direction != "inactive");
        if let Some(id) = id.filter(|_| self.extensions.len() < MAX_EXTENSIONS) {
            self.extensions.push((id, uri.to_owned()));
        }
    }

    /// Whether this section takes part in the session.
    pub fn is_active(&self) -> bool {
        self.port != 0 || self.bundle_only
    }

    /// Id of a header extension by its URI.
    pub fn extension_id(&self, uri: &str) -> Option<u8> {
        self.extensions.iter().find(|(_, found)| found == uri).map(|(id, _)| *id)
    }
}

impl PayloadFormat {
    /// Value of one format parameter; names are compared without case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.fmtp.split(';').find_map(|parameter| {
            let (found, value) = parameter.trim().split_once('=')?;
            found.trim().eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub fn has_feedback(&self, feedback: &str) -> bool {
        self.feedback.iter().any(|found| found == feedback)
    }
}

/// "opus/48000/2" and the like.
fn rtpmap(map: &str) -> Option<(CodecName, u32)> {
    let mut parts = map.split('/');
    let name = parts.next()?;
    let rate = parts.next()?.trim().parse().ok()?;
    let known = [
        ("opus", CodecName::Opus),
        ("h264", CodecName::H264),
        ("vp8", CodecName::Vp8),
        ("rtx", CodecName::Rtx),
    ];
    let codec = known.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
    Some((codec.map_or(CodecName::Other, |(_, codec)| codec), rate))
}

/// Address of a UDP or passive TCP candidate of component 1, and whether it is TCP; names (mDNS) and other transports
/// give none (RFC 8839 §5.1, RFC 6544 §4.5).
fn candidate(value: &str) -> Option<(SocketAddr, bool)> {
    let mut words = value.split_ascii_whitespace();
    let (_foundation, component, transport) = (words.next()?, words.next()?, words.next()?);
    let (_priority, address, port) = (words.next()?, words.next()?, words.next()?);
    let tcp = transport.eq_ignore_ascii_case("tcp");
    if component != "1" || !(tcp || transport.eq_ignore_ascii_case("udp")) {
        return None;
    }
    if tcp && words.skip_while(|word| *word != "tcptype").nth(1) != Some("passive") {
        return None;
    }
    let address: IpAddr = address.parse().ok()?;
    Some((SocketAddr::new(address, port.parse().ok().filter(|port| *port != 0)?), tcp))
}

/// ice-char, and no more than 256 of them (RFC 8839 §5.4).
fn check_ice(value: &str, at_least: usize) -> Option<()> {
    let good =
        value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/' || b == b'-' || b == b'_');
    (good && (at_least..=256).contains(&value.len())).then_some(())
}

/// RFC 8866 §9, token.
fn is_token(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(&b))
}
