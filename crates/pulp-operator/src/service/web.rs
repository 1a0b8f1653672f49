//! The web server in front of API and content: nginx.

use k8s_openapi::api::core::v1::{
    Container, ContainerPort, ExecAction, Lifecycle, LifecycleHandler, PodSpec,
};
use reconcile::{
    Object, Replace,
    field::Amounts,
    pod::{config_volume, every, http, mount, read_only_root, scratch, secret_volume, user},
};

use super::{Instance, budget};
use crate::crd::IngressType;

/// The user of upstream's image.
const USER: i64 = 1001;
/// Time for downloads to end (s), the wait before that included.
const GRACE: i64 = 300;
const CONFIGURATION: &str = include_str!("web/nginx.conf");
const TLS: &str = include_str!("web/tls.conf");
/// Lets new connections go elsewhere first, then ends when the last request has.
const DRAIN: &str = "sleep 8; kill -QUIT 1; while kill -0 1; do sleep 1; done";

/// Service (named as the instance itself), configuration, pods. Nothing where something else stands in front.
pub fn objects(pulp: &Instance) -> Vec<Object> {
    if !pulp.web() {
        return vec![];
    }
    let (part, spec) = (pulp.part("web"), &pulp.spec.web);
    let deployment = part.deployment(spec.replicas, Replace::Rolling, pod(pulp)).templated(&spec.template);
    [Some(service(pulp)), Some(part.config_map([("nginx.conf", configuration(pulp))])), Some(deployment)]
        .into_iter()
        .chain([budget(&part, spec.replicas)])
        .flatten()
        .collect()
}

fn service(pulp: &Instance) -> Object {
    let ingress = &pulp.spec.ingress;
    let type_ = match ingress.type_ {
        IngressType::NodePort => "NodePort",
        IngressType::LoadBalancer => "LoadBalancer",
        _ => "ClusterIP",
    };
    let port = if pulp.certificate().is_some() { ("https", 443) } else { ("http", 80) };
    let mut service = pulp.part("web").service(type_, &[port]);
    service.body.metadata.name = Some(pulp.name.clone());
    service.body.metadata.annotations =
        (!ingress.annotations.is_empty()).then(|| ingress.annotations.clone());
    service.body.metadata.labels.get_or_insert_default().extend(ingress.labels.clone());
    if let Some(port) = ingress.node_port {
        service.body.data["spec"]["ports"][0]["nodePort"] = port.into();
    }
    service
}

fn configuration(pulp: &Instance) -> String {
    let (listen, tls) = match pulp.certificate() {
        Some(_) => ("8443 ssl", TLS),
        None => ("8080", ""),
    };
    CONFIGURATION
        .replace("@listen@", listen)
        .replace("@tls@", tls.trim_end())
        .replace("@api@", &pulp.address("api"))
        .replace("@content@", &pulp.address("content"))
        .replace(
            "@timeout@",
            &pulp.spec.api.timeout_seconds.max(pulp.spec.content.timeout_seconds).to_string(),
        )
}

fn pod(pulp: &Instance) -> PodSpec {
    let name = pulp.part("web").name();
    let (scheme, port, number) = match pulp.certificate() {
        Some(_) => ("HTTPS", "https", 8443),
        None => ("HTTP", "http", 8080),
    };
    let ready = || http(scheme, port, "/web-ready", &[]);
    let mut mounts = vec![mount("config", "/etc/pulp-web"), mount("tmp", "/tmp")];
    let mut volumes = vec![config_volume("config", &name), scratch("tmp")];
    if let Some(secret) = pulp.certificate() {
        mounts.push(mount("tls", "/etc/pulp-web-tls"));
        volumes.push(secret_volume("tls", &secret));
    }
    PodSpec {
        security_context: Some(user(USER)),
        termination_grace_period_seconds: Some(GRACE),
        containers: vec![Container {
            name: "nginx".into(),
            image: Some(pulp.images.nginx.clone()),
            command: Some(
                ["nginx", "-c", "/etc/pulp-web/nginx.conf", "-g", "daemon off;"].map(Into::into).into(),
            ),
            ports: Some(vec![ContainerPort {
                name: Some(port.into()),
                container_port: number,
                ..Default::default()
            }]),
            resources: Some(Amounts::or(
                pulp.spec.web.template.resources.as_ref(),
                ["25m", "32Mi"],
                ["2", "256Mi"],
            )),
            readiness_probe: Some(every(ready(), 5, 5, 3)),
            liveness_probe: Some(every(ready(), 15, 10, 6)),
            lifecycle: Some(Lifecycle {
                pre_stop: Some(LifecycleHandler {
                    exec: Some(ExecAction { command: Some(["sh", "-c", DRAIN].map(Into::into).into()) }),
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
