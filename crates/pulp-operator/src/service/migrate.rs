//! Migration of the database: once for each image and set of plugins. And what has to be known before one: whether a gate lies
//! between the release that runs and the one that is wanted.

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use reconcile::{Object, field::Amounts, pod::env};

use super::{Instance, process};

/// Migrates.
pub fn objects(pulp: &Instance) -> Vec<Object> {
    vec![on_own_volume(pulp, job(pulp, "migrate", "migrate"))]
}

/// Changes nothing; says what a migration would meet.
pub fn preflight(pulp: &Instance) -> Vec<Object> {
    vec![job(pulp, "preflight", "look")]
}

/// Of a database of somebody else's only the status can say what was done to it.
pub fn on_own_volume(pulp: &Instance, job: Object) -> Object {
    match pulp.external {
        None => job.on_volume(pulp.part("database").name()),
        Some(_) => job,
    }
}

fn job(pulp: &Instance, name: &str, what: &str) -> Object {
    let part = pulp.part(name);
    let spec = &pulp.spec.migration;
    let resources = Amounts::or(spec.template.resources.as_ref(), ["100m", "512Mi"], ["2", "2Gi"]);
    let command = format!("python3 /etc/pulp/scripts/migrate.py {what}");
    let mut pod = process::pod(pulp, name, &command, resources);
    pod.restart_policy = Some("Never".into());
    if !spec.retry.is_empty() {
        pod.containers[0].env.get_or_insert_default().push(env("RETRY", &spec.retry));
    }
    let job = Job {
        metadata: part.metadata(part.name()),
        spec: Some(JobSpec {
            // No deadline: millions of rows take hours, and a migration that is cut off begins anew.
            backoff_limit: Some(2),
            template: part.template(pod),
            ..Default::default()
        }),
        ..Default::default()
    };
    Object::run(job, pulp.release()).answering().templated(&spec.template).on_data(&pulp.data)
}
