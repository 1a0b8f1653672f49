//! What all controllers have in common: what wakes them, how errors are told, and when they try again.

use std::{
    fmt::Debug,
    hash::Hash,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::{StreamExt, TryStreamExt};
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::ClusterResourceScope,
    runtime::{
        Controller, Predicate, WatchStreamExt,
        controller::{self, Action},
        predicates, reflector, watcher,
    },
};
use reconcile::{Error, call};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::Term;

/// After what failed for a reason that no condition tells.
const FAILED: Duration = Duration::from_secs(15);

/// Runs the controller of a kind until `stop`.
pub async fn run<K, F, R>(term: &Arc<Term>, stop: &CancellationToken, reconcile: F)
where
    K: Resource<DynamicType = (), Scope = ClusterResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
    F: Fn(Arc<K>, Arc<Term>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Action, Error>> + Send + 'static,
    K::DynamicType: Eq + Hash,
{
    let (store, writer) = reflector::store();
    let objects = watcher(Api::<K>::all(term.client.clone()), watcher::Config::default().page_size(50))
        .default_backoff()
        .modify(|object: &mut K| object.managed_fields_mut().clear())
        .reflect(writer)
        .applied_objects()
        .inspect_err(|error| tracing::warn!(kind = %K::kind(&()), %error, "the watch was interrupted"))
        .predicate_filter(
            predicates::generation.combine(predicates::annotations).combine(predicates::finalizers),
            Default::default(),
        );
    let (counting, read) = (term.clone(), store.clone());
    let counted = async move {
        if read.wait_until_ready().await.is_ok() {
            counting.read.fetch_add(1, Ordering::Relaxed);
        }
    };
    let reconciled = move |object: Arc<K>, term: Arc<Term>| {
        let reconcile = reconcile.clone();
        async move {
            let name = object.name_any();
            let result = reconcile(object, term).await;
            if let Err(error) = &result {
                tracing::warn!(kind = %K::kind(&()), name, reason = error.label(), %error, "reconcile failed");
            }
            result
        }
    };
    let working = Controller::for_stream(objects, store)
        .with_config(controller::Config::default().concurrency(4))
        .graceful_shutdown_on(stop.clone().cancelled_owned())
        .run(reconciled, |_, _, _| Action::requeue(FAILED), term.clone())
        .for_each(|_| futures::future::ready(()));
    tokio::join!(counted, working);
}

/// Writes a status if it differs from the one that was read.
pub async fn report<K, S>(term: &Term, object: &K, before: Option<&S>, after: &S) -> Result<(), Error>
where
    K: Resource<DynamicType = (), Scope = ClusterResourceScope> + Clone + DeserializeOwned + Debug,
    S: Serialize + PartialEq,
{
    if before == Some(after) {
        return Ok(());
    }
    let api: Api<K> = Api::all(term.client.clone());
    // With null where something was and is no more: a merge leaves what is not named.
    let mut value = json!({ "status": after });
    if let Some(before) = before {
        gone(&json!({ "status": before }), &mut value);
    }
    // What was read is what this was decided on; who has changed it since has a reconcile of its own.
    value["metadata"] = json!({ "resourceVersion": object.resource_version() });
    let name = object.name_any();
    let what = format!("{} {name}", K::kind(&()));
    let parameters = PatchParams { field_manager: Some("backup-operator".into()), ..PatchParams::default() };
    call("patch", what, api.patch_status(&name, &parameters, &Patch::Merge(&value))).await.map(drop)
}

/// Names with null what `after` does not have any more.
fn gone(before: &serde_json::Value, after: &mut serde_json::Value) {
    if let (Some(before), Some(after)) = (before.as_object(), after.as_object_mut()) {
        for (key, old) in before {
            match after.get_mut(key) {
                Some(new) => gone(old, new),
                None => {
                    after.insert(key.clone(), serde_json::Value::Null);
                }
            }
        }
    }
}
