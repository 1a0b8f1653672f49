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
    let task = match spec.task {
        Task::Backup { .. } => "backup",
        Task::Maintain { .. } => "maintain",
        Task::Restore { .. } => "restore",
    };
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
    // Maintenance deletes: it does so as the operator itself, in the operator's namespace.
    let own = matches!(spec.task, Task::Maintain { .. });
    let account = home.account.rsplit(':').next().filter(|_| own).map(str::to_owned);
    let pod = PodSpec {
        service_account_name: account,
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
        // Who was let in once and is not any more leaves Jobs to their deadline.
        Err(Error::Forbidden { said, .. }) => {
            tracing::warn!(namespace, said, "Jobs of a run are left to end by themselves");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use reconcile::{BackupContent, BackupDatabase};

    use super::*;
    use crate::crd::Reference;

    fn home() -> Home {
        Home {
            namespace: "backup-operator".into(),
            account: "system:serviceaccount:backup-operator:backup-operator".into(),
            gateway: "https://backup-operator.backup-operator.svc:8443".into(),
            ca: "CA".into(),
            certificate: Default::default(),
            image: "mover".into(),
            token: "/t".into(),
            claims: "/c".into(),
        }
    }

    fn spec(task: Task) -> Spec {
        Spec {
            task,
            run: "01234567-89ab".into(),
            attempt: 1,
            instance: Reference { kind: "Pulp".into(), namespace: "n".into(), name: "p".into() },
            storage: "main".into(),
            repository: "n".into(),
            gateway: String::new(),
            ca: String::new(),
            databases: vec![],
            content: vec![],
            secrets: vec![],
            config_maps: vec![],
        }
    }

    fn backup() -> Backup {
        Backup {
            databases: vec![BackupDatabase { name: "pulp".into(), secret: "p-libpq".into() }],
            content: vec![BackupContent {
                name: "artifacts".into(),
                volume: Some("p-storage".into()),
                user: Some(700),
                ..BackupContent::default()
            }],
            secrets: vec!["p-key".into()],
            config_maps: vec!["p-settings".into()],
            restore_order: 10,
        }
    }

    fn pod(task: Task) -> PodSpec {
        job(&home(), &spec(task), &backup(), 60).spec.and_then(|spec| spec.template.spec).unwrap()
    }

    fn mounts(pod: &PodSpec) -> Vec<(String, bool)> {
        let mounts = pod.containers[0].volume_mounts.clone().unwrap();
        mounts.into_iter().map(|mount| (mount.mount_path, mount.read_only == Some(true))).collect()
    }

    #[test]
    fn a_mover_reads_what_the_service_has_and_holds_nothing_else() {
        let pod = pod(Task::Backup { set: "s".into() });
        assert_eq!(
            mounts(&pod),
            [
                ("/tmp", false),
                ("/var/run/backup", false),
                ("/databases/pulp", true),
                ("/content/artifacts", true),
                ("/state/secrets/p-key", true),
                ("/state/configmaps/p-settings", true)
            ]
            .map(|(path, read_only)| (path.to_owned(), read_only))
        );
        assert_eq!(pod.automount_service_account_token, Some(false));
        assert_eq!((pod.service_account_name, pod.security_context.unwrap().run_as_user), (None, Some(700)));
    }

    #[test]
    fn a_restore_writes_content_and_sees_no_secret_but_the_databases() {
        let pod = pod(Task::Restore { stored: vec![], replace: false });
        let paths = mounts(&pod);
        assert!(paths.contains(&("/content/artifacts".into(), false)));
        assert!(paths.iter().all(|(path, _)| !path.starts_with("/state")));
    }

    #[test]
    fn only_maintenance_is_done_as_the_operator_itself() {
        let pod = pod(Task::Maintain { part: 0, of: 30 });
        assert_eq!(pod.service_account_name.as_deref(), Some("backup-operator"));
    }

    #[test]
    fn names_fit_and_differ() {
        let long = |name: &str| Reference {
            kind: "SmartProxy".into(),
            namespace: "n".into(),
            name: name.repeat(30),
        };
        let (one, other) = (
            names::job("backup", "0123456789", 1, &long("ab")),
            names::job("backup", "0123456789", 1, &long("ac")),
        );
        assert!(one.len() <= 63 && one != other, "{one} {other}");
        assert_eq!(
            names::job("restore", "0123456789", 2, &spec(Task::Maintain { part: 0, of: 1 }).instance),
            "restore-01234567-2-pulp-p"
        );
    }
}
