//! Recurring tasks of Foreman and its plugins: `foreman-rake cron:<period>`.

use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, JobSpec, JobTemplateSpec};
use reconcile::{Object, field::Amounts};

use super::{
    Instance,
    rails::{self, Process},
};

/// Periods and their schedules, spread over the hour: all at once would be a load peak.
const SCHEDULES: [(&str, &str); 4] = [
    ("cron-hourly", "7 * * * *"),
    ("cron-daily", "17 1 * * *"),
    ("cron-weekly", "27 2 * * 0"),
    ("cron-monthly", "37 3 1 * *"),
];

/// One `CronJob` per period. `suspended`: none may begin.
pub fn objects(foreman: &Instance, suspended: bool) -> Vec<Object> {
    let mut objects: Vec<_> =
        SCHEDULES.iter().map(|(name, schedule)| cron_job(foreman, name, schedule)).collect();
    if suspended {
        for object in &mut objects {
            object.body.data["spec"]["suspend"] = true.into();
        }
    }
    objects
}

fn cron_job(foreman: &Instance, name: &str, schedule: &str) -> Object {
    let part = foreman.part(name);
    let process = Process {
        name: "rake",
        command: vec!["foreman-rake".into(), name.replacen('-', ":", 1)],
        resources: Amounts::or(foreman.spec.resources.job.as_ref(), ["100m", "512Mi"], ["2", "3Gi"]),
        events: false,
        env: vec![],
    };
    let mut pod = rails::pod(foreman, process);
    pod.restart_policy = Some("Never".into());
    CronJob {
        metadata: part.metadata(part.name()),
        spec: Some(CronJobSpec {
            schedule: schedule.into(),
            // A second run beside one that has not ended would do the same work against it.
            concurrency_policy: Some("Forbid".into()),
            starting_deadline_seconds: Some(1800),
            successful_jobs_history_limit: Some(1),
            failed_jobs_history_limit: Some(1),
            job_template: JobTemplateSpec {
                spec: Some(JobSpec {
                    backoff_limit: Some(0),
                    active_deadline_seconds: Some(1800),
                    template: part.template(pod),
                    ..Default::default()
                }),
                ..Default::default()
            },
            ..Default::default()
        }),
        ..Default::default()
    }
    .into()
}
