//! Workers: each runs one task at a time. Told to end, a worker finishes its task and takes no new one.

use reconcile::{
    Object, Replace,
    field::Amounts,
    pod::{every, exec},
};

use super::{Instance, budget, signing, telemetry};

/// The pods.
pub fn objects(pulp: &Instance, replicas: i32) -> Vec<Object> {
    let (part, spec) = (pulp.part("worker"), &pulp.spec.worker);
    let resources = Amounts::or(spec.template.resources.as_ref(), ["100m", "512Mi"], ["2", "4Gi"]);
    let mut pod = signing::pod(pulp, "worker", "pulpcore-worker", resources);
    pod.termination_grace_period_seconds = Some(spec.grace_period_seconds);
    telemetry::export(pulp, &mut pod);
    let alive = |how: &'static str| exec(["python3", "/etc/pulp/scripts/alive.py", how]);
    let container = &mut pod.containers[0];
    container.startup_probe = Some(every(alive("known"), 3, 10, 200));
    container.readiness_probe = Some(every(alive("known"), 30, 20, 3));
    container.liveness_probe = Some(every(alive("silent"), 60, 30, 5));
    let deployment = part.deployment(replicas, Replace::Rolling, pod).templated(&spec.template);
    let (deployment, most) = match &spec.autoscaling {
        // A budget that came and went with the pods would be a write each time, and keep nobody from anything.
        Some(wanted) => (deployment.at_least(wanted.min_replicas), wanted.max_replicas),
        None => (deployment, replicas),
    };
    [Some(deployment), budget(&part, most)].into_iter().flatten().collect()
}
