//! The `Foreman` API: what a user may write, and what the API server refuses with the field and the mend in the message.

mod database;

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use reconcile::Status;
use serde::{Deserialize, Serialize};

pub use database::*;
// Who writes a spec writes these as well.
pub use reconcile::field::{
    AccessMode, Amounts, Credentials, DeletionPolicy, Server, ServiceType, SharedVolume, Volume,
};

/// A Foreman with its plugins, Dynflow workers, Candlepin, reverse proxy, job queue and database.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[kube(
    group = "app.theforeman.org",
    version = "v1alpha1",
    kind = "Foreman",
    plural = "foremans",
    shortname = "fm",
    category = "theforeman",
    namespaced,
    status = "Status",
    derive = "PartialEq",
    derive = "Default",
    doc = "A Foreman with its plugins, Dynflow workers, Candlepin, reverse proxy, job queue and database.",
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]{0,33}[a-z0-9])?$')").message("metadata.name must start with a letter, have only lower-case letters, digits and dashes, and be at most 35 characters long: names of Services and CronJobs are made from it"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.endpoints[?(@.name==\"web\")].url"),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.versions[?(@.part==\"foreman\")].running", priority = 1),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[cfg_attr(test, kube(cel))]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.database.external) == has(oldSelf.database.external)").message("spec.database: a database cannot be moved between inside and outside the cluster by changing the manifest; create a second Foreman and restore a backup into it"))]
pub struct ForemanSpec {
    /// Number of Dynflow worker pods for the queues `default` and `remote_execution`. The orchestrator and, with Katello, the
    /// worker for `hosts_queue` run besides and are not counted.
    #[serde(rename = "dynflow_workers", default = "one")]
    #[schemars(range(min = 1, max = 100))]
    pub dynflow_workers: i32,

    /// Plugins by name.
    #[serde(default)]
    #[schemars(schema_with = "crate::plugin::schema")]
    pub plugins: BTreeMap<String, bool>,

    /// What Katello works with.
    #[serde(default)]
    pub katello: Katello,

    /// Under which name clients reach this Foreman.
    #[serde(default)]
    pub ingress: Ingress,

    /// The web server.
    #[serde(default)]
    pub web: Web,

    /// Where the databases of Foreman and Candlepin are; embedded if nothing is said.
    #[serde(default)]
    pub database: Database,

    /// Sizes and classes of the volumes.
    #[serde(default)]
    pub storage: Storage,

    /// Container images, where they are not to be the operator's defaults.
    #[serde(default)]
    pub images: Images,

    /// Requests and limits of each service, where they are not to be the operator's defaults.
    #[serde(default)]
    pub resources: Resources,

    /// Nothing is changed while this is true; what runs goes on running.
    #[serde(default)]
    pub paused: bool,

    /// What becomes of volumes and of Secrets that hold keys when this Foreman is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

/// What Katello works with.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Katello {
    /// The Pulp of this namespace that holds its content; the only one there is if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulp: Option<PulpReference>,
}

/// A Pulp of the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PulpReference {
    /// Its name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
}

/// Under which name clients reach a Foreman.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Ingress {
    /// Fully qualified host name; the Service's name in the cluster (`<name>.<namespace>.svc`) if nothing is said. Whatever routes
    /// this name to the Service must pass TLS through: clients show certificates to the reverse proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)+$') && !self.matches('^[0-9.]+$')").message("spec.ingress.host must be a fully qualified host name in lower case with at least one dot, for example foreman.example.com"))]
    pub host: Option<String>,

    /// Type of the reverse proxy's Service.
    #[serde(default)]
    pub service_type: ServiceType,
}

/// The web server.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Web {
    /// Number of web pods, and of reverse proxy pods in front of them. From two on, a change of configuration fails no request.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 50))]
    pub replicas: i32,
}

impl Default for Web {
    fn default() -> Self {
        Self { replicas: 1 }
    }
}

/// Sizes and classes of the volumes.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// Data of the embedded `PostgreSQL`.
    #[serde(default = "database_volume")]
    pub database: Volume,
    /// Job queue of the embedded Valkey.
    #[serde(default = "queue_volume")]
    pub queue: Volume,
    /// Files that web pods hand to workers (uploads, manifests). `ReadWriteMany`, unless all pods run on one node.
    #[serde(default = "shared_volume")]
    pub shared: SharedVolume,
}

impl Default for Storage {
    fn default() -> Self {
        Self { database: database_volume(), queue: queue_volume(), shared: shared_volume() }
    }
}

/// Container images, where they are not to be the operator's defaults.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Images {
    /// Foreman itself: web, workers, migrations, recurring tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub foreman: Option<String>,
    /// Candlepin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub candlepin: Option<String>,
    /// `PostgreSQL`, with `initdb`, `pg_ctl` and `psql` in its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub postgresql: Option<String>,
    /// Valkey or Redis, with `valkey-server` in its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub valkey: Option<String>,
    /// Apache httpd, laid out as in RHEL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub httpd: Option<String>,
}

/// Requests and limits of each service.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// Each web pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web: Option<Amounts>,
    /// The Dynflow orchestrator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orchestrator: Option<Amounts>,
    /// Each Dynflow worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<Amounts>,
    /// Migrations and recurring tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Amounts>,
    /// Candlepin; its heap is three quarters of the memory limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candlepin: Option<Amounts>,
    /// The embedded `PostgreSQL`; its buffers are a quarter of the memory limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Amounts>,
    /// The embedded Valkey.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Amounts>,
    /// Each reverse proxy pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Amounts>,
}

fn one() -> i32 {
    1
}

fn database_volume() -> Volume {
    Volume::of("20Gi")
}

fn queue_volume() -> Volume {
    Volume::of("1Gi")
}

fn shared_volume() -> SharedVolume {
    SharedVolume { volume: Volume::of("10Gi"), access_mode: AccessMode::default() }
}
