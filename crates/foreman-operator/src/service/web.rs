//! Foreman's web server: Puma. Reached only through the reverse proxy.

use k8s_openapi::api::core::v1::{ContainerPort, Lifecycle, LifecycleHandler, SleepAction};
use reconcile::{
    Object, Replace,
    field::Amounts,
    pod::{env, every, http, tcp},
};

use super::{
    Instance,
    rails::{self, Process},
};

/// Time for requests to end (s), the wait before that included.
const GRACE: i64 = 60;
/// How long a pod goes on serving after its end was announced (s): proxies hear of it a little later.
const LINGER: i64 = 10;

/// The web pods; with several of them, Katello's event daemon gets a pod of its own, because there must be one.
/// `still`: nobody may write, so there are none.
pub fn objects(foreman: &Instance, still: bool) -> Vec<Object> {
    let part = foreman.part("web");
    let alone = foreman.spec.web.replicas == 1;
    let pods = |wanted: i32| if still { 0 } else { wanted };
    let mut objects = vec![
        part.service("ClusterIP", &[("http", 3000)]),
        part.deployment(
            pods(foreman.spec.web.replicas),
            Replace::Rolling,
            pod(foreman, foreman.katello() && alone),
        ),
    ];
    if foreman.katello() && !alone {
        let part = foreman.part("web-events");
        objects.push(part.deployment(pods(1), Replace::OneAtATime, pod(foreman, true)));
    }
    objects
}

fn pod(foreman: &Instance, events: bool) -> k8s_openapi::api::core::v1::PodSpec {
    let process = Process {
        name: "foreman",
        command: [
            "/usr/share/foreman/bin/rails",
            "server",
            "--environment",
            "production",
            "--pid",
            "/tmp/rails.pid",
        ]
        .map(Into::into)
        .into(),
        resources: Amounts::or(foreman.spec.resources.web.as_ref(), ["100m", "1Gi"], ["4", "4Gi"]),
        events,
        env: vec![
            env("FOREMAN_BIND", "0.0.0.0"),
            env("FOREMAN_PUMA_WORKERS", "2"),
            env("FOREMAN_PUMA_THREADS_MIN", "5"),
            env("FOREMAN_PUMA_THREADS_MAX", "5"),
            env("RAILS_SERVE_STATIC_FILES", "true"),
        ],
    };
    let mut pod = rails::pod(foreman, process);
    pod.termination_grace_period_seconds = Some(GRACE);
    // Foreman answers 403 to other host names and redirects what did not come by TLS.
    let ping = || {
        let headers = [("Host", foreman.host.as_str()), ("X-Forwarded-Proto", "https")];
        http("HTTP", "http", "/api/v2/ping", &headers)
    };
    let container = &mut pod.containers[0];
    container.ports =
        Some(vec![ContainerPort { name: Some("http".into()), container_port: 3000, ..Default::default() }]);
    container.startup_probe = Some(every(ping(), 5, 30, 120));
    container.readiness_probe = Some(every(ping(), 10, 10, 3));
    // The ping asks the database and Candlepin: their absence is no reason to kill web.
    container.liveness_probe = Some(every(tcp("http"), 15, 10, 8));
    container.lifecycle = Some(Lifecycle {
        pre_stop: Some(LifecycleHandler {
            sleep: Some(SleepAction { seconds: LINGER }),
            ..Default::default()
        }),
        ..Default::default()
    });
    pod
}
