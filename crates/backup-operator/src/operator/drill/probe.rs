//! What somebody asks of the services that a drill has restored, in his own words: one Job for each probe, in a scratch namespace.

use k8s_openapi::api::{
    batch::v1::{Job, JobSpec},
    core::v1::{Container, Pod, PodSpec, PodTemplateSpec},
};
use kube::{Client, ResourceExt, api::ObjectMeta};
use reconcile::{
    Error,
    pod::{mount, scratch},
};

use super::super::{ended, jobs, names};
use crate::crd::{Probe, Probed, Restore};

/// Where its Secrets are.
const SECRETS: &str = "/secrets";

/// Starts what has not been started, and says what came of all of them; `None`: some go on.
pub async fn step(
    client: &Client,
    probes: &[Probe],
    restore: &Restore,
) -> Result<Option<Vec<Probed>>, Error> {
    let uid = restore.uid().unwrap_or_default();
    let restored = restore.status.iter().flat_map(|status| &status.instances);
    let scratch: Vec<&str> = restored.map(|one| one.to.namespace.as_str()).collect();
    let mut done = Vec::new();
    for probe in probes {
        let said = |message: String| Probed { name: probe.name.clone(), worked: message.is_empty(), message };
        if !scratch.contains(&probe.namespace.as_str()) {
            let message = format!("spec.probes: nothing was restored into namespace {}", probe.namespace);
            done.push(said(message));
            continue;
        }
        let job = job(probe, &uid);
        jobs::start(client, &job).await?;
        match outcome(client, &probe.namespace, &job.name_any()).await? {
            Some(message) => done.push(said(message)),
            None => return Ok(None),
        }
    }
    Ok(Some(done))
}

/// What is wrong with what a Job has found, nothing if nothing is; `None` as long as it goes on.
async fn outcome(client: &Client, namespace: &str, name: &str) -> Result<Option<String>, Error> {
    let what = format!("Job {namespace}/{name}");
    let Some(seen) = ended::look(client, namespace, name).await? else {
        return Ok(Some(format!("{what} was deleted")));
    };
    if seen.complete {
        return Ok(Some(String::new()));
    }
    let Some(failed) = seen.failed else { return Ok(None) };
    let why = seen.pods.iter().find_map(last_words).or(failed.message).unwrap_or_default();
    Ok(Some(format!("{what} has failed: {why}")))
}

/// The exit code, and the end of the log.
fn last_words(pod: &Pod) -> Option<String> {
    let container = pod.status.as_ref()?.container_statuses.as_ref()?.first()?;
    let ended = container.state.as_ref()?.terminated.as_ref()?;
    let log = ended.message.as_deref().unwrap_or_default().trim();
    let log: String = log.chars().skip(log.chars().count().saturating_sub(500)).collect();
    Some(format!("exit code {}: {}", ended.exit_code, log.replace('\n', "; ")))
}

fn job(probe: &Probe, uid: &str) -> Job {
    let mut volumes = vec![scratch("tmp")];
    let mut mounts = vec![mount("tmp", "/tmp")];
    for (number, secret) in probe.secrets.iter().enumerate() {
        let volume = jobs::optional_secret(format!("secret-{number}"), secret);
        let mut mount = mount(&volume.name, &format!("{SECRETS}/{secret}"));
        mount.read_only = Some(true);
        mounts.push(mount);
        volumes.push(volume);
    }
    let container = Container {
        name: "probe".into(),
        image: Some(probe.image.clone()),
        command: Some(probe.command.clone()),
        volume_mounts: Some(mounts),
        resources: Some(jobs::resources("10m", "32Mi", "256Mi")),
        security_context: Some(jobs::locked()),
        // What it said last is what is told of it.
        termination_message_policy: Some("FallbackToLogsOnError".into()),
        ..Default::default()
    };
    let pod = PodSpec {
        restart_policy: Some("Never".into()),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        security_context: Some(jobs::unprivileged(jobs::NOBODY)),
        containers: vec![container],
        volumes: Some(volumes),
        ..Default::default()
    };
    let mut labels = names::labels(uid, 1);
    labels.insert("app.kubernetes.io/name".into(), "backup-probe".into());
    Job {
        metadata: ObjectMeta {
            name: Some(format!("probe-{}-{}", names::short(uid), probe.name)),
            namespace: Some(probe.namespace.clone()),
            labels: Some(labels.clone()),
            ..Default::default()
        },
        spec: Some(JobSpec {
            backoff_limit: Some(0),
            active_deadline_seconds: Some(probe.deadline.seconds()),
            ttl_seconds_after_finished: Some(jobs::KEPT),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: Some(labels), ..Default::default() }),
                spec: Some(pod),
            },
            ..Default::default()
        }),
        ..Default::default()
    }
}
