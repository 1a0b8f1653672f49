//! The REST API: gunicorn.

use k8s_openapi::api::core::v1::{ContainerPort, Lifecycle, LifecycleHandler, SleepAction};
use reconcile::{
    Object, Replace,
    field::Amounts,
    pod::{every, http, tcp},
};

use super::{Instance, autoscaled, budget, process};

/// Time for requests to end (s), the wait before that included.
const GRACE: i64 = 120;
/// How long a pod goes on serving after its end was announced (s): proxies hear of it a little later.
const LINGER: i64 = 8;

/// Service and pods.
pub fn objects(pulp: &Instance, replicas: i32) -> Vec<Object> {
    let (part, spec) = (pulp.part("api"), &pulp.spec.api);
    let command = format!(
        "pulpcore-api --bind \"$host:24817\" --workers {} --timeout {} --access-logfile -",
        spec.processes, spec.timeout_seconds
    );
    let resources = Amounts::or(spec.template.resources.as_ref(), ["100m", "512Mi"], ["2", "2Gi"]);
    let mut pod = process::pod(pulp, "api", &command, resources);
    pod.termination_grace_period_seconds = Some(GRACE);
    // It asks nothing of the database, whose absence is no reason to kill or to hide anything.
    let lives = || http("HTTP", "api", "/pulp/api/v3/livez/", &[]);
    let container = &mut pod.containers[0];
    container.ports =
        Some(vec![ContainerPort { name: Some("api".into()), container_port: 24817, ..Default::default() }]);
    container.startup_probe = Some(every(lives(), 3, 10, 200));
    container.readiness_probe = Some(every(lives(), 10, 10, 3));
    container.liveness_probe = Some(every(tcp("api"), 15, 10, 8));
    container.lifecycle = Some(Lifecycle {
        pre_stop: Some(LifecycleHandler {
            sleep: Some(SleepAction { seconds: LINGER }),
            ..Default::default()
        }),
        ..Default::default()
    });
    let deployment = part.deployment(replicas, Replace::Rolling, pod).templated(&spec.template);
    let mut objects = vec![part.service("ClusterIP", &[("api", 24817)])];
    match spec.autoscaling.as_ref().filter(|_| replicas > 0) {
        Some(wanted) => objects.extend(autoscaled(&part, deployment, wanted)),
        None => objects.push(deployment),
    }
    objects.extend(budget(&part, spec.least(replicas)));
    objects
}
