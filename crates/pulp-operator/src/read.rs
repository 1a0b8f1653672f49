//! Every read from the API: what the world around a manifest looks like.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::networking::v1::Ingress;
use kube::ResourceExt;
use reconcile::{Data, Error, Holds, Kind, Status, Values, What, World, field::Secrets};
use serde_json::Value;

use crate::{
    crd::{Images, IngressType, Pulp, WorkerAutoscaling},
    names,
    scaling::{self, Demand},
    service::metrics,
};

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Values of every Secret that matters: ours, and those that the spec refers to. Absent: there is no such Secret.
    pub secrets: Secrets,
    /// The same of `ConfigMaps`.
    pub config_maps: BTreeMap<String, Values>,
    /// Volumes that exist.
    pub volumes: Vec<String>,
    /// Parts without which clients get nothing, and of which no pod is ready.
    pub silent: Vec<&'static str>,
    /// Addresses that a controller has written into our Ingress.
    pub addresses: Vec<String>,
    /// Whether the cluster has the kind `ServiceMonitor`.
    pub monitored: bool,
    /// What is known of the tasks, where workers follow them.
    pub demand: Demand,
    /// In what it is asked to stand still.
    pub holds: Holds,
    /// When the Job that holds deletion was made; the time of this look if there is none.
    pub holding_since: Timestamp,
    /// Whether it does.
    pub holding: bool,
    /// Whether there is such a Job or a pod of it.
    pub beating: bool,
    /// What runs or may begin to and could write, where somebody asks that nothing does.
    pub running: Vec<String>,
    /// Which data it is to have.
    pub data: Data,
    /// Number of worker pods that have not ended, those that are about to among them.
    pub workers: usize,
    /// What was last reported.
    pub status: Status,
    /// Images that the operator's environment gives in place of the built-in defaults.
    pub images: Images,
}

impl Observed {
    /// Whether it has served before: all of it was up once.
    pub fn lived(&self) -> bool {
        self.status.versions.iter().any(|version| version.running.is_some())
    }
}

/// Reads the world around a manifest.
pub async fn read(pulp: &Pulp, world: &World) -> Result<Observed, Error> {
    let mut seen = Observed {
        status: world.status().clone(),
        images: related(),
        holds: world.holds().clone(),
        holding: world.serves("hold"),
        workers: world.at_work("worker"),
        data: world.data().clone(),
        ..Observed::default()
    };
    let job = world.metadata("Job", &names::of(&pulp.name_any(), names::HOLD));
    seen.beating = job.is_some() || world.at_work(names::HOLD) > 0;
    if seen.holds.until(What::Writes).is_some() {
        seen.running = world.running(&names::HARMLESS).await?;
    }
    let made = job.and_then(|job| job.creation_timestamp());
    seen.holding_since = made.map_or_else(Timestamp::now, |made| made.0);
    for name in names::generated(&pulp.name_any()).into_iter().chain(pulp.secrets()) {
        if let Some(values) = world.secret(&name).await? {
            seen.secrets.insert(name, values);
        }
    }
    for name in pulp.config_maps() {
        if let Some(values) = world.config_map(&name).await? {
            seen.config_maps.insert(name, values);
        }
    }
    seen.volumes = world.all("PersistentVolumeClaim").iter().map(|claim| claim.name_any()).collect();
    seen.silent = ["api", "content"].into_iter().filter(|part| !world.serves(part)).collect();
    if pulp.spec.ingress.type_ == IngressType::Ingress {
        let ingress = world.foreign(&Kind::owned::<Ingress>(), &pulp.name_any()).await?;
        let given = ingress.and_then(|it| it.data.pointer("/status/loadBalancer/ingress").cloned());
        let given = given.iter().filter_map(Value::as_array).flatten();
        let address = |it: &Value| it["hostname"].as_str().or(it["ip"].as_str()).map(str::to_owned);
        seen.addresses = given.filter_map(address).collect();
    }
    seen.monitored = world.installed("ServiceMonitor");
    if let Some(wanted) = &pulp.spec.worker.autoscaling {
        seen.demand = demand(pulp, wanted, world).await?;
    }
    Ok(seen)
}

/// Asks the pod that knows. Where it does not answer, it is seen how many workers there are at present.
async fn demand(pulp: &Pulp, wanted: &WorkerAutoscaling, world: &World) -> Result<Demand, Error> {
    let path = format!("/demand?seconds={}", wanted.scale_down_after_seconds);
    let answer = world.ask("metrics", metrics::PORT, &path).await;
    Ok(match answer.and_then(|answer| scaling::read(&answer)) {
        Ok(tasks) => Demand::Tasks(tasks),
        Err(why) => {
            let workers = world.replicas(&names::of(&pulp.name_any(), "worker")).await?;
            Demand::Unknown { why, workers }
        }
    })
}

/// Mirrors and disconnected clusters give images by `RELATED_IMAGE_<PART>`.
fn related() -> Images {
    let image =
        |part: &str| std::env::var(format!("RELATED_IMAGE_{part}")).ok().filter(|image| !image.is_empty());
    Images {
        pulp: image("PULP"),
        nginx: image("NGINX"),
        postgresql: image("POSTGRESQL"),
        valkey: image("VALKEY"),
    }
}
