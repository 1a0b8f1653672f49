//! A small process that tells Prometheus, and the operator where workers follow the tasks, what the database knows of tasks and
//! processes. Besides the scripts it gets nothing but the way to the database: no key, no setting, no artifact.

use k8s_openapi::api::core::v1::{Container, ContainerPort, PodSpec};
use reconcile::{
    Object, Replace,
    field::Amounts,
    pod::{config_volume, env, every, http, mount, read_only_root, secret_volume, user},
};
use serde_json::json;

use super::{Instance, process, settings};
use crate::{checked::Artifacts, names};

/// Where it listens.
pub const PORT: u16 = 24818;

/// Pod and Service, and a `ServiceMonitor` where the cluster has that kind (`monitored`).
pub fn objects(pulp: &Instance, monitored: bool) -> Vec<Object> {
    let (part, spec) = (pulp.part("metrics"), &pulp.spec.metrics);
    if !spec.enabled {
        return vec![];
    }
    let deployment = part.deployment(1, Replace::Rolling, pod(pulp)).templated(&spec.template);
    let mut objects = vec![deployment, part.service("ClusterIP", &[("metrics", PORT.into())])];
    if monitored {
        let mut metadata = part.metadata(part.name());
        metadata.labels.get_or_insert_default().extend(spec.service_monitor.labels.clone());
        let endpoint = json!({
            "port": "metrics", "path": "/metrics",
            "interval": format!("{}s", spec.service_monitor.interval_seconds),
        });
        let spec = json!({ "selector": { "matchLabels": part.selector() }, "endpoints": [endpoint] });
        objects.push(Object::foreign(("monitoring.coreos.com", "v1", "ServiceMonitor"), metadata, spec));
    }
    objects
}

/// What of it has the database open, at rest.
pub fn stopped(pulp: &Instance) -> Vec<Object> {
    let mut objects = objects(pulp, false);
    objects.retain(|object| object.api.kind == "Deployment");
    for deployment in &mut objects {
        deployment.body.data["spec"]["replicas"] = 0.into();
    }
    objects
}

fn pod(pulp: &Instance) -> PodSpec {
    let spec = &pulp.spec.metrics;
    let mut variables = vec![process::field("POD_IP", "status.podIP")];
    // The API knows the volume's size; a volume for one node could not be mounted here.
    if let Artifacts::Volume(_) = &pulp.artifacts {
        variables.push(env("API", pulp.address("api")));
    }
    if let Some(minutes) = spec.artifacts_every_minutes {
        variables.push(env("ARTIFACTS", (minutes * 60).to_string()));
    }
    let alive = || http("HTTP", "metrics", "/alive", &[]);
    PodSpec {
        security_context: Some(user(process::USER)),
        service_account_name: pulp.spec.service_account_name.clone(),
        containers: vec![Container {
            name: "metrics".into(),
            image: Some(pulp.images.pulp.clone()),
            command: Some(["python3", "/etc/pulp/scripts/metrics.py"].map(Into::into).into()),
            env: Some(variables),
            ports: Some(vec![ContainerPort {
                name: Some("metrics".into()),
                container_port: PORT.into(),
                ..Default::default()
            }]),
            resources: Some(Amounts::or(spec.template.resources.as_ref(), ["10m", "48Mi"], ["1", "128Mi"])),
            readiness_probe: Some(every(alive(), 10, 5, 3)),
            liveness_probe: Some(every(alive(), 30, 10, 5)),
            security_context: Some(read_only_root()),
            volume_mounts: Some(vec![
                mount("database", "/etc/pulp/database"),
                mount("scripts", "/etc/pulp/scripts"),
            ]),
            ..Default::default()
        }],
        volumes: Some(vec![
            secret_volume("database", &pulp.part(names::LIBPQ).name()),
            config_volume("scripts", &settings::scripts(pulp).name()),
        ]),
        ..Default::default()
    }
}
