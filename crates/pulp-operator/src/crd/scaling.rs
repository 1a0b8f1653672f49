//! Workers by the tasks that are there for them.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Number of workers by the tasks that are there for them.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.minReplicas <= self.maxReplicas").message("spec.worker.autoscaling: minReplicas must not be larger than maxReplicas"))]
pub struct WorkerAutoscaling {
    /// Never fewer. With 0, the first task after a time without any waits until a worker has started.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 500))]
    pub min_replicas: i32,
    /// Never more.
    #[schemars(range(min = 1, max = 500))]
    pub max_replicas: i32,
    /// Workers go when, for so long (s), there was never a moment that needed them.
    #[serde(default = "five_minutes")]
    #[schemars(range(min = 0, max = 3600))]
    pub scale_down_after_seconds: i32,
}

fn one() -> i32 {
    1
}

fn five_minutes() -> i32 {
    300
}
