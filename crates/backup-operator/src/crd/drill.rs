//! Proof that backups can be restored.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::{Mapping, Named, Span};

/// Restores the newest set into scratch namespaces at regular times, looks whether it works, and takes it away again.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "backup.theforeman.org",
    version = "v1alpha1",
    kind = "RestoreDrill",
    plural = "restoredrills",
    shortname = "rd",
    category = "theforeman-backup",
    status = "RestoreDrillStatus",
    doc = "Restores the newest set into scratch namespaces at regular times, looks whether it works, and takes it away again.",
    validation = Rule::new("self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,46}[a-z0-9])?$')").message("metadata.name must have only lower-case letters, digits and dashes, and be at most 48 characters long: names of its Restores are made from it"),
    derive = "Default",
    derive = "PartialEq",
    printcolumn(name = "Schedule", type_ = "string", json_path = ".spec.schedule"),
    printcolumn(
        name = "Proven",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Proven')].status"
    ),
    printcolumn(name = "Set", type_ = "string", json_path = ".status.last.set"),
    printcolumn(name = "Seconds", type_ = "integer", json_path = ".status.last.seconds"),
    printcolumn(name = "Last", type_ = "date", json_path = ".status.last.at"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Proven')].message",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[cfg_attr(test, kube(cel))]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.mapping.namespaces.size() > 0").message("spec.mapping.namespaces: say into which scratch namespace each namespace is restored"))]
pub struct RestoreDrillSpec {
    /// The `BackupStorage` whose newest set is restored.
    pub storage: Named,
    /// When: five fields of cron, in UTC. Once, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 9, max = 128))]
    pub schedule: Option<String>,
    /// No new drills.
    #[serde(default)]
    pub suspend: bool,
    /// The scratch namespaces, and other names in them. Whoever administers them has made them, grants the operators what they need there,
    /// and should let nothing out of them by a `NetworkPolicy`.
    pub mapping: Mapping,
    /// What is asked of the services when all are ready. Only a drill whose probes all work has proven its set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_string()]))]
    pub probes: Vec<Probe>,
}

/// A command that looks at what was restored, in a pod of its own.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    /// Its name in reports.
    #[schemars(length(min = 1, max = 40), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// The scratch namespace that it runs in.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// Container image that has the command.
    #[schemars(length(min = 1, max = 512))]
    pub image: String,
    /// The command; that it ends with 0 means that all is well. What it says last is told otherwise.
    #[schemars(length(min = 1, max = 64))]
    pub command: Vec<String>,
    /// Secrets of the scratch namespace that it needs, the authority of a certificate or a password: below `/secrets/<name>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub secrets: Vec<String>,
    /// How long it may take.
    #[serde(default = "minutes")]
    pub deadline: Span,
}

fn minutes() -> Span {
    Span("5m".into())
}

/// What came of a probe.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Probed {
    /// Its name.
    pub name: String,
    /// Whether its command ended with 0.
    pub worked: bool,
    /// What it said otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// What is known of a drill.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RestoreDrillStatus {
    /// The generation that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Proven`: whether the last drill has worked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".to_string()]))]
    pub conditions: Vec<Condition>,
    /// The restore that is going on, or being taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore: Option<String>,
    /// The last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Drilled>,
    /// When the next one is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Time>,
}

/// A drill that has ended.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Drilled {
    /// When it ended.
    pub at: Time,
    /// The set that was restored.
    pub set: String,
    /// Whether it worked.
    pub worked: bool,
    /// The recovery time (s), if it worked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Its probes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".to_string()]))]
    pub probes: Vec<Probed>,
}
