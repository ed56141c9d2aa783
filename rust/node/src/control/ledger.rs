//! Idempotence by id: what was answered is answered alike again, without acting again.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use diemcau_control::REMEMBERED;

/// Most bytes of replies kept; the oldest go first, so fewer than [`REMEMBERED`] may be kept when they are long. Asked for
/// again is what was answered into a link that broke at that moment: a thousand answers to offers are some seconds of a
/// crowd's coming in.
pub const MAX_BYTES: usize = 8 << 20;

/// What is known of a command's id.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    /// Never seen; it is noted as begun now.
    New,
    /// Begun and not answered; this asker is answered too.
    Begun,
    /// Answered with this line.
    Answered(Arc<str>),
}

enum Entry {
    /// Links that wait for the answer.
    Begun(Vec<u64>),
    Answered(Arc<str>),
}

/// Ids and their replies.
#[derive(Default)]
pub struct Ledger {
    entries: HashMap<Arc<str>, Entry>,
    answered: VecDeque<Arc<str>>,
    bytes: usize,
    begun: usize,
}

impl Ledger {
    /// A command with this id came over `link`.
    pub fn begin(&mut self, id: &str, link: u64) -> Seen {
        match self.entries.get_mut(id) {
            Some(Entry::Answered(line)) => Seen::Answered(Arc::clone(line)),
            Some(Entry::Begun(links)) => {
                if !links.contains(&link) {
                    links.push(link);
                }
                Seen::Begun
            }
            None => {
                self.entries.insert(Arc::from(id), Entry::Begun(vec![link]));
                self.begun += 1;
                Seen::New
            }
        }
    }

    /// Its answer, as a line; returns the links that wait for it.
    pub fn answer(&mut self, id: &str, line: &Arc<str>) -> Vec<u64> {
        let Some((key, Entry::Begun(links))) = self.entries.remove_entry(id) else { return Vec::new() };
        self.begun -= 1;
        self.bytes += line.len() + key.len();
        self.answered.push_back(Arc::clone(&key));
        self.entries.insert(key, Entry::Answered(Arc::clone(line)));
        while self.answered.len() > REMEMBERED || self.bytes > MAX_BYTES {
            let Some(oldest) = self.answered.pop_front() else { break };
            if let Some(Entry::Answered(line)) = self.entries.remove(&oldest) {
                self.bytes -= line.len() + oldest.len();
            }
        }
        links
    }

    /// Commands without an answer yet.
    pub fn begun(&self) -> usize {
        self.begun
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_acts_once_and_answers_whoever_asks() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.begin("a", 1), Seen::New);
        assert_eq!(ledger.begin("a", 2), Seen::Begun);
        assert_eq!(ledger.begin("a", 2), Seen::Begun);
        let line: Arc<str> = Arc::from("{}");
        assert_eq!(ledger.answer("a", &line), [1, 2]);
        assert_eq!(ledger.begin("a", 3), Seen::Answered(line));
        assert_eq!(ledger.begun(), 0);
    }

    #[test]
    fn memory_is_bounded_by_count_and_by_bytes() {
        let mut ledger = Ledger::default();
        let line: Arc<str> = Arc::from("x".repeat(100));
        for n in 0..REMEMBERED + 10 {
            ledger.begin(&n.to_string(), 1);
            ledger.answer(&n.to_string(), &line);
        }
        assert_eq!(ledger.begin("3", 1), Seen::New, "forgotten");
        assert_eq!(ledger.entries.len(), REMEMBERED + 1);
        let long: Arc<str> = Arc::from("y".repeat(1 << 20));
        for n in 0..100 {
            ledger.begin(&format!("long{n}"), 1);
            ledger.answer(&format!("long{n}"), &long);
        }
        assert!(ledger.bytes <= MAX_BYTES);
    }
}
