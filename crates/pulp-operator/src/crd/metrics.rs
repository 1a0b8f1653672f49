//! What others are told of a Pulp: metrics for Prometheus, and what Pulp itself exports.

use std::collections::BTreeMap;

use kube::KubeSchema;
use reconcile::field::{SecretKey, Template};
use serde::{Deserialize, Serialize};

/// A small pod that tells Prometheus of tasks, processes and storage.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    /// Whether there is that pod. It asks the database only when it is asked itself.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// How often (min) the sizes of all artifacts are added up, which is a look at every row of their table; never if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10080))]
    pub artifacts_every_minutes: Option<i32>,
    /// The `ServiceMonitor`, which is made where the cluster has that kind.
    #[serde(default)]
    pub service_monitor: ServiceMonitor,
    /// Its pod.
    #[serde(default)]
    pub template: Template,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            enabled: true,
            artifacts_every_minutes: None,
            service_monitor: ServiceMonitor::default(),
            template: Template::default(),
        }
    }
}

/// A `ServiceMonitor` of the Prometheus operator.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ServiceMonitor {
    /// How often (s) Prometheus asks.
    #[serde(default = "half_a_minute")]
    #[schemars(range(min = 5, max = 3600))]
    pub interval_seconds: i32,
    /// Labels by which a Prometheus chooses it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Default for ServiceMonitor {
    fn default() -> Self {
        Self { interval_seconds: half_a_minute(), labels: BTreeMap::new() }
    }
}

/// Where API, content and workers send metrics of their own, by OTLP over HTTP: Pulp knows no other way, and exports no traces.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Telemetry {
    /// URL of the collector; `/v1/metrics` is added to it.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new("self.matches('^https?://[^/ ]+(/[^ ]*)?$')").message("spec.telemetry.endpoint must be a URL such as http://collector.monitoring.svc:4318"))]
    pub endpoint: String,
    /// How often (s) each process sends.
    #[serde(default = "minute")]
    #[schemars(range(min = 1, max = 3600))]
    pub interval_seconds: i32,
    /// Secret with HTTP headers for the collector, `name=value` with commas between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<Headers>,
    /// Secret with the authority that the collector's certificate comes from; those that the image knows if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<SecretKey>,
}

/// Secret with HTTP headers.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Headers {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in it.
    #[serde(default = "headers")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

fn yes() -> bool {
    true
}

fn half_a_minute() -> i32 {
    30
}

fn minute() -> i32 {
    60
}

fn headers() -> String {
    "headers".into()
}
