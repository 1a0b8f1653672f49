//! What is done again and again on a schedule.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// What is done again and again on a schedule.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Maintenance {
    /// Removes content that no repository version refers to, and its artifacts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orphan_cleanup: Option<OrphanCleanup>,
    /// Looks whether artifacts are there and whole, and fetches those that are not from where they came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<Repair>,
    /// Time zone of the schedules, for example `Europe/Prague`; that of the control plane if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: Option<String>,
}

/// Removal of content that no repository version refers to.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct OrphanCleanup {
    /// When, as cron has it: `30 2 * * 6`.
    #[schemars(length(min = 9, max = 100))]
    #[x_kube(validation = Rule::new("self.matches('^(@[a-z]+|([^ ]+ +){4}[^ ]+)$')").message("schedule must have five fields, as cron has them: minute, hour, day of the month, month, day of the week"))]
    pub schedule: String,
    /// What is younger stays (minutes); Pulp's own setting if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 5_256_000))]
    pub protection_minutes: Option<i32>,
}

/// A look at all artifacts.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Repair {
    /// When, as cron has it: `30 2 1 * *`.
    #[schemars(length(min = 9, max = 100))]
    #[x_kube(validation = Rule::new("self.matches('^(@[a-z]+|([^ ]+ +){4}[^ ]+)$')").message("schedule must have five fields, as cron has them: minute, hour, day of the month, month, day of the week"))]
    pub schedule: String,
    /// Whether each artifact is read and its checksum verified; otherwise only missing ones are found.
    #[serde(default = "yes")]
    pub verify_checksums: bool,
}

fn yes() -> bool {
    true
}
