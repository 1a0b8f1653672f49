//! Which sets stay: grandfather, father, son, and the last that were proven.

use jiff::{Timestamp, Zoned, tz::TimeZone};

use crate::crd::Retention;

/// A complete set.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// The instant that it shows.
    pub at: Timestamp,
    /// A drill has restored it.
    pub verified: bool,
}

/// What a time's hour, day, week, month or year is called.
type Period = fn(&Zoned) -> String;

/// For each set, oldest first, whether it stays.
pub fn stay(sets: &[Kept], retention: &Retention, zone: &TimeZone) -> Vec<bool> {
    let mut stay = vec![false; sets.len()];
    let rules: [(i32, Period); 5] = [
        (retention.hourly, |time| time.strftime("%Y-%m-%d %H").to_string()),
        (retention.daily, |time| time.strftime("%Y-%m-%d").to_string()),
        // Of the ISO week: the last days of December may belong to the next year's first.
        (retention.weekly, |time| time.strftime("%G-%V").to_string()),
        (retention.monthly, |time| time.strftime("%Y-%m").to_string()),
        (retention.yearly, |time| time.strftime("%Y").to_string()),
    ];
    for (many, period) in rules {
        let (mut left, mut last) = (many, String::new());
        for (set, stays) in sets.iter().zip(&mut stay).rev() {
            let period = period(&set.at.to_zoned(zone.clone()));
            if left > 0 && period != last {
                *stays = true;
                left -= 1;
                last = period;
            }
        }
    }
    let verified = sets.iter().zip(&mut stay).rev().filter(|(set, _)| set.verified);
    // The newest that is proven never goes, whatever is written.
    for (_, stays) in verified.take(usize::try_from(retention.verified).unwrap_or(1).max(1)) {
        *stays = true;
    }
    if let Some(newest) = stay.last_mut() {
        *newest = true;
    }
    stay
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(times: &[(&str, bool)]) -> Vec<Kept> {
        times.iter().map(|(at, verified)| Kept { at: at.parse().unwrap(), verified: *verified }).collect()
    }

    fn rule(hourly: i32, daily: i32, weekly: i32, monthly: i32) -> Retention {
        Retention { hourly, daily, weekly, monthly, yearly: 0, verified: 1 }
    }

    #[test]
    fn the_last_of_each_day_week_and_month_stays() {
        let sets = sets(&[
            ("2026-09-30T10:00:00Z", false),
            ("2026-10-30T10:00:00Z", false),
            ("2026-11-01T10:00:00Z", false),
            ("2026-11-02T01:00:00Z", false),
            ("2026-11-02T02:00:00Z", false),
            ("2026-11-03T02:00:00Z", false),
        ]);
        assert_eq!(stay(&sets, &rule(0, 2, 0, 0), &TimeZone::UTC), [false, false, false, false, true, true]);
        assert_eq!(stay(&sets, &rule(0, 0, 2, 0), &TimeZone::UTC), [false, false, true, false, false, true]);
        assert_eq!(stay(&sets, &rule(0, 0, 0, 3), &TimeZone::UTC), [true, true, false, false, false, true]);
        assert_eq!(stay(&sets, &rule(2, 0, 0, 0), &TimeZone::UTC), [false, false, false, false, true, true]);
    }

    #[test]
    fn the_last_proven_one_and_the_newest_never_go() {
        let sets = sets(&[
            ("2026-01-01T10:00:00Z", true),
            ("2026-02-01T10:00:00Z", true),
            ("2026-03-01T10:00:00Z", false),
            ("2026-04-01T10:00:00Z", false),
        ]);
        assert_eq!(stay(&sets, &rule(0, 0, 0, 0), &TimeZone::UTC), [false, true, false, true]);
        let two = Retention { verified: 2, ..rule(0, 0, 0, 0) };
        assert_eq!(stay(&sets, &two, &TimeZone::UTC), [true, true, false, true]);
        assert!(stay(&[], &two, &TimeZone::UTC).is_empty());
    }

    #[test]
    fn days_are_those_of_the_time_zone() {
        let sets = sets(&[("2026-11-02T22:30:00Z", false), ("2026-11-02T23:30:00Z", false)]);
        let prague = TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(stay(&sets, &rule(0, 2, 0, 0), &TimeZone::UTC), [false, true]);
        assert_eq!(stay(&sets, &rule(0, 2, 0, 0), &prague), [true, true]);
    }
}
