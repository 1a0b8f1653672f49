//! What came of a mover's Job: its own words, or why there are none.

use k8s_openapi::api::{
    batch::v1::{Job, JobCondition},
    core::v1::Pod,
};
use kube::{Api, Client, api::ListParams};
use reconcile::{Error, call};

use crate::mover::Outcome;

/// What came of a Job.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// It has not ended. For people: what its pod waits for, if for anything.
    No(Option<String>),
    /// As its mover says.
    With(Outcome),
    /// Without a word: its pod was killed, or the Job was deleted.
    Lost(String),
}

/// A Job that is there, and its pods.
pub struct Seen {
    /// Its pods.
    pub pods: Vec<Pod>,
    /// Whether it has succeeded.
    pub complete: bool,
    /// That it has failed, or is about to be said to have.
    pub failed: Option<JobCondition>,
}

/// Looks at a Job and its pods; `None`: there is no such Job.
pub async fn look(client: &Client, namespace: &str, name: &str) -> Result<Option<Seen>, Error> {
    let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
    let what = format!("Job {namespace}/{name}");
    let Some(job) = call("get", &what, jobs.get_opt(name)).await? else { return Ok(None) };
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let selector = ListParams::default().labels(&format!("job-name={name}"));
    let pods = call("list", format!("pods of {what}"), pods.list(&selector)).await?.items;
    let conditions = job.status.and_then(|status| status.conditions).unwrap_or_default();
    let ended = |type_: &str| conditions.iter().find(|one| one.type_ == type_ && one.status == "True");
    // Of a lost node nobody says for a long time that the pod has ended: that it is given up is enough.
    let failed = ended("Failed").or_else(|| ended("FailureTarget")).cloned();
    Ok(Some(Seen { pods, complete: ended("Complete").is_some(), failed }))
}

/// What has come of a mover's Job.
pub async fn of(client: &Client, namespace: &str, name: &str) -> Result<Ended, Error> {
    let what = format!("Job {namespace}/{name}");
    let Some(seen) = look(client, namespace, name).await? else {
        return Ok(Ended::Lost(format!("{what} was deleted")));
    };
    if let Some(outcome) = seen.pods.iter().find_map(outcome) {
        return Ok(Ended::With(outcome));
    }
    if let Some(failed) = seen.failed {
        if failed.reason.as_deref() == Some("DeadlineExceeded") {
            return Ok(Ended::With(Outcome::Failed(format!("{what} took longer than spec.deadline allows"))));
        }
        let why = seen.pods.iter().find_map(death).or(failed.message).unwrap_or_default();
        return Ok(Ended::Lost(format!("{what} ended without a word: {why}")));
    }
    if seen.complete {
        return Ok(Ended::Lost(format!("{what} has succeeded, but its pod is gone")));
    }
    Ok(Ended::No(seen.pods.iter().find_map(waiting)))
}

/// The mover's own words.
fn outcome(pod: &Pod) -> Option<Outcome> {
    let status = pod.status.as_ref()?.container_statuses.as_ref()?.first()?;
    let message = status.state.as_ref()?.terminated.as_ref()?.message.as_ref()?;
    serde_json::from_str(message).ok()
}

/// Why a pod died that said nothing.
fn death(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    if let Some(message) = status.message.clone().or(status.reason.clone()) {
        return Some(message);
    }
    let ended = status.container_statuses.as_ref()?.first()?.state.as_ref()?.terminated.as_ref()?;
    Some(format!("{} (exit code {})", ended.reason.as_deref().unwrap_or("ended"), ended.exit_code))
}

/// What a pod waits for.
fn waiting(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let container = status.container_statuses.iter().flatten().next();
    let waiting = container.and_then(|one| one.state.as_ref()?.waiting.as_ref());
    if let Some(waiting) = waiting.filter(|one| one.reason.as_deref() != Some("ContainerCreating")) {
        let message = waiting.message.clone().unwrap_or_default();
        return Some(format!("{}: {message}", waiting.reason.clone().unwrap_or_default()));
    }
    let conditions = status.conditions.iter().flatten();
    let scheduled = conditions.into_iter().find(|one| one.type_ == "PodScheduled" && one.status == "False");
    scheduled.and_then(|one| one.message.clone())
}
