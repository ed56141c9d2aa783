//! What a network does to packets, as people and scripts say it.

use serde::{Deserialize, Serialize};

/// Which way a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the client to the node.
    Up,
    /// From the node to the client.
    Down,
}

/// Loss in bursts: a Gilbert-Elliott chain that steps once a packet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// Chance that a good link turns bad, a packet.
    pub enter: f64,
    /// Chance that a bad link turns good, a packet; a burst is `1 / leave` packets long on average.
    pub leave: f64,
    /// Share lost while bad, 0 to 1.
    #[serde(default = "all")]
    pub loss: f64,
}

fn all() -> f64 {
    1.0
}

/// A time in which nothing gets through, seconds since the emulator began; with `every`, again and again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    pub from_s: f64,
    pub for_s: f64,
    #[serde(default)]
    pub every_s: Option<f64>,
}

/// One direction. The default is a perfect line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Conditions {
    /// Share of packets lost at random, 0 to 1.
    pub loss: f64,
    pub burst: Option<Burst>,
    /// One-way delay, milliseconds.
    pub delay_ms: f64,
    /// Up to this much more, uniform; keeps the order of packets. Milliseconds.
    pub jitter_ms: f64,
    /// Rate of the line, kbit/s, each client's own; none: unlimited.
    pub rate_kbps: Option<f64>,
    /// Longest wait in front of the line; what would wait longer is dropped. Milliseconds.
    pub queue_ms: f64,
    /// Share of packets that later ones overtake, 0 to 1.
    pub reorder: f64,
    /// How much later an overtaken packet comes, milliseconds.
    pub reorder_ms: f64,
    /// Share that comes twice, 0 to 1.
    pub duplicate: f64,
    /// At most 64.
    pub outages: Vec<Outage>,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            loss: 0.0,
            burst: None,
            delay_ms: 0.0,
            jitter_ms: 0.0,
            rate_kbps: None,
            queue_ms: 300.0,
            reorder: 0.0,
            reorder_ms: 20.0,
            duplicate: 0.0,
            outages: Vec::new(),
        }
    }
}

/// Both directions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    pub up: Conditions,
    pub down: Conditions,
}

impl Conditions {
    /// What is wrong with the numbers, if anything.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let share = |name: &str, value: f64| {
            (!(0.0..=1.0).contains(&value)).then(|| format!("{name} is a share, 0 to 1, not {value}"))
        };
        let span = |name: &str, value: f64| {
            (!(0.0..=60_000.0).contains(&value)).then(|| format!("{name} is 0 to 60,000 ms, not {value}"))
        };
        let burst = self.burst.unwrap_or(Burst { enter: 0.0, leave: 1.0, loss: 1.0 });
        let rate = self.rate_kbps.filter(|rate| !(1.0..=1e9).contains(rate));
        let outage = |o: &Outage| {
            let sane = |v: f64| (0.0..=1e7).contains(&v);
            !(sane(o.from_s) && sane(o.for_s) && o.every_s.is_none_or(|e| sane(e) && e > o.for_s))
        };
        share("loss", self.loss)
            .or_else(|| share("burst.enter", burst.enter))
            .or_else(|| share("burst.leave", burst.leave))
            .or_else(|| share("burst.loss", burst.loss))
            .or_else(|| share("reorder", self.reorder))
            .or_else(|| share("duplicate", self.duplicate))
            .or_else(|| span("delay_ms", self.delay_ms))
            .or_else(|| span("jitter_ms", self.jitter_ms))
            .or_else(|| span("queue_ms", self.queue_ms))
            .or_else(|| span("reorder_ms", self.reorder_ms))
            .or_else(|| rate.map(|rate| format!("rate_kbps is at least 1, not {rate}")))
            .or_else(|| (self.outages.len() > 64).then(|| "more than 64 outages".to_owned()))
            .or_else(|| self.outages.iter().any(outage).then(|| "an outage's times make no sense".to_owned()))
    }
}

impl Profile {
    /// Reads `loss=0.05,delay_ms=40,down.rate_kbps=800` (without `up.` or `down.`: both ways), or a JSON document.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let profile = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| error.to_string())?
        } else {
            Self::parse_pairs(text)?
        };
        profile.checked()
    }

    /// # Errors
    /// A sentence that says which number is out of its range.
    pub fn checked(self) -> Result<Self, String> {
        match self.up.problem().or_else(|| self.down.problem()) {
            Some(problem) => Err(problem),
            None => Ok(self),
        }
    }

    fn parse_pairs(text: &str) -> Result<Self, String> {
        let mut both = serde_json::json!({"up": {}, "down": {}});
        for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
            let (name, value) = pair.split_once('=').ok_or_else(|| format!("not name=value: {pair}"))?;
            let value: f64 = value.trim().parse().map_err(|_| format!("not a number: {pair}"))?;
            let name = name.trim();
            let (ways, name): (&[&str], &str) = match name.split_once('.') {
                Some(("up", rest)) => (&["up"], rest),
                Some(("down", rest)) => (&["down"], rest),
                _ => (&["up", "down"], name),
            };
            for way in ways {
                both[*way][name] = value.into();
            }
        }
        serde_json::from_value(both).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_said_in_a_line() {
        let profile = Profile::parse("loss=0.05, down.delay_ms=40").unwrap();
        assert_eq!((profile.up.loss, profile.down.loss), (0.05, 0.05));
        assert_eq!((profile.up.delay_ms, profile.down.delay_ms), (0.0, 40.0));
        let json =
            r#"{"down": {"burst": {"enter": 0.01, "leave": 0.3}, "outages": [{"from_s": 1, "for_s": 2}]}}"#;
        assert_eq!(Profile::parse(json).unwrap().down.burst.unwrap().loss, 1.0);
        assert_eq!(Profile::parse("").unwrap(), Profile::default());
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in
            ["loss=2", "loss", "loss=x", "nothing=1", "delay_ms=-1", "rate_kbps=0", "{", r#"{"up":{"x":1}}"#]
        {
            assert!(Profile::parse(bad).is_err(), "{bad}");
        }
    }
}
