//! The `Pulp` API: what a user may write, and what the API server refuses with the field and the mend in the message.

mod authentication;
mod cache;
mod database;
mod ingress;
mod keycloak;
mod ldap;
mod maintenance;
mod metrics;
mod scaling;
mod settings;
mod signing;
mod storage;
mod trusted;

use kube::{CustomResource, KubeSchema};
use reconcile::{
    Status,
    field::{DeletionPolicy, Template},
};
use serde::{Deserialize, Serialize};

pub use authentication::*;
pub use cache::*;
pub use database::*;
pub use ingress::*;
pub use keycloak::*;
pub use ldap::*;
pub use maintenance::*;
pub use metrics::*;
pub use scaling::*;
pub use settings::*;
pub use signing::*;
pub use storage::*;
pub use trusted::*;

/// A Pulp: REST API, content server, workers and web server, with its database, cache and storage.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "app.theforeman.org",
    version = "v1alpha1",
    kind = "Pulp",
    plural = "pulps",
    category = "theforeman",
    namespaced,
    status = "Status",
    derive = "PartialEq",
    derive = "Default",
    doc = "A Pulp: REST API, content server, workers and web server, with its database, cache and storage.",
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]{0,33}[a-z0-9])?$')").message("metadata.name must start with a letter, have only lower-case letters, digits and dashes, and be at most 35 characters long: names of Services and Jobs are made from it"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.endpoints[?(@.name==\"web\")].url"),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.versions[?(@.part==\"core\")].running"),
    printcolumn(name = "Image", type_ = "string", json_path = ".status.versions[?(@.part==\"pulp\")].running", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[cfg_attr(test, kube(cel))]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(has(self.database.external) || has(self.database.fromSecret) || has(self.database.cloudNativePG)) == (has(oldSelf.database.external) || has(oldSelf.database.fromSecret) || has(oldSelf.database.cloudNativePG))").message("spec.database: a database cannot be moved between inside and outside the cluster by changing the manifest; create a second Pulp and restore a backup into it"))]
#[x_kube(validation = Rule::new("!has(self.worker.autoscaling) || self.metrics.enabled").message("spec.worker.autoscaling needs spec.metrics.enabled: how many tasks there are is asked of the metrics' pod"))]
pub struct PulpSpec {
    /// The REST API.
    #[serde(default)]
    pub api: Server,

    /// The server that hands out content.
    #[serde(default)]
    pub content: Server,

    /// Workers: they sync, publish and clean up.
    #[serde(default)]
    pub worker: Worker,

    /// The web server in front of API and content; runs where `ingress.type` is `ClusterIP`, `NodePort` or `LoadBalancer`.
    #[serde(default)]
    pub web: Web,

    /// Plugins to enable, as Python packages (`pulp_rpm`, ...); all that the image has if nothing is said. `pulp_file` and
    /// `pulp_certguard` are part of Pulp itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(min = 1, max = 64), regex(pattern = "^pulp_[a-z0-9_]+$")))]
    pub plugins: Vec<String>,

    /// Where artifacts are kept. Exactly one kind.
    pub storage: Storage,

    /// Where the database is; embedded if nothing is said.
    #[serde(default)]
    pub database: Database,

    /// The cache of the content server.
    #[serde(default)]
    pub cache: Cache,

    /// How clients reach this Pulp.
    #[serde(default)]
    pub ingress: Ingress,

    /// Who may log in besides the users that Pulp keeps itself.
    #[serde(default)]
    pub authentication: Authentication,

    /// Certificate authorities that Pulp is to trust besides those of its image, whatever it talks to by TLS: remotes, object storage,
    /// directories, Keycloak.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub trusted_certificates: Vec<TrustedCertificates>,

    /// Further settings of Pulp, by name; each value arrives unchanged.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    #[schemars(schema_with = "settings_schema")]
    pub settings: Settings,

    /// More settings, from `ConfigMaps` and Secrets; later ones win over earlier ones, and all of them over `settings`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub settings_from: Vec<SettingsSource>,

    /// What artifacts are hashed with; `sha224`, `sha256`, `sha384` and `sha512` if nothing is said. `sha256` must be among them. When
    /// the list changes, what is missing is computed from all artifacts, which takes its time, and what is too much is removed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 6))]
    #[x_kube(validation = Rule::new("self.size() == 0 || 'sha256' in self").message("spec.allowedContentChecksums: sha256 must be among them; Pulp names its artifacts by it"))]
    #[x_kube(validation = Rule::new("self.all(one, self.exists_one(other, other == one))").message("spec.allowedContentChecksums: name each only once"))]
    pub allowed_content_checksums: Vec<Checksum>,

    /// What Pulp signs, and with which key; nothing if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing: Option<Signing>,

    /// `ServiceAccount` of the pods that reach the storage, where its identity opens it (workload identity) instead of a Secret.
    /// It must exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub service_account_name: Option<String>,

    /// Migrations of the database.
    #[serde(default)]
    pub migration: Migration,

    /// What is done again and again on a schedule.
    #[serde(default)]
    pub maintenance: Maintenance,

    /// Metrics of tasks, processes and storage, for Prometheus.
    #[serde(default)]
    pub metrics: Metrics,

    /// Where API, content and workers send metrics of their own; nowhere if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telemetry: Option<Telemetry>,

    /// Container images, where they are not to be the operator's defaults.
    #[serde(default)]
    pub images: Images,

    /// Nothing is changed while this is true; what runs goes on running.
    #[serde(default)]
    pub paused: bool,

    /// What becomes of volumes and of Secrets that hold keys when this Pulp is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

/// A server of many pods, each with several processes.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Server {
    /// Number of pods; from two on, a roll fails no request.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100))]
    pub replicas: i32,
    /// Processes in each pod.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 64))]
    pub processes: i32,
    /// How long one request may take (s).
    #[serde(default = "ninety")]
    #[schemars(range(min = 1, max = 3600))]
    pub timeout_seconds: i32,
    /// Number of pods by their load, in place of `replicas`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,
    /// Its pods.
    #[serde(default)]
    pub template: Template,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            replicas: one(),
            processes: two(),
            timeout_seconds: ninety(),
            autoscaling: None,
            template: Template::default(),
        }
    }
}

impl Server {
    /// How many pods there are at least, if there are to be any.
    pub fn least(&self, replicas: i32) -> i32 {
        match &self.autoscaling {
            Some(autoscaling) if replicas > 0 => autoscaling.min_replicas,
            _ => replicas,
        }
    }
}

/// Number of pods by their load.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.minReplicas <= self.maxReplicas").message("autoscaling: minReplicas must not be larger than maxReplicas"))]
pub struct Autoscaling {
    /// Never fewer.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100))]
    pub min_replicas: i32,
    /// Never more.
    #[schemars(range(min = 1, max = 100))]
    pub max_replicas: i32,
    /// Processor use that is aimed at, in percent of what is requested.
    #[serde(default = "eighty")]
    #[schemars(range(min = 1, max = 1000))]
    pub cpu_percent: i32,
}

/// Workers.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Worker {
    /// Number of workers; each runs one task at a time.
    #[serde(default = "two")]
    #[schemars(range(min = 0, max = 500))]
    pub replicas: i32,
    /// Number of workers by the tasks that are there for them, in place of `replicas`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<WorkerAutoscaling>,
    /// How long a worker that is to go may still take for the task that it runs (s). It takes no new one.
    #[serde(default = "hour")]
    #[schemars(range(min = 30, max = 604_800))]
    pub grace_period_seconds: i64,
    /// Its pods.
    #[serde(default)]
    pub template: Template,
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            replicas: two(),
            autoscaling: None,
            grace_period_seconds: hour(),
            template: Template::default(),
        }
    }
}

/// The web server.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Web {
    /// Number of pods.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 50))]
    pub replicas: i32,
    /// Its pods.
    #[serde(default)]
    pub template: Template,
}

impl Default for Web {
    fn default() -> Self {
        Self { replicas: one(), template: Template::default() }
    }
}

/// Migrations of the database.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Migration {
    /// Any other text than before starts a migration that failed anew, at once.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 64))]
    pub retry: String,
    /// The Jobs' pods.
    #[serde(default)]
    pub template: Template,
}

/// Container images, where they are not to be the operator's defaults.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Images {
    /// Pulp itself: API, content, workers, migrations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub pulp: Option<String>,
    /// nginx.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub nginx: Option<String>,
    /// `PostgreSQL`, with `initdb`, `pg_ctl` and `psql` in its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub postgresql: Option<String>,
    /// Valkey or Redis, with `valkey-server` in its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub valkey: Option<String>,
}

fn one() -> i32 {
    1
}

fn two() -> i32 {
    2
}

fn ninety() -> i32 {
    90
}

fn eighty() -> i32 {
    80
}

fn hour() -> i64 {
    3600
}
