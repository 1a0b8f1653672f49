//! One run, and what came of it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Named, Reference, Span};

/// One backup of services of this cluster: one instant over all their databases, and everything that the databases name.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "backup.theforeman.org",
    version = "v1alpha1",
    kind = "Backup",
    plural = "backups",
    shortname = "bk",
    category = "theforeman-backup",
    status = "BackupStatus",
    doc = "One backup of services of this cluster: one instant over all their databases, and everything that the databases name.",
    validation = Rule::new("self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')").message("metadata.name must have only lower-case letters, digits and dashes, and be at most 63 characters long: it is a label of what it makes"),
    derive = "Default",
    derive = "PartialEq",
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Percent", type_ = "integer", json_path = ".status.progress.percent"),
    printcolumn(name = "Left", type_ = "string", json_path = ".status.progress.timeLeft"),
    printcolumn(name = "Size", type_ = "string", json_path = ".status.size"),
    printcolumn(name = "Verified", type_ = "date", json_path = ".status.verifiedAt"),
    printcolumn(name = "Storage", type_ = "string", json_path = ".spec.storage.name", priority = 1),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Complete')].message",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[cfg_attr(test, kube(cel))]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.storage == oldSelf.storage && self.instances == oldSelf.instances").message("spec: a backup is one run; make another Backup for other instances or another storage"))]
pub struct BackupSpec {
    /// The `BackupStorage` that it goes to.
    pub storage: Named,
    /// Of what. Everything in the cluster that says what a backup of it consists of, if nothing is said.
    #[serde(default)]
    pub instances: Selection,
    /// How long it may take; then it has failed.
    #[serde(default)]
    pub deadline: Span,
    /// Ends it. What it has written so far goes with the next maintenance of the storage.
    #[serde(default)]
    pub cancel: bool,
    /// What becomes of the set in the storage when this object is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

/// What becomes of a set when its object is deleted.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// It stays, and this object comes back when the storage is next listed.
    #[default]
    Retain,
    /// It goes.
    Delete,
}

/// Which services.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!(has(self.names) && has(self.selector))").message("spec.instances: give names or selector, not both"))]
pub struct Selection {
    /// These.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub names: Option<Vec<Reference>>,
    /// Those with these labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// How far a run is.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It has not begun: its storage is not ready, or it was just made.
    #[default]
    Pending,
    /// Deletion of content is being held, movers start.
    Preparing,
    /// All movers are there: one instant over all databases is looked for.
    Cutting,
    /// What belongs to that instant is copied.
    Copying,
    /// Everything is copied: the set's list is written.
    Sealing,
    /// Complete and to be restored.
    Completed,
    /// There is no set.
    Failed,
    /// There is no set, as was asked for.
    Canceled,
}

impl Phase {
    /// Whether nothing will happen to it any more.
    pub fn ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }
}

/// What is known of a run.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BackupStatus {
    /// The generation that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Complete`: whether there is a set. `Verified`: whether it has been restored by a drill.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".to_string()]))]
    pub conditions: Vec<Condition>,
    /// How far it is.
    #[serde(default)]
    pub phase: Phase,
    /// Name of the set in the storage.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub set: String,
    /// Counts the tries of this run: each has Jobs of its own.
    #[serde(default)]
    pub attempt: i32,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// The instant that it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Cut>,
    /// What has been copied of how much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// All its files together, before compression, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub size: String,
    /// When a drill has last restored it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Time>,
    /// What is in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<Instance>,
}

/// The one instant over all databases of a set.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Cut {
    /// Identifies it.
    pub id: String,
    /// When it was.
    pub at: Time,
    /// How many tries it took until nothing was committed anywhere in between.
    pub tries: i32,
    /// How long it took to find it (ms). Nothing stands still meanwhile.
    pub milliseconds: i64,
    /// Background workers stood still for it, as the databases were too busy otherwise.
    #[serde(default)]
    pub workers_paused: bool,
}

impl Default for Cut {
    fn default() -> Self {
        let at = Time(Default::default());
        Self { id: String::new(), at, tries: 0, milliseconds: 0, workers_paused: false }
    }
}

/// What has been copied of how much.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Bytes that are done.
    pub bytes: i64,
    /// Bytes that there are, as far as is known.
    pub total: i64,
    /// Files that are done.
    pub files: i64,
    /// Of the bytes, in per cent.
    pub percent: i32,
    /// How long it takes if it goes on like this.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub time_left: String,
}

/// One service in a set.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Instance {
    /// Which.
    #[serde(flatten)]
    pub of: Reference,
    /// The Job that copies it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub job: String,
    /// Services with a lower number are restored first.
    #[serde(default)]
    pub restore_order: i32,
    /// What was stored, once it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stored: Vec<Stored>,
    /// What went wrong, or what is waited for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// One snapshot in the repository of an instance's namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Stored {
    /// `database/<name>`, `content/<name>` or `state`.
    pub what: String,
    /// Its id: `restic` knows it by that.
    pub snapshot: String,
    /// Files in it.
    pub files: i64,
    /// Their bytes.
    pub bytes: i64,
    /// Bytes that it added to the storage, compressed.
    pub added: i64,
}
