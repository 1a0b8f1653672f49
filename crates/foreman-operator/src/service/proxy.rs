//! The reverse proxy: Apache httpd. TLS ends here, because here client certificates are checked.

use k8s_openapi::api::core::v1::{
    Container, ContainerPort, ExecAction, Lifecycle, LifecycleHandler, PodSpec,
};
use reconcile::{
    Object, Replace,
    field::Amounts,
    pod::{config_volume, every, http, mount, mount_file, read_only_root, scratch, secret_volume, user},
};

use super::Instance;

/// The user of upstream's image.
const USER: i64 = 1001;
/// Time for requests to end (s).
const GRACE: i64 = 60;
const CONFIGURATION: &str = include_str!("proxy/httpd.conf");
const PULP: &str = include_str!("proxy/pulp.conf");
/// Lets new connections go elsewhere first, then ends when the last request has.
const DRAIN: &str = "sleep 8; kill -WINCH 1; while kill -0 1; do sleep 1; done";

/// Service (named as the instance itself), configuration, pods.
pub fn objects(foreman: &Instance) -> Vec<Object> {
    let part = foreman.part("proxy");
    let mut service = part.service(foreman.spec.ingress.service_type.name(), &[("https", 443), ("http", 80)]);
    service.body.metadata.name = Some(foreman.name.clone());
    let mut objects = vec![service, part.config_map([("httpd.conf", configuration(foreman))])];
    if let Some(pulp) = foreman.pulp() {
        let text = PULP
            .replace("@header@", &pulp.header)
            .replace("@host@", &foreman.host)
            .replace("@api@", &pulp.api)
            .replace("@content@", &pulp.content);
        objects.push(foreman.part("proxy-pulp").secret([("pulp.conf", text)]));
        objects.push(front(foreman, &pulp.name));
    }
    objects.push(part.deployment(foreman.spec.web.replicas, Replace::Rolling, pod(foreman)));
    objects
}

/// By this a Pulp knows the URL under which its clients come.
fn front(foreman: &Instance, pulp: &str) -> Object {
    let mut front = foreman.part("front").config_map([("url", format!("https://{}", foreman.host))]);
    front.body.metadata.name = Some(format!("{pulp}-front"));
    front
}

fn configuration(foreman: &Instance) -> String {
    CONFIGURATION.replace("@host@", &foreman.host).replace("@web@", &foreman.address("web"))
}

fn pod(foreman: &Instance) -> PodSpec {
    let name = foreman.part("proxy").name();
    let ready = || http("HTTPS", "https", "/proxy-ready", &[]);
    let port = |name: &str, port| ContainerPort {
        name: Some(name.into()),
        container_port: port,
        ..Default::default()
    };
    let mut mounts = vec![
        mount("config", "/etc/foreman-proxy-httpd"),
        mount("tls", "/etc/foreman-proxy-tls"),
        mount_file("tls", "ca.crt", "/var/www/pub/katello-server-ca.crt"),
        mount("run", "/run/httpd"),
        mount("tmp", "/tmp"),
    ];
    let mut volumes = vec![
        config_volume("config", &name),
        secret_volume("tls", &foreman.part("server-tls").name()),
        scratch("run"),
        scratch("tmp"),
    ];
    if foreman.pulp().is_some() {
        mounts.push(mount("pulp", "/etc/foreman-proxy-pulp"));
        volumes.push(secret_volume("pulp", &foreman.part("proxy-pulp").name()));
    }
    PodSpec {
        security_context: Some(user(USER)),
        termination_grace_period_seconds: Some(GRACE),
        containers: vec![Container {
            name: "httpd".into(),
            image: Some(foreman.images.httpd.clone()),
            command: Some(
                ["httpd", "-D", "FOREGROUND", "-f", "/etc/foreman-proxy-httpd/httpd.conf"]
                    .map(Into::into)
                    .into(),
            ),
            ports: Some(vec![port("https", 8443), port("http", 8080)]),
            resources: Some(Amounts::or(
                foreman.spec.resources.proxy.as_ref(),
                ["25m", "64Mi"],
                ["2", "512Mi"],
            )),
            readiness_probe: Some(every(ready(), 5, 5, 3)),
            liveness_probe: Some(every(ready(), 15, 10, 6)),
            lifecycle: Some(Lifecycle {
                pre_stop: Some(LifecycleHandler {
                    exec: Some(ExecAction { command: Some(["bash", "-c", DRAIN].map(Into::into).into()) }),
                    ..Default::default()
                }),
                ..Default::default()
            }),
            security_context: Some(read_only_root()),
            volume_mounts: Some(mounts),
            ..Default::default()
        }],
        volumes: Some(volumes),
        ..Default::default()
    }
}
