//! Backups at regular times, and how long they stay.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BackupSpec, Span};

/// Backups at regular times, and how long they stay.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "backup.theforeman.org",
    version = "v1alpha1",
    kind = "BackupSchedule",
    plural = "backupschedules",
    shortname = "bks",
    category = "theforeman-backup",
    status = "BackupScheduleStatus",
    doc = "Backups at regular times, and how long they stay.",
    validation = Rule::new("self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?$')").message("metadata.name must have only lower-case letters, digits and dashes, and be at most 50 characters long: names of its Backups are made from it"),
    derive = "Default",
    derive = "PartialEq",
    printcolumn(name = "Schedule", type_ = "string", json_path = ".spec.schedule"),
    printcolumn(name = "Suspend", type_ = "boolean", json_path = ".spec.suspend"),
    printcolumn(name = "Last", type_ = "date", json_path = ".status.lastCompletedAt"),
    printcolumn(name = "Next", type_ = "string", json_path = ".status.nextAt"),
    printcolumn(name = "Kept", type_ = "integer", json_path = ".status.kept"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[cfg_attr(test, kube(cel))]
#[serde(rename_all = "camelCase")]
pub struct BackupScheduleSpec {
    /// When: five fields of cron.
    #[schemars(length(min = 9, max = 128))]
    pub schedule: String,
    /// Whose clock it means, as in the IANA database: `Europe/Prague`.
    #[serde(default = "utc")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: String,
    /// It begins up to this much later, at random but for each run the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Span>,
    /// No new backups; what is there stays.
    #[serde(default)]
    pub suspend: bool,
    /// When one is still running at the time of the next.
    #[serde(default)]
    pub concurrency: Concurrency,
    /// How long backups stay.
    #[serde(default)]
    pub retention: Retention,
    /// What is backed up, and where to.
    pub template: BackupSpec,
}

fn utc() -> String {
    "UTC".into()
}

/// When one is still running at the time of the next.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Concurrency {
    /// The next one is left out.
    #[default]
    Forbid,
    /// The one that runs is canceled.
    Replace,
    /// Both run.
    Allow,
}

/// How long backups stay: grandfather, father, son. The last verified ones stay, whatever else is said.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    /// The last of each of so many hours that have one.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10000))]
    pub hourly: i32,
    /// The last of each of so many days.
    #[serde(default = "number::<7>")]
    #[schemars(range(min = 0, max = 10000))]
    pub daily: i32,
    /// The last of each of so many weeks.
    #[serde(default = "number::<4>")]
    #[schemars(range(min = 0, max = 10000))]
    pub weekly: i32,
    /// The last of each of so many months.
    #[serde(default = "number::<12>")]
    #[schemars(range(min = 0, max = 10000))]
    pub monthly: i32,
    /// The last of each of so many years.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1000))]
    pub yearly: i32,
    /// At least so many that a drill has restored stay, the newest ones.
    #[serde(default = "number::<1>")]
    #[schemars(range(min = 1, max = 1000))]
    pub verified: i32,
}

fn number<const N: i32>() -> i32 {
    N
}

impl Default for Retention {
    fn default() -> Self {
        Self { hourly: 0, daily: 7, weekly: 4, monthly: 12, yearly: 0, verified: 1 }
    }
}

/// What is known of a schedule.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BackupScheduleStatus {
    /// The generation that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready`: the schedule can be followed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".to_string()]))]
    pub conditions: Vec<Condition>,
    /// The last time that was served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Time>,
    /// When one was last completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_completed_at: Option<Time>,
    /// When the next one is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Time>,
    /// How many complete ones there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<i64>,
}
