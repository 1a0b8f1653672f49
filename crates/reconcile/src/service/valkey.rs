//! A Valkey of one pod: a cache, or with a volume a queue that survives its end.

use k8s_openapi::api::core::v1::{Container, ContainerPort, PodSpec, ResourceRequirements};

use crate::{
    data::Data,
    field,
    object::Object,
    part::{Part, Replace},
    pod::{claim_volume, env, env_secret, every, exec, mount, read_only_root, scratch, secret_volume, user},
};

/// The user of upstream's image.
const USER: i64 = 1001;

/// What was queued or kept for data that is gone means nothing to other data.
const BEGIN: &str = include_str!("valkey/begin.sh");

/// A Valkey of one pod.
#[derive(Clone, Debug)]
pub struct Valkey<'a> {
    /// The part of the instance that it is.
    pub part: Part,
    /// Its image, with `valkey-server` in its path.
    pub image: &'a str,
    /// Where it keeps what must not be lost, and whether that stays when the custom resource goes; a cache has nothing to lose.
    pub volume: Option<(&'a field::Volume, bool)>,
    /// What it may use.
    pub resources: ResourceRequirements,
    /// Its password.
    pub password: &'a str,
    /// The Secret that has it under the key `password`.
    pub secret: String,
    /// The data that what it holds was made from: it begins empty when that is replaced.
    pub data: &'a Data,
}

impl Valkey<'_> {
    /// All of it.
    pub fn objects(self) -> Vec<Object> {
        let part = self.part.clone();
        let claim = self.volume.map(|(volume, keep)| {
            part.claim(&volume.size, volume.storage_class_name.as_deref(), "ReadWriteOnce").kept(keep)
        });
        let config = self.config().secret([("valkey.conf", self.configuration())]);
        let service = part.service("ClusterIP", &[("valkey", 6379)]);
        // Where a node is lost, the pod of a StatefulSet is not made anew until somebody says that the node is gone: two would share
        // a volume. Without a volume there is nothing to guard.
        let pods = if self.volume.is_some() {
            part.stateful_set(self.pod())
        } else {
            part.deployment(1, Replace::OneAtATime, self.pod())
        };
        claim.into_iter().chain([config, service, pods]).collect()
    }

    fn config(&self) -> Part {
        Part { component: format!("{}-config", self.part.component), ..self.part.clone() }
    }

    fn configuration(&self) -> String {
        let common = format!("port 6379\nprotected-mode no\nrequirepass {}\ndir /data\n", self.password);
        if self.volume.is_some() {
            // A job that was accepted must be there after a crash; one second of them is what appendfsync may lose.
            common + "appendonly yes\nappendfsync everysec\nmaxmemory-policy noeviction\n"
        } else {
            // A quarter is left for what is not data.
            let data = crate::pod::memory(&self.resources) * 3 / 4;
            format!("{common}appendonly no\nsave \"\"\nmaxmemory {data}mb\nmaxmemory-policy allkeys-lru\n")
        }
    }

    fn pod(self) -> PodSpec {
        let data = match self.volume {
            Some(_) => claim_volume("data", &self.part.name()),
            None => scratch("data"),
        };
        let config = self.config().name();
        let password = |name| env_secret(name, &self.secret, "password");
        let answers = || exec(["bash", "-c", "[ \"$(valkey-cli ping)\" = PONG ]"]);
        let serve = ["valkey-server", "/etc/valkey/valkey.conf"];
        // Without a volume a new pod is empty already.
        let command = match self.data.id() {
            Some(_) if self.volume.is_some() => {
                ["bash", "-c", BEGIN, "bash"].into_iter().chain(serve).collect()
            }
            _ => serve.to_vec(),
        };
        let mut variables = vec![password("REDISCLI_AUTH")];
        variables.extend(self.data.id().map(|id| env("DATA", id)));
        PodSpec {
            security_context: Some(user(USER)),
            termination_grace_period_seconds: Some(30),
            containers: vec![Container {
                name: "valkey".into(),
                image: Some(self.image.into()),
                command: Some(command.into_iter().map(Into::into).collect()),
                env: Some(variables),
                ports: Some(vec![ContainerPort {
                    name: Some("valkey".into()),
                    container_port: 6379,
                    ..Default::default()
                }]),
                resources: Some(self.resources),
                readiness_probe: Some(every(answers(), 5, 5, 3)),
                liveness_probe: Some(every(answers(), 10, 10, 6)),
                startup_probe: Some(every(answers(), 2, 5, 300)),
                security_context: Some(read_only_root()),
                volume_mounts: Some(vec![
                    mount("data", "/data"),
                    mount("config", "/etc/valkey"),
                    mount("tmp", "/tmp"),
                ]),
                ..Default::default()
            }],
            volumes: Some(vec![data, secret_volume("config", &config), scratch("tmp")]),
            ..Default::default()
        }
    }
}
