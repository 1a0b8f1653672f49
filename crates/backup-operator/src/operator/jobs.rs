//! The Jobs of movers, and what came of them.

use k8s_openapi::{
    api::{
        batch::v1::{Job, JobSpec},
        core::v1::{
            Capabilities, Container, PersistentVolumeClaimVolumeSource, Pod, PodSecurityContext, PodSpec,
            PodTemplateSpec, ProjectedVolumeSource, ResourceRequirements, SeccompProfile, SecretVolumeSource,
            SecurityContext, ServiceAccountTokenProjection, Volume, VolumeProjection,
        },
    },
    apimachinery::pkg::api::resource::Quantity,
};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, ObjectMeta, PostParams},
};
use reconcile::{
    Backup, Error, call,
    pod::{config_volume, env, mount, scratch},
};

use super::{
    home::Home,
    names::{self, AUDIENCE},
};
use crate::mover::{
    Outcome, Spec, Task,
    spec::{CONFIG_MAPS, CONTENT, DATABASES, SECRETS, VARIABLE},
};

/// User of a mover whose instance does not say whose its files are.
const NOBODY: i64 = 65532;
/// How long a Job that has ended stays, for whoever wants to read its log (s).
const KEPT: i32 = 3600;

/// A mover's Job.
pub fn job(home: &Home, spec: &Spec, backup: &Backup, deadline: i64) -> Job {
    let restoring = matches!(spec.task, Task::Restore { .. });
    let task = if restoring { "restore" } else { "backup" };
    let mut volumes = vec![scratch("tmp"), token()];
    let mut mounts = vec![mount("tmp", "/tmp"), mount("token", "/var/run/backup")];
    let mut add = |volume: Volume, path: String, read_only: bool| {
        let mut mount = mount(&volume.name, &path);
        mount.read_only = read_only.then_some(true);
        mounts.push(mount);
        volumes.push(volume);
    };
    for (number, database) in backup.databases.iter().enumerate() {
        let volume = optional_secret(format!("database-{number}"), &database.secret);
        add(volume, format!("{DATABASES}/{}", database.name), true);
    }
    for (number, content) in backup.content.iter().enumerate() {
        if let Some(claim) = &content.volume {
            let volume = Volume {
                name: format!("content-{number}"),
                persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                    claim_name: claim.clone(),
                    read_only: None,
                }),
                ..Default::default()
            };
            add(volume, format!("{CONTENT}/{}", content.name), !restoring);
        }
    }
    if !restoring {
        for (number, name) in backup.secrets.iter().enumerate() {
            add(optional_secret(format!("secret-{number}"), name), format!("{SECRETS}/{name}"), true);
        }
        for (number, name) in backup.config_maps.iter().enumerate() {
            let mut volume = config_volume(&format!("config-{number}"), name);
            if let Some(source) = &mut volume.config_map {
                source.optional = Some(true);
            }
            add(volume, format!("{CONFIG_MAPS}/{name}"), true);
        }
    }
    let user = backup.content.iter().find_map(|content| content.user).unwrap_or(NOBODY);
    let quantity = |text: &str| Quantity(text.into());
    let container = Container {
        name: "mover".into(),
        image: Some(home.image.clone()),
        command: Some(vec!["/operator".into(), "move".into()]),
        env: Some(vec![
            env(VARIABLE, serde_json::to_string(spec).unwrap_or_default()),
            env("HOME", "/tmp"),
            env("MALLOC_ARENA_MAX", "2"),
        ]),
        volume_mounts: Some(mounts),
        resources: Some(ResourceRequirements {
            requests: Some([("cpu".into(), quantity("50m")), ("memory".into(), quantity("96Mi"))].into()),
            limits: Some([("memory".into(), quantity("768Mi"))].into()),
            ..Default::default()
        }),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), ..Default::default() }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let labels = names::labels(&spec.run, spec.attempt);
    let pod = PodSpec {
        restart_policy: Some("Never".into()),
        // It asks the API server nothing.
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(user),
            run_as_group: Some(user),
            fs_group: Some(user),
            fs_group_change_policy: Some("OnRootMismatch".into()),
            seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".into(), ..Default::default() }),
            ..Default::default()
        }),
        containers: vec![container],
        volumes: Some(volumes),
        ..Default::default()
    };
    Job {
        metadata: ObjectMeta {
            name: Some(names::job(task, &spec.run, spec.attempt, &spec.instance)),
            namespace: Some(spec.instance.namespace.clone()),
            labels: Some(labels.clone()),
            ..Default::default()
        },
        spec: Some(JobSpec {
            // What it did not manage the operator begins anew, with the whole set.
            backoff_limit: Some(0),
            active_deadline_seconds: Some(deadline),
            ttl_seconds_after_finished: Some(KEPT),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: Some(labels), ..Default::default() }),
                spec: Some(pod),
            },
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// A token by which the gateway knows the mover's namespace, and which nobody else takes.
fn token() -> Volume {
    Volume {
        name: "token".into(),
        projected: Some(ProjectedVolumeSource {
            default_mode: Some(0o440),
            sources: Some(vec![VolumeProjection {
                service_account_token: Some(ServiceAccountTokenProjection {
                    audience: Some(AUDIENCE.into()),
                    expiration_seconds: Some(3600),
                    path: "token".into(),
                }),
                ..Default::default()
            }]),
        }),
        ..Default::default()
    }
}

/// Optional: without it the pod would not even start, and could not say what it lacks.
fn optional_secret(name: String, secret: &str) -> Volume {
    Volume {
        name,
        secret: Some(SecretVolumeSource {
            secret_name: Some(secret.into()),
            optional: Some(true),
            default_mode: Some(0o440),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Makes a Job that is not there yet.
pub async fn start(client: &Client, job: &Job) -> Result<(), Error> {
    let namespace = job.metadata.namespace.clone().unwrap_or_default();
    let name = job.metadata.name.clone().unwrap_or_default();
    let api: Api<Job> = Api::namespaced(client.clone(), &namespace);
    match call("create", format!("Job {namespace}/{name}"), api.create(&PostParams::default(), job)).await {
        Ok(_) | Err(Error::Api { code: Some(409), .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

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

/// Looks at a Job and its pod.
pub async fn ended(client: &Client, namespace: &str, name: &str) -> Result<Ended, Error> {
    let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
    let what = format!("Job {namespace}/{name}");
    let Some(job) = call("get", &what, jobs.get_opt(name)).await? else {
        return Ok(Ended::Lost(format!("{what} was deleted")));
    };
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let selector = ListParams::default().labels(&format!("job-name={name}"));
    let pods = call("list", format!("pods of {what}"), pods.list(&selector)).await?;
    let conditions = job.status.and_then(|status| status.conditions).unwrap_or_default();
    let ended = |type_: &str| conditions.iter().find(|one| one.type_ == type_ && one.status == "True");
    for pod in &pods.items {
        if let Some(outcome) = outcome(pod) {
            return Ok(Ended::With(outcome));
        }
    }
    if let Some(failed) = ended("Failed") {
        let reason = failed.reason.clone().unwrap_or_default();
        let why =
            pods.items.iter().find_map(death).unwrap_or_else(|| failed.message.clone().unwrap_or_default());
        if reason == "DeadlineExceeded" {
            return Ok(Ended::With(Outcome::Failed(format!("{what} took longer than spec.deadline allows"))));
        }
        return Ok(Ended::Lost(format!("{what} ended without a word: {why}")));
    }
    if ended("Complete").is_some() {
        return Ok(Ended::Lost(format!("{what} has succeeded, but its pod is gone")));
    }
    Ok(Ended::No(pods.items.iter().find_map(waiting)))
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

/// Deletes the Jobs of a run in a namespace, and with them their pods.
pub async fn delete(client: &Client, namespace: &str, run: &str) -> Result<(), Error> {
    let api: Api<Job> = Api::namespaced(client.clone(), namespace);
    let selector = ListParams::default().labels(&format!("{}={run}", names::RUN));
    let parameters = DeleteParams::background();
    let what = format!("Jobs of a run in {namespace}");
    match call("delete", what, api.delete_collection(&parameters, &selector)).await {
        Ok(_) | Err(Error::Api { code: Some(404), .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
