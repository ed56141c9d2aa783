//! What a site reads of the WebSocket's messages (`docs/protocol.md`); everything else is ignored, as it says.

use serde::Deserialize;
use serde_json::Value;

/// From the server.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum FromServer {
    Welcome {
        you: Option<You>,
        /// Seconds between two snapshots of a site.
        #[serde(default)]
        picture_s: Option<f64>,
    },
    You {
        you: You,
    },
    Snap {
        stream: String,
        seq: u64,
        state: Value,
    },
    Ev {
        stream: String,
        seq: u64,
        #[serde(rename = "type")]
        kind: String,
        at: String,
        #[serde(default)]
        data: Value,
    },
    /// Media connections of this site that have ended, by the server's names.
    Gone {
        #[serde(default)]
        viewers: Vec<String>,
        #[serde(default)]
        publishers: Vec<String>,
        /// False: a new viewer is to be opened when the server says that it is this site's turn.
        #[serde(default = "yes")]
        turn: bool,
    },
    /// Where this site stands in the queue at the door; place 0 is its turn.
    Wait {
        place: u32,
    },
    /// All media connections of this site that exist; what it holds beside them has ended unseen.
    Standing {
        #[serde(default)]
        viewers: Vec<String>,
        #[serde(default)]
        publishers: Vec<String>,
    },
    Beat {
        /// Seconds between two snapshots of a site.
        #[serde(default)]
        picture_s: Option<f64>,
    },
    Ack {
        #[serde(default)]
        id: String,
    },
    /// The answer of `viewer`.
    Opened {
        id: String,
        viewer: String,
        answer: String,
    },
    Nack {
        #[serde(default)]
        id: String,
        problem: Problem,
    },
    #[serde(other)]
    Other,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
pub struct Problem {
    #[serde(default)]
    pub code: String,
}

/// What this site is now to do.
#[derive(Debug, Clone, Deserialize)]
pub struct You {
    #[serde(default)]
    pub meetings: Vec<Meeting>,
    #[serde(rename = "in", default)]
    pub inside: Option<String>,
    #[serde(default)]
    pub publish: Option<Value>,
    #[serde(default)]
    pub state: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Meeting {
    pub id: String,
    #[serde(default)]
    pub status: String,
}

/// Unix time in milliseconds of `2021-09-05T01:30:00.000Z`; none for another form.
pub fn unix_ms(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut clock = clock.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let in_range = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    if !in_range || fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    // Days from the civil calendar, with years that begin in March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era_year = shifted % 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days =
        shifted / 400 * 146_097 + era_year * 365 + era_year / 4 - era_year / 100 + day_of_year - 719_468;
    u64::try_from(((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + millis).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_and_unknown_ones_ignored() {
        let read = |text: &str| serde_json::from_str::<FromServer>(text).unwrap();
        let FromServer::You { you } = read(
            r#"{"op":"you","you":{"meetings":[{"id":"m_1","status":"open","title":"x"}],"in":"m_1","publish":{"audio":true,"video":true},"state":"on_air","mic":"open"}}"#,
        ) else {
            panic!()
        };
        assert!(you.publish.is_some() && you.inside.as_deref() == Some("m_1"));
        assert!(matches!(
            read(r#"{"op":"gone","viewers":["m_1:a"],"publishers":[],"reason":"restarted"}"#),
            FromServer::Gone { viewers, publishers, turn: true } if viewers == ["m_1:a"] && publishers.is_empty()
        ));
        assert!(matches!(
            read(r#"{"op":"standing","viewers":[],"publishers":["m_1:b"]}"#),
            FromServer::Standing { viewers, publishers } if viewers.is_empty() && publishers == ["m_1:b"]
        ));
        assert!(matches!(
            read(r#"{"op":"beat","heads":{},"now":"x"}"#),
            FromServer::Beat { picture_s: None }
        ));
        assert!(matches!(
            read(r#"{"op":"wait","place":7,"of":90,"seconds":3}"#),
            FromServer::Wait { place: 7 }
        ));
        assert!(matches!(read(r#"{"op":"eph","stream":"s","topic":"x","data":1}"#), FromServer::Other));
        assert!(matches!(read(r#"{"op":"something new"}"#), FromServer::Other));
    }

    #[test]
    fn times_are_read() {
        assert_eq!(unix_ms("1970-01-01T00:00:00.000Z"), Some(0));
        assert_eq!(unix_ms("2021-09-05T01:30:00.250Z"), Some(1_630_805_400_250));
        assert_eq!(unix_ms("2024-02-29T23:59:59.5Z"), Some(1_709_251_199_500));
        for bad in [
            "",
            "2021-09-05",
            "2021-13-05T01:30:00.000Z",
            "2021-09-05T01:30:00.000",
            "2021-09-05T01:30:00.xZ",
        ] {
            assert_eq!(unix_ms(bad), None, "{bad}");
        }
    }
}
