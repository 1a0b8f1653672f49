//! A set comes back.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Named, Progress, Reference, Span};

/// Brings services of a set back, through the operators that run them.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "backup.theforeman.org",
    version = "v1alpha1",
    kind = "Restore",
    plural = "restores",
    shortname = "rst",
    category = "theforeman-backup",
    status = "RestoreStatus",
    doc = "Brings services of a set back, through the operators that run them.",
    validation = Rule::new("self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,54}[a-z0-9])?$')").message("metadata.name must have only lower-case letters, digits and dashes, and be at most 56 characters long: the name of the Backup before it is made from it"),
    derive = "Default",
    derive = "PartialEq",
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Set", type_ = "string", json_path = ".status.set"),
    printcolumn(name = "Percent", type_ = "integer", json_path = ".status.progress.percent"),
    printcolumn(name = "Seconds", type_ = "integer", json_path = ".status.seconds"),
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
#[x_kube(validation = Rule::new("has(self.backup) != has(self.before)").message("spec: give backup (the name of one) or before (a time), not both"))]
#[x_kube(validation = Rule::new("self == oldSelf").message("spec: a restore is one run; make another Restore"))]
pub struct RestoreSpec {
    /// The `BackupStorage` that it comes from.
    pub storage: Named,
    /// The set, by the name of its `Backup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Named>,
    /// The last set whose instant is not after this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Time>,
    /// Which of its services, as they were called then. All, if nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    pub instances: Vec<Reference>,
    /// What is called otherwise than then.
    #[serde(default)]
    pub mapping: Mapping,
    /// Replaces the data of services that are there, after a backup of them as they are. Otherwise none of that name may be there.
    #[serde(default)]
    pub in_place: bool,
    /// Says what would be done, and does nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// How long it may take; then it has failed.
    #[serde(default)]
    pub deadline: Span,
}

/// What is called otherwise than then.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Mapping {
    /// Namespaces: from, to. They must exist.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub namespaces: BTreeMap<String, String>,
    /// Names of services: from, to. What a service has for itself is called after it, and what others of the set say of it follows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// Host names: from, to. Certificates that are issued in the cluster follow.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hosts: BTreeMap<String, String>,
    /// Buckets, and containers of Azure's: from, to. A service that kept its content in one gets another, which must be empty and nobody
    /// else's, unless it is restored in place.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub buckets: BTreeMap<String, String>,
    /// Storage classes: from, to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub storage_classes: BTreeMap<String, String>,
}

/// How far a restore is.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RestorePhase {
    /// It has not begun.
    #[default]
    Pending,
    /// A backup of what will be replaced is made.
    Saving,
    /// Secrets, configuration and custom resources are made; databases come up; nothing uses them.
    Preparing,
    /// Databases and content are filled.
    Filling,
    /// The services start, in order, and migrate what is older than they are.
    Starting,
    /// Everything is there and ready.
    Completed,
    /// It did not work before anything was started: what was made is taken away again.
    Undoing,
    /// It did not work. What has been started stays, for a look.
    Failed,
}

impl RestorePhase {
    /// Whether nothing will happen to it any more.
    pub fn ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// What is known of a restore.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RestoreStatus {
    /// The generation that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Complete`: whether everything is back and ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".to_string()]))]
    pub conditions: Vec<Condition>,
    /// How far it is.
    #[serde(default)]
    pub phase: RestorePhase,
    /// The set that it restores.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub set: String,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// How long it took until all services were ready (s): the recovery time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
    /// What has been restored of how much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// Its services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<Restored>,
}

/// A service that is restored.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// As it was called in the backup.
    pub from: Reference,
    /// As it is called now.
    pub to: Reference,
    /// The Job that fills it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub job: String,
    /// Counts the tries to fill it.
    #[serde(default)]
    pub attempt: i32,
    /// Its databases and content are filled.
    #[serde(default)]
    pub filled: bool,
    /// It may use them.
    #[serde(default)]
    pub released: bool,
    /// What is waited for, or what went wrong.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}
