//! The server that hands out content: aiohttp under gunicorn.

use k8s_openapi::api::core::v1::{ContainerPort, Lifecycle, LifecycleHandler, SleepAction};
use reconcile::{
    Object, Replace,
    field::Amounts,
    pod::{every, exec, tcp},
};

use super::{Instance, autoscaled, budget, process};

/// Time for downloads to end (s), the wait before that included.
const GRACE: i64 = 300;
/// How long a pod goes on serving after its end was announced (s): proxies hear of it a little later.
const LINGER: i64 = 8;
/// A GET would list every distribution; the kubelet cannot ask with HEAD.
const ANSWERS: &str = "import http.client as h, os; c = h.HTTPConnection(os.environ['POD_IP'], 24816, timeout=9); \
    c.request('HEAD', '/pulp/content/'); exit(c.getresponse().status >= 500)";

/// Service and pods.
pub fn objects(pulp: &Instance, replicas: i32) -> Vec<Object> {
    let (part, spec) = (pulp.part("content"), &pulp.spec.content);
    let command = format!(
        "pulpcore-content --bind \"$host:24816\" --workers {} --timeout {} --access-logfile -",
        spec.processes, spec.timeout_seconds
    );
    let resources = Amounts::or(spec.template.resources.as_ref(), ["100m", "512Mi"], ["2", "2Gi"]);
    let mut pod = process::pod(pulp, "content", &command, resources);
    pod.termination_grace_period_seconds = Some(GRACE);
    let answers = || exec(["python3", "-c", ANSWERS]);
    let container = &mut pod.containers[0];
    container.ports = Some(vec![ContainerPort {
        name: Some("content".into()),
        container_port: 24816,
        ..Default::default()
    }]);
    container.startup_probe = Some(every(answers(), 3, 10, 200));
    container.readiness_probe = Some(every(tcp("content"), 10, 10, 3));
    container.liveness_probe = Some(every(tcp("content"), 15, 10, 8));
    container.lifecycle = Some(Lifecycle {
        pre_stop: Some(LifecycleHandler {
            sleep: Some(SleepAction { seconds: LINGER }),
            ..Default::default()
        }),
        ..Default::default()
    });
    let deployment = part.deployment(replicas, Replace::Rolling, pod).templated(&spec.template);
    let mut objects = vec![part.service("ClusterIP", &[("content", 24816)])];
    match spec.autoscaling.as_ref().filter(|_| replicas > 0) {
        Some(wanted) => objects.extend(autoscaled(&part, deployment, wanted)),
        None => objects.push(deployment),
    }
    objects.extend(budget(&part, spec.least(replicas)));
    objects
}
