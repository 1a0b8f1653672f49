//! The Jobs of movers.

use k8s_openapi::{
    api::{
        batch::v1::{Job, JobSpec},
        core::v1::{
            Capabilities, Container, PersistentVolumeClaimVolumeSource, PodSecurityContext, PodSpec,
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
    pod::{config_volume, env, mount, scratch, user},
};

use super::{
    home::Home,
    names::{self, AUDIENCE},
};
use crate::{
    crd::Reference,
    mover::{
        Spec, Task,
        spec::{BUCKETS, CONFIG_MAPS, CONTENT, DATABASES, SECRETS, VARIABLE},
    },
};

/// User of a pod that has no files of anybody's: also of a mover whose instance does not say whose its files are.
pub const NOBODY: i64 = 65532;
/// How long a Job that has ended stays, for whoever wants to read its log (s).
pub const KEPT: i32 = 3600;

/// What a mover is told: its task, for which run and try, of which instance, in which storage and repository.
pub fn spec(
    home: &Home,
    task: Task,
    (run, attempt): (&str, i32),
    instance: &Reference,
    (storage, repository): (&str, &str),
    backup: &Backup,
) -> Spec {
    Spec {
        task,
        run: run.into(),
        attempt,
        instance: instance.clone(),
        storage: storage.into(),
        repository: repository.into(),
        gateway: home.gateway.clone(),
        ca: home.ca.clone(),
        databases: backup.databases.iter().map(|database| database.name.clone()).collect(),
        content: backup.content.clone(),
        secrets: backup.secrets.clone(),
        config_maps: backup.config_maps.clone(),
    }
}

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
        } else if let Some(secret) = &content.bucket_secret {
            let volume = optional_secret(format!("bucket-{number}"), secret);
            add(volume, format!("{BUCKETS}/{}", content.name), true);
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
        resources: Some(resources("50m", "96Mi", "768Mi")),
        security_context: Some(locked()),
        ..Default::default()
    };
    let labels = names::labels(&spec.run, spec.attempt);
    // Maintenance deletes: it does so as the operator itself, in the operator's namespace.
    let own = matches!(spec.task, Task::Maintain { .. });
    // A bucket without a key is opened by the identity that the service's own pods have.
    let identity = backup.content.iter().find_map(|content| content.service_account_name.clone());
    let mut told = labels.clone();
    if identity.is_some() {
        // Azure gives an identity only to pods that ask for it.
        told.insert("azure.workload.identity/use".into(), "true".into());
    }
    let pod = PodSpec {
        service_account_name: if own { home.account.rsplit(':').next().map(str::to_owned) } else { identity },
        restart_policy: Some("Never".into()),
        // It asks the API server nothing.
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        security_context: Some(unprivileged(user)),
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
                metadata: Some(ObjectMeta { labels: Some(told), ..Default::default() }),
                spec: Some(pod),
            },
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// What a container is given: processor and memory at least, memory at most.
pub fn resources(cpu: &str, memory: &str, most: &str) -> ResourceRequirements {
    let quantity = |text: &str| Quantity(text.into());
    ResourceRequirements {
        requests: Some([("cpu".into(), quantity(cpu)), ("memory".into(), quantity(memory))].into()),
        limits: Some([("memory".into(), quantity(most))].into()),
        ..Default::default()
    }
}

/// A container as the restricted Pod Security Standard wants it.
pub fn locked() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), ..Default::default() }),
        ..Default::default()
    }
}

/// A pod as it wants it, of this user.
pub fn unprivileged(id: i64) -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".into(), ..Default::default() }),
        ..user(id)
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
pub fn optional_secret(name: String, secret: &str) -> Volume {
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

    fn spec(task: Task) -> Spec {
        let of = Reference { kind: "Pulp".into(), namespace: "n".into(), name: "p".into() };
        super::spec(&Home::unreached(), task, ("01234567-89ab", 1), &of, ("main", "n"), &backup())
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
        job(&Home::unreached(), &spec(task), &backup(), 60).spec.and_then(|spec| spec.template.spec).unwrap()
    }

    fn restore() -> Task {
        Task::Restore { stored: vec![], replace: false, mark: None }
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
        let pod = pod(restore());
        let paths = mounts(&pod);
        assert!(paths.contains(&("/content/artifacts".into(), false)));
        assert!(paths.iter().all(|(path, _)| !path.starts_with("/state")));
    }

    #[test]
    fn a_bucket_is_opened_by_its_secret_alone_or_by_the_identity_of_the_services_pods() {
        let mut backup = backup();
        let content = &mut backup.content[0];
        (content.volume, content.user, content.bucket_secret) = (None, None, Some("p-bucket".into()));
        let template = |backup: &Backup, task: Task| {
            job(&Home::unreached(), &spec(task), backup, 60).spec.map(|spec| spec.template).unwrap()
        };
        let asks = "azure.workload.identity/use";
        for task in [Task::Backup { set: "s".into() }, restore()] {
            let made = template(&backup, task.clone());
            let pod = made.spec.unwrap();
            let bucket = pod.volumes.iter().flatten().find(|volume| volume.name == "bucket-0").unwrap();
            assert_eq!(bucket.secret.as_ref().unwrap().secret_name.as_deref(), Some("p-bucket"));
            assert!(mounts(&pod).contains(&("/buckets/artifacts".into(), true)));
            assert!(
                mounts(&pod)
                    .iter()
                    .all(|(path, _)| path != "/content/artifacts" && !path.ends_with("p-bucket"))
            );
            assert_eq!(pod.service_account_name, None);
            assert!(!made.metadata.unwrap().labels.unwrap().contains_key(asks));

            let mut backup = backup.clone();
            backup.content[0].service_account_name = Some("opener".into());
            let made = template(&backup, task);
            let pod = made.spec.unwrap();
            assert_eq!(pod.service_account_name.as_deref(), Some("opener"));
            assert_eq!(pod.automount_service_account_token, Some(false));
            assert_eq!(made.metadata.unwrap().labels.unwrap()[asks], "true");
        }
    }

    #[test]
    fn only_maintenance_is_done_as_the_operator_itself() {
        let pod = pod(Task::Maintain { part: 0, of: 30, prune: true });
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
            names::job(
                "restore",
                "0123456789",
                2,
                &spec(Task::Maintain { part: 0, of: 1, prune: true }).instance
            ),
            "restore-01234567-2-pulp-p"
        );
    }
}
