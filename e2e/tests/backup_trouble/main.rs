//! Backups in trouble: whatever dies or goes away in the middle of a run, there is no set that is not whole, nothing stays held, and the next
//! run works.

mod damage;
mod node;
mod runs;
mod schedules;
mod storage;

use std::time::Duration;

use e2e::{
    LONG, Operator, PulpStory,
    backup::{bucket, condition, kind, state},
    content::{Artifact, file, noise},
    processes::{Standstill, processes},
    pulp::light,
    store::{Kind, Store},
    wait,
};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, Client, ResourceExt, api::ListParams};
use serde_json::{Value, json};

/// What a run may take to let go of what it held, or to say that its storage is gone.
const NOTICED: Duration = Duration::from_mins(1);
/// Bytes of what is copied besides the story's own: so much that something can happen meanwhile.
const BULK: usize = 48 << 20;

/// A small Pulp that is backed up, with a storage beside it that the story can stop.
struct Trouble {
    pulp: PulpStory,
    operator: Operator,
    client: Client,
    /// Names of the storage and of the backup; a story has its own.
    name: String,
    /// What the Pulp must have after all.
    artifacts: Vec<Artifact>,
}

impl Trouble {
    async fn new(name: &str) -> Self {
        let spec = light("storage: {file: {size: 1Gi}}, cache: {enabled: false}");
        let manifest = e2e::PULP.replace("{storage: {file: {size: 2Gi}}}", &spec);
        let pulp = PulpStory::shared_under("shared-backed-up", &manifest).await;
        pulp.grant_backups().await;
        let admin = pulp.admin().await;
        let artifacts = file(&admin).await;
        if !has_bulk(&admin).await {
            admin.upload("/pulp/api/v3/artifacts/", "bulk", noise(BULK), &[]).await;
        }
        let (client, operator) = (pulp.client.clone(), Operator::named("backup-operator").await);
        let trouble = Self { pulp, operator, client, name: name.into(), artifacts };
        trouble.stored(name).await;
        trouble
    }

    /// Of those that are there already, the one that all stories have.
    async fn store(&self) -> Store<'_> {
        Store::start(&self.pulp, Kind::S3).await
    }

    /// A storage of this name that works, in a folder of its own.
    async fn stored(&self, name: &str) {
        let store = self.store().await;
        bucket(&store, &self.client, name).await;
        self.storage_is(&store.url(), "backups", json!({})).await;
        condition(&self.client, "BackupStorage", name, "Ready", "True", LONG).await;
    }

    /// States the storage.
    async fn storage_is(&self, endpoint: &str, bucket: &str, more: Value) {
        let s3 = json!({ "bucket": bucket, "prefix": self.name, "endpoint": endpoint, "region": "us-east-1",
            "credentials": { "name": format!("{}-bucket", self.name) } });
        let mut spec = json!({ "s3": s3, "key": { "name": format!("{}-key", self.name) } });
        spec.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        state(&self.client, "BackupStorage", &self.name, spec).await;
    }

    /// What a backup of the Pulp is asked for by.
    fn spec(&self) -> Value {
        json!({ "storage": { "name": self.name }, "instances": { "names": [self.pulp.reference()] } })
    }

    async fn begin(&self, backup: &str) {
        state(&self.client, "Backup", backup, self.spec()).await;
    }

    /// Waits until a run is in a phase, or past it.
    async fn in_phase(&self, of: &str, name: &str, phases: &[&str]) -> Value {
        let api = kind(&self.client, of);
        wait(LONG, &format!("{of} {name} is {phases:?}"), async || {
            let object = api.get(name).await.map_err(|error| error.to_string())?;
            let status = object.data["status"].clone();
            if phases.iter().any(|phase| status["phase"] == *phase) {
                Ok(status)
            } else {
                Err(status.to_string())
            }
        })
        .await
    }

    /// Stops the store, so that a run that has begun is still copying when this returns.
    async fn copying(&self, backup: &str) -> Standstill {
        let pod: Pod = self.pulp.api().get("s3").await.expect("the store's pod");
        self.begin(backup).await;
        self.in_phase("Backup", backup, &["Preparing", "Cutting"]).await;
        let still = Standstill::of(processes(&pod.uid().expect("a uid"), "")).await;
        self.in_phase("Backup", backup, &["Copying"]).await;
        still
    }

    /// Pods of movers that run.
    async fn movers(&self) -> Vec<Pod> {
        let pods: Api<Pod> = self.pulp.api();
        let ours = ListParams::default()
            .labels("app.kubernetes.io/name=backup-mover")
            .fields("status.phase=Running");
        pods.list(&ours).await.expect("the movers").items
    }

    /// Nobody holds the Pulp any more, within a minute.
    async fn let_go(&self) {
        wait(NOTICED, "nothing is held", async || {
            let pulp = self.pulp.now().await.ok_or("there is no Pulp")?;
            let holds: Vec<_> = pulp.status.map(|status| status.holds).unwrap_or_default();
            let ours: Vec<_> = holds.iter().filter(|hold| hold.holder.starts_with("backup-")).collect();
            if ours.is_empty() { Ok(()) } else { Err(format!("{ours:?}")) }
        })
        .await;
    }

    /// Complete sets that the storage has by its own word.
    async fn sets(&self) -> usize {
        let all = self.store().await.objects("backups").await;
        all.iter().filter(|line| line.starts_with(&format!("{}/sets.cluster/snapshots/", self.name))).count()
    }

    /// The next run works, and leaves one more set.
    async fn works_again(&self, backup: &str) {
        let before = self.sets().await;
        self.begin(backup).await;
        e2e::backup::ended(&self.client, "Backup", backup, "Completed").await;
        assert_eq!(self.sets().await, before + 1, "one more set");
        self.let_go().await;
    }
}

async fn has_bulk(admin: &e2e::Visitor) -> bool {
    let all = admin.json("/pulp/api/v3/artifacts/?limit=100").await;
    all["results"].as_array().is_some_and(|all| all.iter().any(|one| one["size"] == BULK))
}
