//! What keeps Pulp from deleting artifacts while somebody copies them: a process that has the database refuse it, from beat to beat.
//!
//! Kubernetes itself ends the Job when the hold is over, whoever has died; and when the process ends, the last beat lapses.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use reconcile::{
    Object,
    field::Amounts,
    pod::{every, exec},
};

use super::{Instance, process};
use crate::names;

/// A hold that is renewed reaches further each time; the Job is told only at every such step (s).
const STEP: i64 = 300;
/// Less than what a beat holds: who is ready has held all the time since.
const READY: &str = "test $(($(date +%s) - $(cat /tmp/held))) -lt 30";

/// A Job that was made at `since` and ends by itself at `until`, or up to a step later.
pub fn objects(pulp: &Instance, since: Timestamp, until: Timestamp) -> Vec<Object> {
    let part = pulp.part(names::HOLD);
    let template = &pulp.spec.migration.template;
    let resources = Amounts::or(template.resources.as_ref(), ["10m", "64Mi"], ["1", "256Mi"]);
    let mut pod = process::pod(pulp, names::HOLD, "python3 /etc/pulp/scripts/hold.py", resources);
    pod.restart_policy = Some("OnFailure".into());
    pod.termination_grace_period_seconds = Some(10);
    pod.containers[0].readiness_probe = Some(every(exec(["sh", "-c", READY]), 5, 5, 2));
    let job = Job {
        metadata: part.metadata(part.name()),
        spec: Some(JobSpec {
            active_deadline_seconds: Some(deadline(until.duration_since(since))),
            // Whatever befalls a pod of it: another one, until the deadline.
            backoff_limit: Some(1000),
            template: part.template(pod),
            ..Default::default()
        }),
        ..Default::default()
    };
    vec![Object::from(job).templated(template)]
}

fn deadline(span: SignedDuration) -> i64 {
    ((span.as_secs() + STEP - 1) / STEP).max(1) * STEP
}
