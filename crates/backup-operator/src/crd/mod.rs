//! What can be written: five cluster-scoped kinds, and what they share.

mod backup;
mod drill;
mod restore;
mod schedule;
mod storage;

use std::fmt;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use backup::{
    Backup, BackupSpec, BackupStatus, Cut, DeletionPolicy, Instance, Phase, Progress, Selection, Stored,
};
pub use drill::{Drilled, Probe, Probed, RestoreDrill, RestoreDrillSpec, RestoreDrillStatus};
pub use restore::{Mapping, Restore, RestorePhase, RestoreSpec, RestoreStatus, Restored};
pub use schedule::{BackupSchedule, BackupScheduleSpec, BackupScheduleStatus, Concurrency, Retention};
pub use storage::{
    Azure, BackupStorage, BackupStorageSpec, BackupStorageStatus, Gcs, Maintenance, S3, Volume,
};

/// A custom resource of one of the services.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    /// Its kind, for example `Pulp`.
    #[schemars(length(min = 1, max = 63))]
    pub kind: String,
    /// Its namespace.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// Its name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// A key of a Secret in the operator's namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecretName {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// The name of another of our custom resources.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// A time as the API writes it: without fractions.
pub fn now() -> Time {
    Time(Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default())
}

/// Sets a condition; its time stays while its status does.
pub fn condition(
    conditions: &mut Vec<Condition>,
    generation: Option<i64>,
    type_: &str,
    status: bool,
    reason: &str,
    message: impl Into<String>,
) {
    let status = if status { "True" } else { "False" };
    let same = |old: &&Condition| old.type_ == type_ && old.status == status;
    let since = conditions.iter().find(same).map_or_else(now, |old| old.last_transition_time.clone());
    conditions.retain(|old| old.type_ != type_);
    conditions.push(Condition {
        type_: type_.into(),
        status: status.into(),
        reason: reason.into(),
        message: message.into().chars().take(2000).collect(),
        observed_generation: generation,
        last_transition_time: since,
    });
    conditions.sort_by(|one, other| one.type_.cmp(&other.type_));
}

/// Whether a condition is true.
pub fn holds(conditions: &[Condition], type_: &str) -> bool {
    conditions.iter().any(|condition| condition.type_ == type_ && condition.status == "True")
}

/// How long something may take, as Go writes it: `90s`, `15m`, `6h`.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(transparent)]
pub struct Span(#[schemars(regex(pattern = "^[1-9][0-9]{0,5}(s|m|h)$"))] pub String);

impl Default for Span {
    fn default() -> Self {
        Self("6h".into())
    }
}

impl Span {
    /// In seconds.
    pub fn seconds(&self) -> i64 {
        let (number, unit) = self.0.split_at(self.0.len().saturating_sub(1));
        let unit = match unit {
            "h" => 3600,
            "m" => 60,
            _ => 1,
        };
        number.parse::<i64>().unwrap_or_default() * unit
    }
}
