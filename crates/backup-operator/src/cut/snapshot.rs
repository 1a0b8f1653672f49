//! Which transactions a database saw as finished.

use std::{collections::BTreeSet, str::FromStr};

/// What `pg_current_snapshot()` says: `xmin:xmax:xip`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// All from here on had not begun.
    next: u64,
    /// Those that ran.
    running: BTreeSet<u64>,
}

/// A text that is no snapshot.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not what pg_current_snapshot() says")]
pub struct Malformed(String);

impl FromStr for Snapshot {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = || Malformed(text.to_owned());
        let mut parts = text.splitn(3, ':');
        let mut part = || parts.next().ok_or_else(malformed);
        let number = |text: &str| text.parse::<u64>().map_err(|_| malformed());
        number(part()?)?;
        let next = number(part()?)?;
        let running = part()?.split(',').filter(|id| !id.is_empty()).map(number).collect::<Result<_, _>>()?;
        Ok(Self { next, running })
    }
}

impl Snapshot {
    /// Whether nothing has finished between this and a later look. Transactions that only read have no number, and do not matter.
    pub fn still(&self, later: &Self) -> bool {
        let runs = |id: &u64| later.running.contains(id);
        self.running.iter().all(runs) && (self.next..later.next).all(|id| runs(&id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn still(one: &str, later: &str) -> bool {
        one.parse::<Snapshot>().unwrap().still(&later.parse().unwrap())
    }

    #[test]
    fn nothing_finished_if_all_that_ran_and_all_that_began_still_run() {
        assert!(still("10:10:", "10:10:"));
        assert!(still("10:12:10,11", "10:12:10,11"));
        assert!(still("10:12:10,11", "10:14:10,11,12,13"), "two have begun");
    }

    #[test]
    fn something_finished_if_one_is_missing_from_the_later_look() {
        assert!(!still("10:12:10,11", "11:12:11"), "10 has finished");
        assert!(!still("10:10:", "11:11:"), "10 has begun and finished");
        assert!(!still("10:12:10", "10:15:10,12,14"), "13 has begun and finished");
    }

    #[test]
    fn what_is_no_snapshot_is_refused() {
        for text in ["", "1:2", "a:b:", "1:2:x", "1:-2:"] {
            assert!(text.parse::<Snapshot>().is_err(), "{text}");
        }
    }
}
