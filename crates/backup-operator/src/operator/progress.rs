//! How far a run is, in numbers and in words for people.

use jiff::Timestamp;

use crate::crd::{BackupStatus, Progress};

/// What has been copied of how much, over all movers.
pub fn progress(members: impl Iterator<Item = (u64, u64, u64)>, status: &BackupStatus) -> Progress {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let (mut bytes, mut total, mut files) = (0, 0, 0);
    for (done, all, count) in members {
        bytes += number(done);
        total += number(all.max(done));
        files += number(count);
    }
    for stored in status.instances.iter().flat_map(|one| &one.stored) {
        bytes += stored.bytes;
        total += stored.bytes;
        files += stored.files;
    }
    let percent = if total > 0 { i32::try_from(bytes * 100 / total).unwrap_or(100) } else { 0 };
    let begun = status.cut.as_ref().map_or_else(Timestamp::now, |cut| cut.at.0);
    let took = Timestamp::now().duration_since(begun).as_secs();
    let time_left =
        if bytes > 0 && total > bytes { span(took * (total - bytes) / bytes) } else { String::new() };
    Progress { bytes, total, files, percent, time_left }
}

/// Seconds, for people.
fn span(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        _ => format!("{}h{}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Bytes, for people.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn size(bytes: i64) -> String {
    let mut amount = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
        if amount < 1024.0 {
            return format!("{amount:.1} {unit}");
        }
        amount /= 1024.0;
    }
    format!("{amount:.1} PiB")
}
