//! Artifacts get the checksums that are allowed from now on. Pulp computes them when it takes an artifact in, and never again.

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use reconcile::{Object, field::Amounts};

use super::{Instance, migrate, process};
use crate::{names, read::Observed};

/// What is missing is computed before the new list counts anywhere, and while the old one counts nothing is removed. Nothing for a Pulp
/// that has served nobody yet.
pub fn add(pulp: &Instance, seen: &Observed) -> Vec<Object> {
    let wanted = achieves(pulp);
    let achieved = seen.status.achieved(&pulp.part(names::CHECKSUMS).name());
    let fits = match (achieved, &wanted) {
        (Some(achieved), Some(wanted)) => pulp.data.counts(achieved, wanted),
        (achieved, wanted) => achieved.is_none() && wanted.is_none(),
    };
    if fits || !seen.lived() { vec![] } else { job(pulp, names::CHECKSUMS_ADDED, "add") }
}

/// What is too much is removed once the new list counts everywhere, and what was taken in meanwhile is seen to.
pub fn fit(pulp: &Instance) -> Vec<Object> {
    job(pulp, names::CHECKSUMS, "fit")
}

/// What a success means; nothing if nothing was ever said about checksums.
fn achieves(pulp: &Instance) -> Option<String> {
    let names = pulp.checksums.as_ref()?.iter().map(|checksum| checksum.name());
    Some(names.collect::<Vec<_>>().join(" "))
}

fn job(pulp: &Instance, name: &str, what: &str) -> Vec<Object> {
    let Some(achieves) = achieves(pulp) else { return vec![] };
    let part = pulp.part(name);
    let template = &pulp.spec.migration.template;
    let resources = Amounts::or(template.resources.as_ref(), ["100m", "256Mi"], ["2", "2Gi"]);
    let command = format!("python3 /etc/pulp/scripts/checksums.py {what}");
    let mut pod = process::pod(pulp, name, &command, resources);
    pod.restart_policy = Some("Never".into());
    let job = Job {
        metadata: part.metadata(part.name()),
        // No deadline: every artifact is read, and a terabyte takes hours. One that is cut off goes on where it was.
        spec: Some(JobSpec { backoff_limit: Some(2), template: part.template(pod), ..Default::default() }),
        ..Default::default()
    };
    let job = Object::run(job, achieves).templated(template).on_data(&pulp.data);
    vec![migrate::on_own_volume(pulp, job)]
}
