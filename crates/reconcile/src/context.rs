//! What the reconciles of one term share: caches, what was written last, and how often what has failed.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kube::{
    Client, ResourceExt,
    runtime::reflector::{ObjectRef, Store},
};
use rand::Rng;
use tokio::{
    sync::{OnceCell, mpsc},
    task::JoinSet,
};

use crate::{
    error::Error,
    managed::Managed,
    namespace::{Namespace, Trigger},
    report::Reporter,
    status::Status,
};

/// What all reconciles share.
pub struct Context<K: Managed> {
    /// Of this term.
    pub(crate) client: Client,
    /// Tells what happened.
    pub reporter: Arc<Reporter>,
    store: Store<K>,
    current: AtomicBool,
    triggers: mpsc::UnboundedSender<Trigger>,
    namespaces: Mutex<HashMap<String, Arc<OnceCell<Arc<Namespace>>>>>,
    failures: Mutex<HashMap<ObjectRef<K>, u32>>,
    /// What we wrote last, by uid: the watch may be behind it, and the next one of that name begins anew.
    pub(crate) written: Mutex<HashMap<String, Status>>,
}

impl<K: Managed> Context<K> {
    /// A context that knows nothing yet.
    pub(crate) fn new(
        client: Client,
        reporter: Arc<Reporter>,
        store: Store<K>,
        triggers: mpsc::UnboundedSender<Trigger>,
    ) -> Self {
        Self {
            client,
            reporter,
            store,
            current: AtomicBool::new(false),
            triggers,
            namespaces: Mutex::default(),
            failures: Mutex::default(),
            written: Mutex::default(),
        }
    }

    /// The caches of a namespace; started at its first custom resource.
    pub(crate) async fn namespace(&self, name: &str) -> Result<Arc<Namespace>, Error> {
        let cell = lock(&self.namespaces).entry(name.to_owned()).or_default().clone();
        let kinds = K::kinds();
        let start = || Namespace::start(self.client.clone(), name, &K::ABOUT, &kinds, self.triggers.clone());
        cell.get_or_try_init(start).await.cloned()
    }

    /// What was last reported of a custom resource.
    pub(crate) fn before(&self, object: &K) -> Option<Status> {
        let written = lock(&self.written).get(&object.uid().unwrap_or_default()).cloned();
        written.or_else(|| object.status().cloned())
    }

    /// Begins to read a namespace while custom resources are still being collected; only a few: where there are many, they wait for
    /// their turn.
    pub(crate) fn expect(self: &Arc<Self>, object: &K, ahead: &mut JoinSet<()>) {
        let name = object.namespace().unwrap_or_default();
        let few = {
            let namespaces = lock(&self.namespaces);
            namespaces.len() < 8 && !namespaces.contains_key(&name)
        };
        if few {
            lock(&self.namespaces).entry(name.clone()).or_default();
            let context = self.clone();
            ahead.spawn(async move {
                // What went wrong is told by the reconcile that needs it.
                let _ = context.namespace(&name).await;
            });
        }
    }

    /// Whether the custom resources have been read.
    pub fn current(&self) -> bool {
        self.current.load(Ordering::Relaxed)
    }

    /// It has not failed this time: the next failure is the first again.
    pub(crate) fn succeeded(&self, object: &ObjectRef<K>) {
        lock(&self.failures).remove(object);
    }

    /// The custom resources have been read.
    pub(crate) fn is_current(&self) {
        self.current.store(true, Ordering::Relaxed);
    }

    /// Forgets a custom resource that is gone, and its namespace if it was the last one there.
    pub(crate) fn forget(&self, object: &K) {
        lock(&self.failures).remove(&ObjectRef::from_obj(object));
        lock(&self.written).remove(&object.uid().unwrap_or_default());
        let namespace = object.namespace().unwrap_or_default();
        self.reporter.gone(&namespace, &object.name_any());
        if !self.store.state().iter().any(|other| other.namespace().as_deref() == Some(namespace.as_str())) {
            lock(&self.namespaces).remove(&namespace);
        }
    }

    /// 1, 2, 4 ... s up to `most`, each with up to a half more at random, so that many instances do not come back at once.
    pub(crate) fn back_off(&self, object: &ObjectRef<K>, most: Duration) -> Duration {
        let mut failures = lock(&self.failures);
        let count = failures.entry(object.clone()).or_default();
        let wait = Duration::from_secs(1 << (*count).min(9)).min(most);
        *count += 1;
        wait.mul_f64(rand::rng().random_range(1.0..1.5))
    }
}

/// A mutex, whatever befell who held it last.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
