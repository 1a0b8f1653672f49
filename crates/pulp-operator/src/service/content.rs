//! The server that hands out content: aiohttp under gunicorn.

use reconcile::{
    Object,
    field::Amounts,
    pod::{every, exec, tcp},
};

use super::{Instance, Port, process, serving, telemetry};

/// Time for downloads to end (s), the wait before that included.
const GRACE: i64 = 300;
/// A GET would list every distribution; the kubelet cannot ask with HEAD.
const ANSWERS: &str = "import http.client as h, os; c = h.HTTPConnection(os.environ['POD_IP'], 24816, timeout=9); \
    c.request('HEAD', '/pulp/content/'); exit(c.getresponse().status >= 500)";

/// Service and pods.
pub fn objects(pulp: &Instance, replicas: i32) -> Vec<Object> {
    let spec = &pulp.spec.content;
    let command = format!(
        "pulpcore-content --bind \"$host:24816\" --workers {} --timeout {} --access-logfile -",
        spec.processes, spec.timeout_seconds
    );
    let resources = Amounts::or(spec.template.resources.as_ref(), ["100m", "512Mi"], ["2", "2Gi"]);
    let mut pod = process::pod(pulp, "content", &command, resources);
    pod.termination_grace_period_seconds = Some(GRACE);
    telemetry::export(pulp, &mut pod);
    pod.containers[0].startup_probe = Some(every(exec(["python3", "-c", ANSWERS]), 3, 10, 200));
    pod.containers[0].readiness_probe = Some(every(tcp("content"), 10, 10, 3));
    serving(&pulp.part("content"), spec, replicas, Port("content", 24816), pod)
}
