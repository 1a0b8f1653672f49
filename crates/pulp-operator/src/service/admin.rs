//! The administrator's password: set once, and again whenever its Secret is another one.

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use reconcile::{Object, field::Amounts, hash, pod::env_secret};

use super::{Instance, migrate, process};
use crate::names;

/// A Job for each password.
pub fn objects(pulp: &Instance) -> Vec<Object> {
    let part = pulp.part("admin");
    let template = &pulp.spec.migration.template;
    let resources = Amounts::or(template.resources.as_ref(), ["100m", "256Mi"], ["2", "1Gi"]);
    let mut pod = process::pod(pulp, "admin", "python3 /etc/pulp/scripts/admin.py", resources);
    pod.restart_policy = Some("Never".into());
    let secret = pulp.part(names::ADMIN).name();
    pod.containers[0].env.get_or_insert_default().push(env_secret("PASSWORD", &secret, "password"));
    let job = Job {
        metadata: part.metadata(part.name()),
        spec: Some(JobSpec {
            backoff_limit: Some(2),
            active_deadline_seconds: Some(600),
            template: part.template(pod),
            ..Default::default()
        }),
        ..Default::default()
    };
    // With a secret besides: what stands in a status must not help to guess a password.
    let which = hash(&(&pulp.keys.secret_key, &pulp.keys.admin));
    let job = Object::run(job, format!("password {which}")).templated(template).on_data(&pulp.data);
    vec![migrate::on_own_volume(pulp, job)]
}
