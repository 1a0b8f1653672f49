//! Valkey: the job queue of Dynflow (database 6, kept on a volume) and Foreman's cache (database 4).

use k8s_openapi::api::core::v1::{Container, ContainerPort, PodSpec, SecurityContext};
use reconcile::{
    Object,
    pod::{claim_volume, env_secret, every, exec, mount, scratch, secret_volume, user},
};

use super::Instance;
use crate::names;

/// The user of upstream's image.
const USER: i64 = 1001;

/// All of it.
pub fn objects(foreman: &Instance) -> Vec<Object> {
    let part = foreman.part("queue");
    let volume = foreman.volume("queue");
    vec![
        part.claim(&volume.size, volume.storage_class_name.as_deref(), "ReadWriteOnce").kept(foreman.keep),
        foreman.part("queue-config").secret([("valkey.conf", configuration(foreman))]),
        part.service("ClusterIP", &[("valkey", 6379)]),
        part.stateful_set(pod(foreman)),
    ]
}

/// URL of one of its databases.
pub fn url(foreman: &Instance, database: u8) -> String {
    format!("redis://:{}@{}:6379/{database}", foreman.keys.queue, foreman.address("queue"))
}

fn configuration(foreman: &Instance) -> String {
    // A job that was accepted must be there after a crash; one second of them is what appendfsync may lose.
    format!(
        "port 6379\nprotected-mode no\nrequirepass {}\ndir /data\nappendonly yes\nappendfsync everysec\nmaxmemory-policy noeviction\n",
        foreman.keys.queue
    )
}

fn pod(foreman: &Instance) -> PodSpec {
    let password = |name| env_secret(name, &foreman.part(names::QUEUE).name(), "password");
    let answers = || exec(["bash", "-c", "[ \"$(valkey-cli ping)\" = PONG ]"]);
    PodSpec {
        security_context: Some(user(USER)),
        termination_grace_period_seconds: Some(30),
        containers: vec![Container {
            name: "valkey".into(),
            image: Some(foreman.images.valkey.clone()),
            command: Some(["valkey-server", "/etc/valkey/valkey.conf"].map(Into::into).into()),
            env: Some(vec![password("REDISCLI_AUTH")]),
            ports: Some(vec![ContainerPort {
                name: Some("valkey".into()),
                container_port: 6379,
                ..Default::default()
            }]),
            resources: Some(foreman.resources(
                foreman.spec.resources.queue.as_ref(),
                ["25m", "64Mi"],
                ["1", "512Mi"],
            )),
            readiness_probe: Some(every(answers(), 5, 5, 3)),
            liveness_probe: Some(every(answers(), 10, 10, 6)),
            startup_probe: Some(every(answers(), 2, 5, 300)),
            security_context: Some(SecurityContext {
                read_only_root_filesystem: Some(true),
                ..Default::default()
            }),
            volume_mounts: Some(vec![
                mount("data", "/data"),
                mount("config", "/etc/valkey"),
                mount("tmp", "/tmp"),
            ]),
            ..Default::default()
        }],
        volumes: Some(vec![
            claim_volume("data", &foreman.part("queue").name()),
            secret_volume("config", &foreman.part("queue-config").name()),
            scratch("tmp"),
        ]),
        ..Default::default()
    }
}
