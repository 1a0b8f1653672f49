//! Passes the library's progress on.

use rustic_core::{ProgressBars, ProgressType, RusticProgress};

use super::Progress;

/// For the library: what counts bytes counts in ours.
#[derive(Debug)]
pub struct Bars(pub Progress);

#[derive(Debug)]
struct Bar(Progress);

impl ProgressBars for Bars {
    fn progress(&self, kind: ProgressType, _prefix: &str) -> rustic_core::Progress {
        match kind {
            ProgressType::Bytes => rustic_core::Progress::new(Bar(self.0.clone())),
            _ => rustic_core::Progress::hidden(),
        }
    }
}

impl RusticProgress for Bar {
    fn is_hidden(&self) -> bool {
        false
    }

    fn set_length(&self, bytes: u64) {
        self.0.expect(self.0.files_total(), bytes);
    }

    fn set_title(&self, _title: &str) {}

    fn inc(&self, bytes: u64) {
        self.0.add(bytes);
    }

    fn finish(&self) {}
}
