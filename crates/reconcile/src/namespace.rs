//! What is known of one namespace, kept current by watches: metadata of everything owned, pods, and warnings about them.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use k8s_openapi::{
    api::core::v1::{Event, Pod, PodSpec},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ApiResource, DynamicObject, PartialObjectMeta},
    runtime::{
        reflector::{self, ObjectRef, Store},
        watcher,
    },
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use crate::{
    error::Error,
    gate::State,
    kind::{About, Kind, Scope},
    owner::Owner,
    watches::{follow, run},
};

type Metadata = PartialObjectMeta<DynamicObject>;
/// Kind and name.
type Key = (String, String);

/// How long a namespace may take to be read for the first time.
const START: Duration = Duration::from_secs(30);
/// How long the watch may lag behind an answer to our own write.
const LAG: Duration = Duration::from_secs(30);

/// Something happened that an instance may have to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// To an object of this instance.
    Instance {
        /// Namespace of both.
        namespace: String,
        /// Name of the custom resource.
        name: String,
    },
    /// A watch has begun anew: what went meanwhile, nobody has told.
    Namespace(String),
    /// To an object that instances may refer to.
    Reference {
        /// Namespace of both.
        namespace: String,
        /// Kind of the object.
        kind: String,
        /// Name of the object.
        name: String,
    },
}

/// What was learnt from reading a live object once.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its metadata when it was read.
    pub metadata: ObjectMeta,
    /// Whether it has come up.
    pub state: State,
    /// Since when it has been in that state, where it says so (Jobs).
    pub since: Option<jiff::Timestamp>,
    /// How it differs from what was wanted then, and the hash of that.
    pub drift: Vec<String>,
    /// Hash of what was wanted then.
    pub wanted: String,
    /// When it was written by us, if the watch may still have to catch up.
    pub written: Option<Instant>,
}

/// A kind, what is known of its objects, and whether the cluster has it; `None`: it has not answered yet.
type Watched = (ApiResource, Store<Metadata>, watch::Receiver<Option<bool>>);

/// What is known of one namespace.
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// For everything that is not watched.
    pub client: Client,
    kinds: HashMap<String, Watched>,
    pods: Store<Pod>,
    warnings: Store<Event>,
    pub(crate) known: Mutex<HashMap<Key, Known>>,
    pub(crate) contents: Mutex<HashMap<Key, (String, Arc<DynamicObject>)>>,
    /// What has stood here as stated since this process began; also what has gone since, unless we have deleted it.
    stood: Mutex<HashSet<Key>>,
    _watches: JoinSet<()>,
}

impl Namespace {
    /// Starts the watches and waits until all are current. [`Error::Forbidden`] where the permission is missing.
    pub async fn start(
        client: Client,
        name: &str,
        about: &About,
        kinds: &[Kind],
        triggers: mpsc::UnboundedSender<Trigger>,
    ) -> Result<Arc<Self>, Error> {
        let (trouble, mut troubled) = watch::channel(None::<Error>);
        let anew = {
            let (triggers, namespace) = (triggers.clone(), name.to_owned());
            move || drop(triggers.send(Trigger::Namespace(namespace.clone())))
        };
        let mut watches = JoinSet::new();
        let mut stores = HashMap::new();
        let owned = watcher::Config::default()
            .page_size(50)
            .labels(&format!("app.kubernetes.io/managed-by={}", about.operator));
        for kind in kinds {
            let config = match kind.scope {
                Scope::Owned => owned.clone(),
                // Helm keeps every release in Secrets of up to a megabyte; nobody refers to them.
                Scope::Referred if kind.api.kind == "Secret" => {
                    watcher::Config::default().page_size(50).fields("type!=helm.sh/release.v1")
                }
                Scope::Referred | Scope::Optional => watcher::Config::default().page_size(50),
            };
            let api: Api<Metadata> = Api::namespaced_with(client.clone(), name, &kind.api);
            let writer = reflector::store::Writer::new(kind.api.clone());
            let store = writer.as_reader();
            let by_name = kind.scope != Scope::Owned;
            let optional = kind.optional;
            let (send, namespace, kind_name) = (triggers.clone(), name.to_owned(), kind.api.kind.clone());
            let tell = move |object: &Metadata| {
                if by_name {
                    let (namespace, kind, name) = (namespace.clone(), kind_name.clone(), object.name_any());
                    let _ = send.send(Trigger::Reference { namespace, kind, name });
                }
                if let Some(name) = instance(object) {
                    let _ = send.send(Trigger::Instance { namespace: namespace.clone(), name });
                }
            };
            let title = kind.api.plural.clone();
            let (installed, is_installed) = watch::channel(None);
            let (there, anew) = (installed.clone(), anew.clone());
            let listed = move || {
                there.send_replace(Some(true));
                anew();
            };
            let absent = optional.then_some(installed);
            let stream = follow(api, config, writer, |object| trim(object.meta_mut()), listed);
            watches.spawn(run(stream, tell, title, trouble.clone(), absent));
            stores.insert(kind.api.kind.clone(), (kind.api.clone(), store, is_installed));
        }

        let writer = reflector::store::Writer::<Pod>::default();
        let pods = writer.as_reader();
        let (send, namespace) = (triggers.clone(), name.to_owned());
        let stream =
            follow(Api::namespaced(client.clone(), name), owned.clone(), writer, trim_pod, anew.clone());
        let tell = move |pod: &Pod| {
            if let Some(name) = instance(pod) {
                let _ = send.send(Trigger::Instance { namespace: namespace.clone(), name });
            }
        };
        watches.spawn(run(stream, tell, "pods".into(), trouble.clone(), None));

        let writer = reflector::store::Writer::<Event>::default();
        let warnings = writer.as_reader();
        let config = watcher::Config::default().page_size(50).fields("type=Warning");
        let stream = follow(Api::namespaced(client.clone(), name), config, writer, trim_event, anew);
        let (send, namespace, readers) = (triggers, name.to_owned(), stores.clone());
        let all_pods = pods.clone();
        let tell = move |event: &Event| {
            let (kind, about) = involved(event);
            let found = match readers.get(&kind) {
                Some((api, store, _)) => {
                    let key = ObjectRef::new_with(&about, api.clone()).within(&namespace);
                    store.get(&key).and_then(|object| instance(&*object))
                }
                None if kind == "Pod" => {
                    all_pods.get(&ObjectRef::new(&about).within(&namespace)).and_then(|pod| instance(&*pod))
                }
                None => None,
            };
            if let Some(name) = found {
                let _ = send.send(Trigger::Instance { namespace: namespace.clone(), name });
            }
        };
        watches.spawn(run(stream, tell, "events".into(), trouble, None));

        let current = async {
            for (_, _, installed) in stores.values() {
                let _ = installed.clone().wait_for(Option::is_some).await;
            }
            let _ = tokio::join!(pods.wait_until_ready(), warnings.wait_until_ready());
        };
        tokio::select! {
            () = current => {}
            Ok(error) = troubled.wait_for(Option::is_some) => {
                return Err(error.clone().unwrap_or(Error::Slow { what: format!("watching namespace {name}") }));
            }
            () = tokio::time::sleep(START) => return Err(Error::Slow { what: format!("watching namespace {name}") }),
        }
        let name = name.to_owned();
        Ok(Arc::new(Self {
            name,
            client,
            kinds: stores,
            pods,
            warnings,
            known: Mutex::default(),
            contents: Mutex::default(),
            stood: Mutex::default(),
            _watches: watches,
        }))
    }

    /// Metadata of a watched object, as far as the watch has come.
    pub fn metadata(&self, kind: &str, name: &str) -> Option<Arc<Metadata>> {
        let (api, store, _) = self.kinds.get(kind)?;
        store.get(&ObjectRef::new_with(name, api.clone()).within(&self.name))
    }

    /// Metadata of all watched objects of a kind.
    pub fn all(&self, kind: &str) -> Vec<Arc<Metadata>> {
        self.kinds.get(kind).map(|(_, store, _)| store.state()).unwrap_or_default()
    }

    /// Whether the cluster has a kind.
    pub fn installed(&self, kind: &str) -> bool {
        self.kinds.get(kind).is_some_and(|(.., installed)| *installed.borrow() == Some(true))
    }

    /// All watched objects that carry the owner's labels and its uid.
    pub fn owned_by(&self, owner: &Owner) -> Vec<(ApiResource, Arc<Metadata>)> {
        let mut found = vec![];
        for (api, store, installed) in self.kinds.values() {
            // What is known of a kind that has gone is of no use to anybody.
            if *installed.borrow() != Some(true) {
                continue;
            }
            let mine = store.state_filter(|object: &Metadata| {
                owner.labelled(&object.metadata) && owner.owns(&object.metadata)
            });
            found.extend(mine.into_iter().map(|object| (api.clone(), object)));
        }
        found
    }

    /// Pods that carry all these labels.
    pub fn pods(&self, labels: &[(&str, &str)]) -> Vec<Arc<Pod>> {
        let chosen =
            |pod: &Pod| labels.iter().all(|(key, value)| pod.labels().get(*key).is_some_and(|v| v == value));
        self.pods.state_filter(|pod| chosen(pod))
    }

    /// The newest warning about an object.
    pub fn warning(&self, kind: &str, name: &str) -> Option<String> {
        let key = (kind.to_owned(), name.to_owned());
        // A hook that ends the container's first process is cut off by that, and says so: no news.
        let news = |event: &Event| event.reason.as_deref() != Some("FailedPreStopHook");
        let about = self.warnings.state_filter(|event| involved(event) == key && news(event));
        let newest = about.into_iter().max_by_key(|event| {
            let series = event
                .series
                .as_ref()
                .and_then(|series| series.last_observed_time.as_ref().map(|time| time.0));
            series
                .or(event.last_timestamp.as_ref().map(|time| time.0))
                .or(event.event_time.as_ref().map(|time| time.0))
        })?;
        Some(newest.message.clone().unwrap_or_default())
    }

    /// What is known of an object: also while the watch has not caught up with our own write.
    pub(crate) fn recall(&self, kind: &str, name: &str) -> Option<Known> {
        let key = (kind.to_owned(), name.to_owned());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = known.get(&key)?.clone();
        if self.metadata(kind, name).is_some() {
            found.written = None;
        } else if found.written.is_none_or(|at| at.elapsed() > LAG) {
            known.remove(&key);
            return None;
        }
        known.insert(key, found.clone());
        Some(found)
    }

    pub(crate) fn remember(&self, kind: &str, name: &str, what: Known) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert((kind.into(), name.into()), what);
    }

    /// Remembers that an object stands as stated.
    pub(crate) fn stands(&self, kind: &str, name: &str) {
        self.stood.lock().unwrap_or_else(PoisonError::into_inner).insert((kind.into(), name.into()));
    }

    /// Whether an object has stood here and we have not deleted it.
    pub(crate) fn has_stood(&self, kind: &str, name: &str) -> bool {
        self.stood.lock().unwrap_or_else(PoisonError::into_inner).contains(&(kind.into(), name.into()))
    }

    /// We have deleted it: nobody else has taken it away.
    pub(crate) fn deleted(&self, kind: &str, name: &str) {
        self.forget(kind, name);
        self.stood.lock().unwrap_or_else(PoisonError::into_inner).remove(&(kind.into(), name.into()));
    }

    pub(crate) fn forget(&self, kind: &str, name: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&(kind.into(), name.into()));
    }
}

/// Which custom resource an owned object belongs to.
fn instance<K: Resource>(object: &K) -> Option<String> {
    object.meta().labels.as_ref()?.get("app.kubernetes.io/instance").cloned()
}

fn involved(event: &Event) -> (String, String) {
    let object = &event.involved_object;
    (object.kind.clone().unwrap_or_default(), object.name.clone().unwrap_or_default())
}

fn trim(metadata: &mut ObjectMeta) {
    metadata.managed_fields = None;
    if let Some(annotations) = &mut metadata.annotations {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

/// Of a pod we only ask why it is not ready, and where it is.
fn trim_pod(pod: &mut Pod) {
    trim(&mut pod.metadata);
    let node_name = pod.spec.take().and_then(|spec| spec.node_name);
    pod.spec = Some(PodSpec { node_name, ..Default::default() });
}

fn trim_event(event: &mut Event) {
    trim(&mut event.metadata);
}
