//! A `PostgreSQL` of one pod: databases and their users, passwords by SCRAM, one volume.
//!
//! Independent of the image's vendor: our own script makes the cluster and the roles with the tools that every image has.

use k8s_openapi::api::core::v1::{
    Container, ContainerPort, EmptyDirVolumeSource, ExecAction, Lifecycle, LifecycleHandler, PodSpec,
    ResourceRequirements, Volume,
};

use crate::{
    field,
    object::Object,
    part::Part,
    pod::{
        claim_volume, config_volume, env, env_secret, every, exec, memory, mount, read_only_root, scratch,
        user,
    },
};

const START: &str = include_str!("postgresql/start.sh");
/// The user `postgres` of upstream's image.
const USER: i64 = 26;
/// Checkpoint and end (s); a crash recovery would take longer.
const GRACE: i64 = 120;

/// A `PostgreSQL` of one pod.
#[derive(Clone, Debug)]
pub struct Postgresql<'a> {
    /// The part of the instance that it is.
    pub part: Part,
    /// Its image, with `initdb`, `pg_ctl` and `psql` in its path.
    pub image: &'a str,
    /// Its volume.
    pub volume: &'a field::Volume,
    /// Whether the volume stays when the custom resource goes.
    pub keep: bool,
    /// Connections that it accepts.
    pub max_connections: i32,
    /// What it may use; its buffers are a quarter of the memory limit.
    pub resources: ResourceRequirements,
    /// Its databases, each with a user of that name, and the Secret with the user's password.
    pub databases: Vec<(&'static str, String)>,
}

impl Postgresql<'_> {
    /// All of it.
    pub fn objects(self) -> Vec<Object> {
        let (part, volume) = (self.part.clone(), self.volume);
        vec![
            part.claim(&volume.size, volume.storage_class_name.as_deref(), "ReadWriteOnce").kept(self.keep),
            part.config_map([("start.sh", START.into())]),
            part.service("ClusterIP", &[("postgresql", 5432)]),
            part.stateful_set(self.pod()),
        ]
    }

    fn pod(self) -> PodSpec {
        let name = self.part.name();
        let mut variables = vec![
            env("MAX_CONNECTIONS", self.max_connections.to_string()),
            env("SHARED_BUFFERS", format!("{}MB", memory(&self.resources) / 4)),
        ];
        for (database, secret) in &self.databases {
            variables.push(env_secret(&format!("PASSWORD_{database}"), secret, "password"));
        }
        let databases: Vec<_> = self.databases.iter().map(|(database, _)| *database).collect();
        variables.push(env("DATABASES", databases.join(" ")));
        let answers = || exec(["pg_isready", "--quiet", "--host=/var/run/postgresql"]);
        let stop =
            ["pg_ctl", "stop", "--pgdata=/var/lib/pgsql/data/userdata", "--mode=fast", "--timeout=110"];
        PodSpec {
            security_context: Some(user(USER)),
            termination_grace_period_seconds: Some(GRACE),
            containers: vec![Container {
                name: "postgresql".into(),
                image: Some(self.image.into()),
                command: Some(["bash", "/etc/postgresql-start/start.sh"].map(Into::into).into()),
                env: Some(variables),
                ports: Some(vec![ContainerPort {
                    name: Some("postgresql".into()),
                    container_port: 5432,
                    ..Default::default()
                }]),
                resources: Some(self.resources),
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
                security_context: Some(read_only_root()),
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
                    empty_dir: Some(EmptyDirVolumeSource {
                        medium: Some("Memory".into()),
                        ..Default::default()
                    }),
                    ..Default::default()
                },
            ]),
            ..Default::default()
        }
    }
}
