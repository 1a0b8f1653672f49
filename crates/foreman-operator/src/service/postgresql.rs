//! The embedded `PostgreSQL`: databases and users of Foreman and Candlepin, passwords by SCRAM, one volume.
//!
//! Independent of the image's vendor: our own script makes the cluster and the roles with the tools that every image has.

use k8s_openapi::api::core::v1::{
    Container, ContainerPort, EmptyDirVolumeSource, ExecAction, Lifecycle, LifecycleHandler, PodSpec,
    SecurityContext, Volume,
};
use reconcile::{
    Object,
    pod::{claim_volume, config_volume, env, env_secret, every, exec, mount, scratch, user},
};

use super::{Instance, memory};
use crate::names;

const START: &str = include_str!("postgresql/start.sh");
/// The user `postgres` of upstream's image.
const USER: i64 = 26;
/// Checkpoint and end (s); a crash recovery would take longer.
const GRACE: i64 = 120;

/// Nothing if the database is somebody else's.
pub fn objects(foreman: &Instance) -> Vec<Object> {
    if foreman.external.is_some() {
        return vec![];
    }
    let part = foreman.part("database");
    let volume = foreman.volume("database");
    vec![
        part.claim(&volume.size, volume.storage_class_name.as_deref(), "ReadWriteOnce").kept(foreman.keep),
        part.config_map([("start.sh", START.into())]),
        part.service("ClusterIP", &[("postgresql", 5432)]),
        part.stateful_set(pod(foreman)),
    ]
}

fn pod(foreman: &Instance) -> PodSpec {
    let resources =
        foreman.resources(foreman.spec.resources.database.as_ref(), ["100m", "256Mi"], ["2", "1Gi"]);
    let embedded = foreman.spec.database.embedded.clone().unwrap_or_default();
    let name = foreman.part("database").name();
    let mut databases = vec!["foreman"];
    let mut variables = vec![
        env("MAX_CONNECTIONS", embedded.max_connections.to_string()),
        env("SHARED_BUFFERS", format!("{}MB", memory(&resources) / 4)),
        env_secret("PASSWORD_foreman", &foreman.part(names::DATABASE).name(), "password"),
    ];
    if foreman.katello() {
        databases.push("candlepin");
        variables.push(env_secret(
            "PASSWORD_candlepin",
            &foreman.part(names::DATABASE_CANDLEPIN).name(),
            "password",
        ));
    }
    variables.push(env("DATABASES", databases.join(" ")));
    let answers = || exec(["pg_isready", "--quiet", "--host=/var/run/postgresql"]);
    let stop = ["pg_ctl", "stop", "--pgdata=/var/lib/pgsql/data/userdata", "--mode=fast", "--timeout=110"];
    PodSpec {
        security_context: Some(user(USER)),
        termination_grace_period_seconds: Some(GRACE),
        containers: vec![Container {
            name: "postgresql".into(),
            image: Some(foreman.images.postgresql.clone()),
            command: Some(["bash", "/etc/postgresql-start/start.sh"].map(Into::into).into()),
            env: Some(variables),
            ports: Some(vec![ContainerPort {
                name: Some("postgresql".into()),
                container_port: 5432,
                ..Default::default()
            }]),
            resources: Some(resources),
            // While the roles are made the server listens on its socket in /tmp only, and so is not ready.
            readiness_probe: Some(every(answers(), 5, 5, 3)),
            liveness_probe: Some(every(answers(), 10, 10, 6)),
            startup_probe: Some(every(answers(), 2, 5, 300)),
            lifecycle: Some(Lifecycle {
                // SIGTERM would wait for every client to go by itself.
                pre_stop: Some(LifecycleHandler {
                    exec: Some(ExecAction { command: Some(stop.map(Into::into).into()) }),
                    ..Default::default()
                }),
                ..Default::default()
            }),
            security_context: Some(SecurityContext {
                read_only_root_filesystem: Some(true),
                ..Default::default()
            }),
            volume_mounts: Some(vec![
                mount("data", "/var/lib/pgsql/data"),
                mount("start", "/etc/postgresql-start"),
                mount("run", "/var/run/postgresql"),
                mount("tmp", "/tmp"),
                mount("shm", "/dev/shm"),
            ]),
            ..Default::default()
        }],
        volumes: Some(vec![
            claim_volume("data", &name),
            config_volume("start", &name),
            scratch("run"),
            scratch("tmp"),
            // The runtime's own 64 MiB are too few for parallel queries.
            Volume {
                name: "shm".into(),
                empty_dir: Some(EmptyDirVolumeSource { medium: Some("Memory".into()), ..Default::default() }),
                ..Default::default()
            },
        ]),
        ..Default::default()
    }
}
