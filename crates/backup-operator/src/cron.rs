//! Times at which something is due.

use jiff::{Timestamp, tz::TimeZone};

/// Five fields of cron, on somebody's clock.
#[derive(Debug)]
pub struct Cron {
    tab: cronexpr::Crontab,
    /// Whose clock.
    pub zone: TimeZone,
}

/// How many that were missed are looked at; more than a month of minutes.
const MISSED: usize = 50_000;

impl Cron {
    /// From `spec.schedule` and `spec.timeZone`; an error names the field.
    pub fn parse(schedule: &str, zone: &str) -> Result<Self, String> {
        let time_zone = TimeZone::get(zone).map_err(|_| {
            format!(
                "spec.timeZone: there is no time zone \"{zone}\"; one of the IANA database is Europe/Prague"
            )
        })?;
        if schedule.split_whitespace().count() != 5 {
            return Err(format!(
                "spec.schedule: \"{schedule}\" must have five fields: minute, hour, day of month, month, day of week"
            ));
        }
        let tab = cronexpr::parse_crontab(&format!("{schedule} {zone}")).map_err(|error| {
            format!("spec.schedule: \"{schedule}\": {}", error.to_string().lines().last().unwrap_or_default())
        })?;
        Ok(Self { tab, zone: time_zone })
    }

    /// The first after a time.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let time = self.tab.find_next(cronexpr::MakeTimestamp(after)).ok()?;
        Some(time.timestamp())
    }

    /// The last that is after `since` and not after `until`.
    pub fn last_between(&self, since: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let mut last = None;
        let mut at = since;
        for _ in 0..MISSED {
            match self.next(at) {
                Some(next) if next <= until => (last, at) = (Some(next), next),
                _ => break,
            }
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn it_is_due_on_the_clock_of_the_time_zone_also_when_that_is_put_forward() {
        let cron = Cron::parse("30 3 * * *", "Europe/Prague").unwrap();
        assert_eq!(cron.next(time("2026-01-10T00:00:00Z")), Some(time("2026-01-10T02:30:00Z")));
        assert_eq!(cron.next(time("2026-07-10T00:00:00Z")), Some(time("2026-07-10T01:30:00Z")));
    }

    #[test]
    fn of_those_that_were_missed_the_last_counts() {
        let cron = Cron::parse("0 * * * *", "UTC").unwrap();
        let since = time("2026-01-10T00:10:00Z");
        assert_eq!(cron.last_between(since, time("2026-01-10T00:59:59Z")), None);
        assert_eq!(
            cron.last_between(since, time("2026-01-10T05:20:00Z")),
            Some(time("2026-01-10T05:00:00Z"))
        );
    }

    #[test]
    fn what_cannot_be_read_names_the_field() {
        for (schedule, zone, says) in [
            ("0 3 * *", "UTC", "spec.schedule: \"0 3 * *\" must have five fields"),
            ("61 3 * * *", "UTC", "spec.schedule: \"61 3 * * *\""),
            ("0 3 * * *", "Mars/Olympus", "spec.timeZone: there is no time zone"),
        ] {
            let error = Cron::parse(schedule, zone).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
