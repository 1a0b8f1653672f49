//! Whole reconciles against an API server in memory: how often it writes, what it puts back, and what is left when it dies at any write.

mod golden;
mod memory;
mod state;

use jiff::{SignedDuration, Timestamp};
use kube::{ResourceExt, api::ApiResource, runtime::reflector};
use serde::Serialize;
use serde_json::json;

pub use golden::{golden, text};
pub use memory::Memory;

use crate::{
    context::Context, control::told, error::Error, hold::What, managed::Managed, report::Reporter,
    status::Status,
};

/// One custom resource and the cluster that it lives in.
pub struct Rehearsal<K> {
    /// The cluster.
    pub memory: Memory,
    object: K,
}

impl<K: Managed + Serialize> Rehearsal<K> {
    /// A cluster with this custom resource and nothing else.
    pub fn new(object: K) -> Self {
        let rehearsal = Self { memory: Memory::default(), object };
        rehearsal.memory.add(&rehearsal.path(), serde_json::to_value(&rehearsal.object).unwrap_or_default());
        rehearsal
    }

    /// The same custom resource in a copy of the cluster.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self { memory: self.memory.fork(), object: self.object.clone() }
    }

    /// Path of an object by its plural and name, for example `/api/v1` and `secrets/x`.
    pub fn of(&self, api: &str, name: &str) -> String {
        format!("{api}/namespaces/{}/{name}", self.object.namespace().unwrap_or_default())
    }

    fn path(&self) -> String {
        let api = ApiResource::erase::<K>(&());
        self.of(&format!("/apis/{}", api.api_version), &format!("{}/{}", api.plural, self.object.name_any()))
    }

    /// Puts an annotation on the custom resource as a user would; `None` takes it away.
    pub fn annotate(&self, key: &str, value: Option<&str>) {
        self.memory.edit(&self.path(), |mut object| {
            match value {
                Some(value) => object["metadata"]["annotations"][key] = value.into(),
                None => drop(object["metadata"]["annotations"].as_object_mut().map(|all| all.remove(key))),
            }
            Some(object)
        });
    }

    /// Asks for a hold, for so many seconds from now; `None`: for none any more.
    pub fn hold(&self, holder: &str, what: &[What], seconds: Option<i64>) {
        let value = seconds.map(|seconds| {
            let until = Timestamp::now() + SignedDuration::from_secs(seconds);
            json!({ "what": what, "until": until.to_string() }).to_string()
        });
        self.annotate(&format!("hold.theforeman.org/{holder}"), value.as_deref());
    }

    /// The custom resource as it is now.
    pub fn object(&self) -> K {
        let live = self.memory.object(&self.path()).unwrap_or_default();
        serde_json::from_value(live).unwrap_or_else(|_| self.object.clone())
    }

    /// One pass of a freshly started operator: it knows only what it reads.
    pub async fn pass(&self) -> Result<Status, Error> {
        self.passes(1).await
    }

    /// Passes of one operator whose watches show what was there when it started: they lag behind all that it writes.
    pub async fn passes(&self, count: usize) -> Result<Status, Error> {
        let client = self.memory.client();
        let (triggers, _woken) = tokio::sync::mpsc::unbounded_channel();
        let (store, _writer) = reflector::store();
        let context: Context<K> = Context::new(client, Reporter::new(&K::ABOUT).into(), store, triggers);
        let mut status = Status::default();
        for _ in 0..count {
            let mut object = self.object();
            object.meta_mut().managed_fields = None;
            status = Box::pin(told(&object, &context)).await?.status.1;
        }
        Ok(status)
    }

    /// Passes, each after the cluster has done its part, until one writes nothing and the cluster has nothing to do. Says how many it took.
    pub async fn settle(&self) -> Result<usize, Error> {
        let mut last = vec![];
        for passes in 1..100 {
            self.memory.writes();
            self.pass().await?;
            last = self.memory.writes();
            // Both are asked: a pass may have nothing to write because it waits for the cluster.
            if !self.memory.settle() && last.is_empty() {
                return Ok(passes);
            }
        }
        Err(Error::Slow { what: format!("coming to rest; still writes {}", last.join(", ")) })
    }
}
