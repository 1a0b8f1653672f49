//! One file per running service: all of its objects, its configuration as text, its probes, and nothing else.

pub mod admin;
pub mod api;
pub mod cache;
pub mod checksums;
pub mod content;
pub mod database;
pub mod exposure;
pub mod hold;
pub mod maintenance;
pub mod metrics;
pub mod migrate;
pub mod process;
pub mod settings;
pub mod signing;
pub mod storage;
pub mod telemetry;
pub mod web;
pub mod worker;

use std::ops::Deref;

use k8s_openapi::{
    api::{
        autoscaling::v2::{
            CrossVersionObjectReference, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricSpec,
            MetricTarget, ResourceMetricSource,
        },
        core::v1::{ContainerPort, Lifecycle, LifecycleHandler, PodSpec, SleepAction},
        policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use reconcile::{
    Object, Part, Replace,
    pod::{every, tcp},
};

use crate::{
    checked::{Checked, Keys},
    crd::{Autoscaling, Server},
};

/// A checked manifest whose keys have been drawn: all that a service needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Instance<'a> {
    /// The manifest.
    pub checked: &'a Checked,
    /// Its keys.
    pub keys: &'a Keys,
}

impl Deref for Instance<'_> {
    type Target = Checked;

    fn deref(&self) -> &Checked {
        self.checked
    }
}

/// Name and number of a port.
struct Port(&'static str, i32);

/// How long a pod goes on serving after its end was announced (s): proxies hear of it a little later.
const LINGER: i64 = 8;

/// Service, pods, autoscaler and budget of a server.
fn serving(
    part: &Part,
    spec: &Server,
    replicas: i32,
    Port(name, number): Port,
    mut pod: PodSpec,
) -> Vec<Object> {
    let container = &mut pod.containers[0];
    container.ports =
        Some(vec![ContainerPort { name: Some(name.into()), container_port: number, ..Default::default() }]);
    container.liveness_probe = Some(every(tcp(name), 15, 10, 8));
    container.lifecycle = Some(Lifecycle {
        pre_stop: Some(LifecycleHandler {
            sleep: Some(SleepAction { seconds: LINGER }),
            ..Default::default()
        }),
        ..Default::default()
    });
    let deployment = part.deployment(replicas, Replace::Rolling, pod).templated(&spec.template);
    let mut objects = vec![part.service("ClusterIP", &[(name, number)])];
    match spec.autoscaling.as_ref().filter(|_| replicas > 0) {
        Some(wanted) => objects.extend(autoscaled(part, deployment, wanted)),
        None => objects.push(deployment),
    }
    objects.extend(budget(part, spec.least(replicas)));
    objects
}

/// A drain of a node takes the pods one by one.
fn budget(part: &Part, replicas: i32) -> Option<Object> {
    let budget = PodDisruptionBudget {
        metadata: part.metadata(part.name()),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(LabelSelector { match_labels: Some(part.selector()), ..Default::default() }),
            ..Default::default()
        }),
        ..Default::default()
    };
    (replicas > 1).then(|| budget.into())
}

/// The number of pods is left to an autoscaler.
fn autoscaled(part: &Part, mut deployment: Object, wanted: &Autoscaling) -> [Object; 2] {
    if let Some(spec) = deployment.body.data["spec"].as_object_mut() {
        spec.remove("replicas");
    }
    let scaler = HorizontalPodAutoscaler {
        metadata: part.metadata(part.name()),
        spec: Some(HorizontalPodAutoscalerSpec {
            min_replicas: Some(wanted.min_replicas),
            max_replicas: wanted.max_replicas,
            scale_target_ref: CrossVersionObjectReference {
                api_version: Some("apps/v1".into()),
                kind: "Deployment".into(),
                name: part.name(),
            },
            metrics: Some(vec![MetricSpec {
                type_: "Resource".into(),
                resource: Some(ResourceMetricSource {
                    name: "cpu".into(),
                    target: MetricTarget {
                        type_: "Utilization".into(),
                        average_utilization: Some(wanted.cpu_percent),
                        ..Default::default()
                    },
                }),
                ..Default::default()
            }]),
            ..Default::default()
        }),
        ..Default::default()
    };
    [deployment.at_least(wanted.min_replicas), scaler.into()]
}
