//! The REST API: gunicorn.

use reconcile::{
    Object,
    field::Amounts,
    pod::{every, http},
};

use super::{Instance, Port, process, serving, telemetry};

/// Time for requests to end (s), the wait before that included.
const GRACE: i64 = 120;

/// Service and pods.
pub fn objects(pulp: &Instance, replicas: i32) -> Vec<Object> {
    let spec = &pulp.spec.api;
    let command = format!(
        "pulpcore-api --bind \"$host:24817\" --workers {} --timeout {} --access-logfile -",
        spec.processes, spec.timeout_seconds
    );
    let resources = Amounts::or(spec.template.resources.as_ref(), ["100m", "512Mi"], ["2", "2Gi"]);
    let mut pod = process::pod(pulp, "api", &command, resources);
    pod.termination_grace_period_seconds = Some(GRACE);
    telemetry::export(pulp, &mut pod);
    // It asks nothing of the database, whose absence is no reason to kill or to hide anything.
    let lives = || http("HTTP", "api", "/pulp/api/v3/livez/", &[]);
    pod.containers[0].startup_probe = Some(every(lives(), 3, 10, 200));
    pod.containers[0].readiness_probe = Some(every(lives(), 10, 10, 3));
    serving(&pulp.part("api"), spec, replicas, Port("api", 24817), pod)
}
