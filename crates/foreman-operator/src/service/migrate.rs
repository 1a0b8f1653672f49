//! Migration and seeding of Foreman's database: once for each image and set of plugins, and for each volume.

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use reconcile::{Object, field::Amounts};

use super::{
    Instance,
    rails::{self, Process},
};

/// The configuration that it and all that follow need, and the Job.
pub fn objects(foreman: &Instance) -> Vec<Object> {
    rails::objects(foreman).into_iter().chain([job(foreman)]).collect()
}

/// The Job.
pub fn job(foreman: &Instance) -> Object {
    let part = foreman.part("migrate");
    let process = Process {
        name: "migrate",
        command: ["bash", "-c", "bin/rails db:migrate && bin/rails db:seed"].map(Into::into).into(),
        resources: Amounts::or(foreman.spec.resources.job.as_ref(), ["100m", "512Mi"], ["2", "3Gi"]),
        events: false,
        env: vec![],
    };
    let mut pod = rails::pod(foreman, process);
    pod.restart_policy = Some("Never".into());
    let job = Job {
        metadata: part.metadata(part.name()),
        spec: Some(JobSpec {
            // Three tries with growing distance, then a rest: a database that is away for a minute is no failure.
            backoff_limit: Some(2),
            active_deadline_seconds: Some(4 * 3600),
            template: part.template(pod),
            ..Default::default()
        }),
        ..Default::default()
    };
    let run = Object::run(job, foreman.release()).on_data(&foreman.data);
    // Of a database of somebody else's only the status can say what it was migrated to.
    match foreman.external {
        None => run.on_volume(foreman.part("database").name()),
        Some(_) => run,
    }
}
