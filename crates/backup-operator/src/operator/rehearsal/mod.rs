//! Whole runs against an API server in memory and a real repository, beside services and movers that do their part: what is left when the
//! operator dies at any write.

mod backups;
mod cluster;
mod drills;
mod place;
mod restores;

use std::sync::Arc;

use kube::{Resource, runtime::controller::Action};
use reconcile::Error;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::cluster::Cluster;
use super::{Term, backup, drill, restore, schedule, storage};

/// Passes within which anything ends; what takes longer hangs.
const PASSES: usize = 80;

/// An operator that is started again whenever it dies.
pub struct Life {
    pub cluster: Cluster,
    term: Arc<Term>,
}

impl Life {
    pub fn new(cluster: Cluster) -> Self {
        Self { term: cluster.operator(), cluster }
    }

    /// The same operator in a copy of the cluster, with a storage of its own.
    pub async fn fork(&self) -> Self {
        Self::new(self.cluster.fork().await)
    }

    /// One pass over everything there is, by whoever runs now, and what services and movers do meanwhile.
    pub async fn pass(&mut self) {
        if let Err(error) = self.reconcile().await {
            assert!(error.to_string().contains("the operator is dead"), "{error}");
            // Its connections end with it; the next one begins with nothing.
            self.cluster.memory.die_after(None);
            self.term = self.cluster.operator();
        }
        self.cluster.services();
        self.cluster.probes();
        self.cluster.movers(&self.term);
        self.cluster.worked(&self.term).await;
    }

    async fn reconcile(&self) -> Result<(), Error> {
        // It is tried each minute, which none of these lives lasts.
        if self.term.storages.key("main").is_none() {
            self.all("backupstorages", storage::reconcile).await?;
        }
        self.all("backupschedules", schedule::reconcile).await?;
        self.all("backups", backup::reconcile).await?;
        self.all("restores", restore::reconcile).await?;
        self.all("restoredrills", drill::reconcile).await
    }

    async fn all<K, F, R>(&self, plural: &str, reconcile: F) -> Result<(), Error>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned,
        F: Fn(Arc<K>, Arc<Term>) -> R,
        R: Future<Output = Result<Action, Error>>,
    {
        for object in self.cluster.of(plural) {
            let object = serde_json::from_value(object).expect("an object of its kind");
            reconcile(Arc::new(object), self.term.clone()).await?;
        }
        Ok(())
    }

    /// Lives until something is so.
    pub async fn until(&mut self, what: &str, so: impl Fn(&Cluster) -> bool) {
        for _ in 0..PASSES {
            self.pass().await;
            if so(&self.cluster) {
                return;
            }
        }
        panic!("{what}: not after {PASSES} passes: {:#}", json!(self.cluster.memory.objects()));
    }

    /// What is written after the look at what has ended.
    pub async fn rest(&mut self) -> Vec<String> {
        // One may die at the very last write, and the next one looks at it.
        for _ in 0..2 {
            self.pass().await;
        }
        self.cluster.memory.writes();
        for _ in 0..5 {
            self.pass().await;
        }
        self.cluster.memory.writes()
    }
}

/// Runs `story` once undisturbed, and then once for each of its writes with an operator that dies there; `seen` looks at the end of each.
pub async fn at_every_write(
    before: &Life,
    story: impl AsyncFn(&mut Life),
    seen: impl AsyncFn(&mut Life, &str),
) {
    let mut whole = before.fork().await;
    whole.cluster.memory.writes();
    story(&mut whole).await;
    let writes = whole.cluster.memory.writes();
    assert!(writes.len() > 3, "{writes:?}");
    seen(&mut whole, "undisturbed").await;
    for (number, write) in writes.iter().enumerate() {
        let mut life = before.fork().await;
        life.cluster.memory.die_after(Some(number));
        story(&mut life).await;
        seen(&mut life, &format!("death before write {number} ({write})")).await;
    }
}

pub fn phase(cluster: &Cluster, plural: &str, name: &str) -> Value {
    cluster.object(plural, name).map(|object| object["status"]["phase"].clone()).unwrap_or_default()
}
