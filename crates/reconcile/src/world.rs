//! The world as one reconcile sees it: what the watches know, and a read where something is new.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures::{StreamExt, stream};
use k8s_openapi::{
    api::{apps::v1::Deployment, core::v1::Pod},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api,
    api::{ApiResource, DynamicObject, PartialObjectMeta},
};
use serde_json::Value;

use crate::{
    data::Data,
    diff::drift,
    error::{Error, call},
    explain::ready,
    gate::{State, judge},
    hash,
    hold::Holds,
    kind::Kind,
    namespace::{Known, Namespace},
    object::{APPLIED, Object, REVISION, Write},
    owner::Owner,
    running::ended,
    status::Status,
};

/// How many reads go on at once at the first pass.
pub(crate) const ASIDE: usize = 8;

/// Values of a Secret or `ConfigMap`, decoded.
pub type Values = BTreeMap<String, Vec<u8>>;

/// The world as one reconcile sees it.
#[derive(Clone)]
pub struct World {
    /// What the watches know.
    pub(crate) namespace: Arc<Namespace>,
    /// For whom we look.
    pub(crate) owner: Owner,
    /// What was last reported; the watch of the custom resource may be behind it.
    pub(crate) status: Status,
    /// What it is asked to do without.
    pub(crate) holds: Holds,
    /// Which data it has.
    pub(crate) data: Data,
}

impl World {
    /// Name of the custom resource's namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace.name
    }

    /// What was last reported of the custom resource.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// In what the service is asked to stand still, and until when.
    pub fn holds(&self) -> &Holds {
        &self.holds
    }

    /// Which data the service is to have; another one when somebody has replaced it.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// Metadata of a watched object.
    pub fn metadata(&self, kind: &str, name: &str) -> Option<Arc<PartialObjectMeta<DynamicObject>>> {
        self.namespace.metadata(kind, name)
    }

    /// Metadata of every watched object of a kind.
    pub fn all(&self, kind: &str) -> Vec<Arc<PartialObjectMeta<DynamicObject>>> {
        self.namespace.all(kind)
    }

    /// Whether the cluster has a kind that it need not have.
    pub fn installed(&self, kind: &str) -> bool {
        self.namespace.installed(kind)
    }

    /// How many pods a Deployment of the instance is to have; read anew only when it has changed. `None`: there is none.
    pub async fn replicas(&self, deployment: &str) -> Result<Option<i32>, Error> {
        let api = ApiResource::erase::<Deployment>(&());
        let found = self.read(&api, deployment).await?;
        let wanted = found.and_then(|found| found.data.pointer("/spec/replicas").and_then(Value::as_i64));
        Ok(wanted.and_then(|wanted| wanted.try_into().ok()))
    }

    /// Pods of a part of the instance, by the label `app.kubernetes.io/component`.
    pub fn pods(&self, component: &str) -> Vec<Arc<Pod>> {
        self.namespace.pods(&[
            ("app.kubernetes.io/instance", &self.owner.name),
            ("app.kubernetes.io/component", component),
        ])
    }

    /// Number of pods of a part that have not ended, those that are about to among them.
    pub fn at_work(&self, component: &str) -> usize {
        self.pods(component).iter().filter(|pod| !ended(pod)).count()
    }

    /// Whether a pod of a part is ready.
    pub fn serves(&self, component: &str) -> bool {
        !self.serving(component).is_empty()
    }

    /// Pods of a part that are ready.
    pub(crate) fn serving(&self, component: &str) -> Vec<Arc<Pod>> {
        self.pods(component).into_iter().filter(|pod| ready(pod)).collect()
    }

    /// Values of a Secret; read anew only when it has changed. `None` if there is no such Secret.
    pub async fn secret(&self, name: &str) -> Result<Option<Values>, Error> {
        Ok(self.content("Secret", name).await?.map(|object| values(&object)))
    }

    /// Values of a `ConfigMap`; read anew only when it has changed.
    pub async fn config_map(&self, name: &str) -> Result<Option<Values>, Error> {
        Ok(self.content("ConfigMap", name).await?.map(|object| values(&object)))
    }

    /// An object of another operator's kind; read anew only when it has changed. `None`: there is none, or its kind is not installed.
    pub async fn foreign(&self, kind: &Kind, name: &str) -> Result<Option<Arc<DynamicObject>>, Error> {
        self.read(&kind.api, name).await
    }

    /// Hash of the values in a `ConfigMap` or Secret; empty if it is not there.
    pub(crate) async fn content_hash(&self, kind: &str, name: &str) -> Result<String, Error> {
        Ok(self.content(kind, name).await?.map_or_else(String::new, |object| hash(&values(&object))))
    }

    async fn content(&self, kind: &str, name: &str) -> Result<Option<Arc<DynamicObject>>, Error> {
        let api = match kind {
            "Secret" => ApiResource::erase::<k8s_openapi::api::core::v1::Secret>(&()),
            _ => ApiResource::erase::<k8s_openapi::api::core::v1::ConfigMap>(&()),
        };
        self.read(&api, name).await
    }

    /// What is read only when the watch says that it is new.
    pub(crate) async fn read(
        &self,
        api: &ApiResource,
        name: &str,
    ) -> Result<Option<Arc<DynamicObject>>, Error> {
        let kind = api.kind.as_str();
        let key = (kind.to_owned(), name.to_owned());
        let watched = self.metadata(kind, name).and_then(|object| object.metadata.resource_version.clone());
        let cached = {
            let contents = self.namespace.contents.lock().unwrap_or_else(PoisonError::into_inner);
            contents.get(&key).cloned()
        };
        if let (Some(watched), Some((read, object))) = (&watched, &cached)
            && watched == read
        {
            return Ok(Some(object.clone()));
        }
        if watched.is_none() && self.namespace.recall(kind, name).is_none() {
            return Ok(None);
        }
        let Some(object) = self.fetch(api, name).await? else { return Ok(None) };
        self.keep_content(kind, name, object.clone());
        Ok(Some(Arc::new(object)))
    }

    /// Remembers the values that an answer of the API server carries.
    pub(crate) fn keep_content(&self, kind: &str, name: &str, object: DynamicObject) {
        if let Some(version) = object.metadata.resource_version.clone() {
            let mut contents = self.namespace.contents.lock().unwrap_or_else(PoisonError::into_inner);
            contents.insert((kind.to_owned(), name.to_owned()), (version, Arc::new(object)));
        }
    }

    /// Whether no object has been looked at yet: at the first pass after a start.
    pub(crate) fn fresh(&self) -> bool {
        self.namespace.known.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Reads side by side what would be asked for one after the other.
    pub(crate) async fn ahead(&self, references: Vec<(&'static str, String)>) {
        let contents = references.into_iter().filter(|(kind, _)| matches!(*kind, "Secret" | "ConfigMap"));
        let reads: Vec<_> = contents.map(async |(kind, name)| self.content(kind, &name).await).collect();
        // What fails is asked for again by whoever needs it.
        stream::iter(reads).buffer_unordered(ASIDE).for_each(async |_| {}).await;
    }

    /// The endpoint of a kind in this namespace.
    pub(crate) fn api(&self, api: &ApiResource) -> Api<DynamicObject> {
        Api::namespaced_with(self.namespace.client.clone(), &self.namespace.name, api)
    }

    async fn fetch(&self, api: &ApiResource, name: &str) -> Result<Option<DynamicObject>, Error> {
        let found = call("get", format!("{} {name}", api.kind), self.api(api).get_opt(name)).await?;
        // The watch may still show what is gone already.
        if found.is_none() {
            self.namespace.forget(&api.kind, name);
        }
        Ok(found)
    }

    /// What is known of the live counterpart of an object; read only if it has changed since we looked. `None`: it does not exist.
    pub(crate) async fn look(&self, object: &Object) -> Result<Option<Known>, Error> {
        let (kind, name) =
            (object.api.kind.as_str(), object.body.metadata.name.as_deref().unwrap_or_default());
        let known = self.namespace.recall(kind, name);
        let watched = self.metadata(kind, name);
        let wanted = object.annotation(APPLIED);
        match (&watched, known) {
            (None, None) => return Ok(None),
            (None, Some(known)) => return Ok(Some(known)),
            (Some(watched), Some(known))
                if known.metadata.resource_version == watched.metadata.resource_version
                    && known.wanted == wanted =>
            {
                return Ok(Some(known));
            }
            _ => {}
        }
        let Some(live) = self.fetch(&object.api, name).await? else { return Ok(None) };
        Ok(Some(self.learn(object, live, false)))
    }

    /// Judges a live object and remembers the judgement.
    pub(crate) fn learn(&self, object: &Object, mut live: DynamicObject, written: bool) -> Known {
        let (kind, name) = (object.api.kind.as_str(), live.metadata.name.clone().unwrap_or_default());
        live.metadata.managed_fields = None;
        let mut state = judge(kind, &live.data, live.metadata.generation, object.least);
        // One that follows its load is scaled without news: it still serves as it did.
        let scaled = |before: &Known| {
            let revision = |metadata: &ObjectMeta| metadata.annotations.as_ref()?.get(REVISION).cloned();
            before.state == State::Holds && revision(&before.metadata) == revision(&live.metadata)
        };
        let behind = live.metadata.generation != live.data["status"]["observedGeneration"].as_i64();
        if object.least.is_some() && behind && self.namespace.recall(kind, &name).as_ref().is_some_and(scaled)
        {
            state = State::Holds;
        }
        let known = Known {
            state,
            since: since(&live.data),
            drift: differences(object, &live),
            wanted: object.annotation(APPLIED).to_owned(),
            written: written.then(std::time::Instant::now),
            metadata: live.metadata.clone(),
        };
        self.namespace.remember(kind, &name, known.clone());
        if matches!(kind, "Secret" | "ConfigMap") {
            self.keep_content(kind, &name, live);
        }
        known
    }
}

/// Fields that we state and that are otherwise, metadata included.
fn differences(object: &Object, live: &DynamicObject) -> Vec<String> {
    // What is drawn once may have been made by somebody before us, as a Secret of any type; that cannot be changed.
    let drawn = matches!(object.write, Write::Generate(_));
    let mut found = if drawn { vec![] } else { drift(&object.body.data, &live.data) };
    let metadata = |object: &DynamicObject| {
        serde_json::json!({ "metadata": {
            "labels": object.metadata.labels, "annotations": object.metadata.annotations,
            "ownerReferences": object.metadata.owner_references,
        } })
    };
    found.extend(drift(&metadata(&object.body), &metadata(live)));
    found
}

/// When a Job ended.
fn since(live: &Value) -> Option<jiff::Timestamp> {
    let conditions = live.pointer("/status/conditions")?.as_array()?;
    let ended =
        conditions.iter().find(|condition| condition["type"] == "Failed" && condition["status"] == "True")?;
    ended["lastTransitionTime"].as_str()?.parse().ok()
}

fn values(object: &DynamicObject) -> Values {
    let secret = object.types.as_ref().is_none_or(|types| types.kind != "ConfigMap");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let fields = |key: &str| object.data[key].as_object().cloned().unwrap_or_default().into_iter();
    let data = fields("data").map(|(key, value)| {
        let text = text(&value);
        (key, if secret { STANDARD.decode(text).unwrap_or_default() } else { text.into_bytes() })
    });
    let binary =
        fields("binaryData").map(|(key, value)| (key, STANDARD.decode(text(&value)).unwrap_or_default()));
    data.chain(binary).collect()
}

/// Values as the API takes them in a Secret's `data`.
pub fn encoded(values: &Values) -> Value {
    values
        .iter()
        .map(|(key, value)| (key.clone(), Value::from(STANDARD.encode(value))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
