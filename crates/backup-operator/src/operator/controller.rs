//! What all controllers have in common: what wakes them, how errors are told, and when they try again.

use std::{
    fmt::Debug,
    hash::Hash,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
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
use reconcile::{Error, NORMAL, WARNING, call};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Term, names::FINALIZER};
use crate::crd::{
    BackupScheduleStatus, BackupStatus, BackupStorageStatus, RestoreDrillStatus, RestoreStatus,
};

/// After what failed for a reason that no condition tells.
const FAILED: Duration = Duration::from_secs(15);

/// Runs the controller of a kind until `stop`.
pub async fn run<K, F, R>(
    term: &Arc<Term>,
    stop: &CancellationToken,
    writer: reflector::store::Writer<K>,
    reconcile: F,
) where
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
    let store = writer.as_reader();
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
            let (name, begun) = (object.name_any(), Instant::now());
            let result = reconcile(object, term.clone()).await;
            term.reporter.count(begun.elapsed(), result.as_ref().map(|_| "success"));
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

/// Writes a status if it differs from the one that was read, and tells people what is news in it.
pub async fn report<K, S>(term: &Term, object: &K, before: Option<&S>, after: &S) -> Result<(), Error>
where
    K: Resource<DynamicType = (), Scope = ClusterResourceScope> + Clone + DeserializeOwned + Debug,
    S: Told + Serialize + PartialEq,
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
    call("patch", what, api.patch_status(&name, &parameters, &Patch::Merge(&value))).await?;
    for (type_, reason, message) in news(before, after) {
        term.reporter.event(&term.client, object, type_, reason, message).await;
    }
    Ok(())
}

/// Puts our finalizer on, or takes it off; whether there was anything to do.
pub async fn finalizer<K>(term: &Term, object: &K, held: bool) -> Result<bool, Error>
where
    K: Resource<DynamicType = (), Scope = ClusterResourceScope> + Clone + DeserializeOwned + Debug,
{
    if object.finalizers().iter().any(|name| name == FINALIZER) == held {
        return Ok(false);
    }
    let others = object.finalizers().iter().filter(|name| *name != FINALIZER).cloned();
    let finalizers: Vec<_> = others.chain(held.then(|| FINALIZER.to_owned())).collect();
    let patch =
        json!({ "metadata": { "finalizers": finalizers, "resourceVersion": object.resource_version() } });
    let api: Api<K> = Api::all(term.client.clone());
    let name = object.name_any();
    let (what, patch) = (format!("{} {name}", K::kind(&())), Patch::Merge(&patch));
    match call("patch", what, api.patch_metadata(&name, &PatchParams::default(), &patch)).await {
        Ok(_) | Err(Error::Api { code: Some(404), .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

/// A status that people are told of.
pub trait Told {
    /// What holds and what does not.
    fn conditions(&self) -> &[Condition];

    /// Whether it is on its way: what does not hold yet is no news then.
    fn under_way(&self) -> bool {
        false
    }
}

impl Told for BackupStorageStatus {
    fn conditions(&self) -> &[Condition] {
        &self.conditions
    }
}

impl Told for BackupStatus {
    fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    fn under_way(&self) -> bool {
        !self.phase.ended()
    }
}

impl Told for BackupScheduleStatus {
    fn conditions(&self) -> &[Condition] {
        &self.conditions
    }
}

impl Told for RestoreStatus {
    fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    fn under_way(&self) -> bool {
        !self.phase.ended()
    }
}

impl Told for RestoreDrillStatus {
    fn conditions(&self) -> &[Condition] {
        &self.conditions
    }
}

/// What holds now and did not, and what does not hold for another reason than before: type of the Event, reason and words.
fn news<'a, S: Told>(
    before: Option<&'a S>,
    after: &'a S,
) -> impl Iterator<Item = (&'static str, &'a str, &'a str)> {
    after.conditions().iter().filter_map(move |now| {
        let then = before.and_then(|before| before.conditions().iter().find(|then| then.type_ == now.type_));
        let holds = now.status == "True";
        let same = then.is_some_and(|then| then.status == now.status && (holds || then.reason == now.reason));
        let news = !same && (holds || !after.under_way());
        news.then_some((if holds { NORMAL } else { WARNING }, now.reason.as_str(), now.message.as_str()))
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crd::{Phase, condition};

    fn backup(phase: Phase, holds: bool) -> BackupStatus {
        let mut status = BackupStatus { phase, ..BackupStatus::default() };
        condition(&mut status.conditions, None, "Complete", holds, &format!("{phase:?}"), "words");
        status
    }

    #[test]
    fn the_end_of_a_run_is_news_and_its_phases_are_not() {
        let told = |before: Option<&BackupStatus>, after: &BackupStatus| {
            news(before, after).map(|(type_, reason, _)| (type_, reason.to_owned())).collect::<Vec<_>>()
        };
        let (begun, copying) = (backup(Phase::Preparing, false), backup(Phase::Copying, false));
        assert_eq!(told(None, &begun), []);
        assert_eq!(told(Some(&begun), &copying), []);
        assert_eq!(told(Some(&copying), &backup(Phase::Completed, true)), [(NORMAL, "Completed".to_owned())]);
        let failed = backup(Phase::Failed, false);
        assert_eq!(told(Some(&copying), &failed), [(WARNING, "Failed".to_owned())]);
        assert_eq!(told(Some(&failed), &failed), []);
    }

    #[test]
    fn a_storage_that_fails_for_another_reason_is_news_again() {
        let storage = |holds, reason: &str| {
            let mut status = BackupStorageStatus::default();
            condition(&mut status.conditions, None, "Ready", holds, reason, "words");
            status
        };
        let (refused, full, works) =
            (storage(false, "Refused"), storage(false, "Full"), storage(true, "Works"));
        assert_eq!(news(None, &refused).count(), 1);
        assert_eq!(news(Some(&refused), &refused).count(), 0);
        assert_eq!(news(Some(&refused), &full).count(), 1);
        assert_eq!(news(Some(&full), &works).next(), Some((NORMAL, "Works", "words")));
    }
}
