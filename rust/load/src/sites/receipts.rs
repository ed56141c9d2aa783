//! What a site does with messages: its page acknowledges each by itself, its clerk answers those that ask for it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A page gathers what comes within this time, and acknowledges a message to all up to so much later: ten thousand must
/// not do so in one millisecond.
const GATHER: Duration = Duration::from_millis(100);
const SPREAD: Duration = Duration::from_millis(400);
/// A clerk needs so long at least to answer.
const READING: Duration = Duration::from_secs(1);
/// Acknowledgements and answers that wait for the server's word; further ones are not timed.
const TIMED: usize = 64;

/// What the server's `ack` of a command says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// The message was stored at this moment (by the event's time), and the acknowledgement is.
    Got(Instant),
    /// The answer, sent at this moment, is.
    Answer(Instant),
}

/// One command that is due.
#[derive(Debug)]
struct Due {
    at: Instant,
    kind: &'static str,
    message: String,
    timed: Stored,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Receipts {
    due: Vec<Due>,
    waiting: HashMap<String, Stored>,
}

impl Receipts {
    /// A `message_posted` event that was stored at `posted`; who answers takes up to `patience`.
    pub fn posted(&mut self, data: &Value, posted: Instant, now: Instant, patience: Duration) {
        let (Some(id), true) = (data["id"].as_str(), data["from"]["kind"] == "person") else { return };
        let spread = if data["to"] == "all" { SPREAD.mul_f64(fastrand::f64()) } else { Duration::ZERO };
        let wait = GATHER + spread;
        let due = |at, kind, timed| Due { at, kind, message: id.to_owned(), timed };
        self.due.push(due(now + wait, "message.got", Stored::Got(posted)));
        if data["ask"] == true {
            let at = now + READING + patience.mul_f64(fastrand::f64());
            self.due.push(due(at, "message.answer", Stored::Answer(at)));
        }
    }

    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.due.iter().map(|due| due.at).min()
    }

    /// The commands that are due, as the protocol writes them; `new_id` names each.
    pub fn take(&mut self, meeting: &str, now: Instant, mut new_id: impl FnMut() -> String) -> Vec<Value> {
        let (due, later) = std::mem::take(&mut self.due).into_iter().partition(|due: &Due| due.at <= now);
        self.due = later;
        let command = |due: Due| {
            let id = new_id();
            let timed = match due.timed {
                Stored::Answer(_) => Stored::Answer(now),
                got @ Stored::Got(_) => got,
            };
            if self.waiting.len() < TIMED {
                self.waiting.insert(id.clone(), timed);
            }
            let message = if due.kind == "message.got" {
                json!({"messages": [due.message]})
            } else {
                json!({"message": due.message})
            };
            let mut command = json!({"op": "cmd", "id": id, "type": due.kind, "meeting": meeting});
            if let (Value::Object(command), Value::Object(message)) = (&mut command, message) {
                command.extend(message);
            }
            command
        };
        Vec::into_iter(due).map(command).collect()
    }

    /// The server has answered the command of this id.
    pub fn acknowledged(&mut self, id: &str) -> Option<Stored> {
        self.waiting.remove(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_to_all_is_acknowledged_once_and_answered_when_it_asks() {
        let (mut receipts, now) = (Receipts::default(), Instant::now());
        let message = |ask| json!({"id": "t_1", "to": "all", "from": {"kind": "person"}, "ask": ask});
        receipts.posted(&message(true), now, now, Duration::from_secs(5));
        let mut ids = 0;
        let mut new_id = || {
            ids += 1;
            ids.to_string()
        };
        assert!(receipts.next_due().is_some_and(|at| at >= now + GATHER && at <= now + GATHER + SPREAD));
        let got = receipts.take("m_1", now + GATHER + SPREAD, &mut new_id);
        assert_eq!((got.len(), got[0]["type"].as_str()), (1, Some("message.got")));
        assert_eq!(got[0]["messages"], json!(["t_1"]));
        let end = now + Duration::from_secs(6);
        let answer = receipts.take("m_1", end, &mut new_id);
        assert_eq!((answer.len(), answer[0]["message"].as_str()), (1, Some("t_1")));
        assert!(receipts.take("m_1", end, &mut new_id).is_empty() && receipts.next_due().is_none());
        assert_eq!(receipts.acknowledged("1"), Some(Stored::Got(now)));
        assert_eq!(receipts.acknowledged("2"), Some(Stored::Answer(end)));
        assert_eq!(receipts.acknowledged("2"), None);
    }

    #[test]
    fn what_sites_write_to_the_desk_is_not_acknowledged() {
        let (mut receipts, now) = (Receipts::default(), Instant::now());
        let mut site = json!({"id": "t_1", "to": "all", "from": {"kind": "site"}, "ask": false});
        receipts.posted(&site, now, now, SPREAD);
        site["id"] = Value::Null;
        receipts.posted(&site, now, now, SPREAD);
        receipts.posted(&json!({"n": 3}), now, now, SPREAD);
        assert!(receipts.next_due().is_none());
    }
}
