//! What is done again and again: each a task of Pulp's, asked for by its REST API and waited for.

use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, JobSpec, JobTemplateSpec};
use reconcile::{Object, field::Amounts, pod::env, pod::env_secret};
use serde_json::{Value, json};

use super::{Instance, process};
use crate::names;

/// One `CronJob` for each schedule. `suspended`: none may begin.
pub fn objects(pulp: &Instance, suspended: bool) -> Vec<Object> {
    let wanted = &pulp.spec.maintenance;
    let orphans = wanted.orphan_cleanup.as_ref().map(|orphans| {
        let body = match orphans.protection_minutes {
            Some(minutes) => json!({ "orphan_protection_time": minutes }),
            None => json!({}),
        };
        cron_job(pulp, "orphans", &orphans.schedule, "orphans/cleanup", body)
    });
    let repair = wanted.repair.as_ref().map(|repair| {
        let body = json!({ "verify_checksums": repair.verify_checksums });
        cron_job(pulp, "repair", &repair.schedule, "repair", body)
    });
    let mut objects: Vec<_> = orphans.into_iter().chain(repair).collect();
    if suspended {
        for object in &mut objects {
            object.body.data["spec"]["suspend"] = true.into();
        }
    }
    objects
}

fn cron_job(pulp: &Instance, name: &str, schedule: &str, path: &str, body: Value) -> Object {
    let part = pulp.part(name);
    let template = &pulp.spec.migration.template;
    let resources = Amounts::or(template.resources.as_ref(), ["10m", "64Mi"], ["1", "256Mi"]);
    let mut pod = process::pod(pulp, name, "python3 /etc/pulp/scripts/task.py", resources);
    pod.restart_policy = Some("Never".into());
    pod.containers[0].env.get_or_insert_default().extend([
        env("URL", format!("http://{}:24817/pulp/api/v3/{path}/", pulp.address("api"))),
        env("BODY", body.to_string()),
        env_secret("PASSWORD", &pulp.part(names::ADMIN).name(), "password"),
    ]);
    let job = JobSpec { backoff_limit: Some(0), template: part.template(pod), ..Default::default() };
    let cron_job = CronJob {
        metadata: part.metadata(part.name()),
        spec: Some(CronJobSpec {
            schedule: schedule.into(),
            time_zone: pulp.spec.maintenance.time_zone.clone(),
            // A second one beside one that has not ended would do the same work.
            concurrency_policy: Some("Forbid".into()),
            starting_deadline_seconds: Some(3600),
            successful_jobs_history_limit: Some(1),
            failed_jobs_history_limit: Some(1),
            job_template: JobTemplateSpec { spec: Some(job), ..Default::default() },
            ..Default::default()
        }),
        ..Default::default()
    };
    Object::from(cron_job).templated(template)
}
