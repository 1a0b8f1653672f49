//! One reporter: every reconcile ends here and becomes a log line, metrics and, where it is news, Events.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{
    api::events::v1::Event,
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{Api, Client, Resource, ResourceExt, api::PostParams};
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};

use crate::{
    apply::Outcome,
    error::{Error, call},
    kind::About,
    managed::Managed,
    status::Status,
};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Result_ {
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Instance {
    namespace: String,
    name: String,
}

/// An empty registry whose names begin with the operator's.
pub fn registry(about: &About) -> Registry {
    Registry::with_prefix(about.operator.replace('-', "_"))
}

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    reconciles: Family<Result_, Counter>,
    errors: Family<Reason, Counter>,
    seconds: Histogram,
    repairs: Counter,
    writes: Counter,
    ready: Family<Instance, Gauge>,
    /// 1 while this replica leads.
    pub leader: Gauge,
}

impl Metrics {
    /// All metrics of an operator; their names begin with the operator's.
    pub fn new(about: &About) -> Self {
        let mut registry = registry(about);
        let metrics = Self {
            reconciles: Family::default(),
            errors: Family::default(),
            seconds: Histogram::new([0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0]),
            repairs: Counter::default(),
            writes: Counter::default(),
            ready: Family::default(),
            leader: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register(
            "reconcile",
            "Reconciles by result: success, waiting, invalid, error",
            metrics.reconciles.clone(),
        );
        registry.register("reconcile_errors", "Failed reconciles by reason", metrics.errors.clone());
        registry.register("reconcile_duration_seconds", "Time of one reconcile", metrics.seconds.clone());
        registry.register(
            "drift_repaired",
            "Objects that were edited or deleted and put back",
            metrics.repairs.clone(),
        );
        registry.register("object_writes", "Writes to owned objects", metrics.writes.clone());
        registry.register("instance_ready", "1 for an instance that is Ready, else 0", metrics.ready.clone());
        registry.register("leader", "1 while this replica leads", metrics.leader.clone());
        registry.register("build", "The operator's version", Info::new([("version", about.version)]));
        Self { registry, ..metrics }
    }

    /// The page that Prometheus reads: what is counted, and what `more` knows.
    pub fn page(&self, more: &Registry) -> String {
        let mut page = String::new();
        let encoded = text::encode_registry(&mut page, &self.registry)
            .and_then(|()| text::encode_registry(&mut page, more))
            .and_then(|()| text::encode_eof(&mut page));
        match encoded {
            Ok(()) => page,
            Err(_) => String::new(),
        }
    }
}

/// Type of an Event that tells of what was to be expected.
pub const NORMAL: &str = "Normal";
/// Type of an Event that somebody should look at.
pub const WARNING: &str = "Warning";

/// What one reconcile came to.
pub struct Done {
    /// The status before and after.
    pub status: (Option<Status>, Status),
    /// What was written and what is waited for.
    pub outcome: Outcome,
    /// Something is wrong that only the user can mend.
    pub faulty: bool,
}

impl Done {
    /// In one word, for metrics and traces.
    pub fn result(&self) -> &'static str {
        match &self.outcome.waiting {
            _ if self.faulty => "invalid",
            Some(_) => "waiting",
            None => "success",
        }
    }
}

/// Tells people and machines what happened.
pub struct Reporter {
    operator: &'static str,
    pod: String,
    /// What is counted.
    pub metrics: Metrics,
}

impl Reporter {
    /// A reporter that speaks for this operator and pod.
    pub fn new(about: &About) -> Self {
        let pod = std::env::var("POD_NAME").unwrap_or_else(|_| about.operator.into());
        Self { operator: about.operator, pod, metrics: Metrics::new(about) }
    }

    /// Tells what a reconcile came to.
    pub async fn tell<K: Managed>(
        &self,
        client: &Client,
        object: &K,
        took: Duration,
        result: &Result<Done, Error>,
    ) {
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        let metrics = &self.metrics;
        self.count(took, result.as_ref().map(Done::result));
        match result {
            Err(error) => {
                tracing::warn!(%namespace, %name, reason = error.label(), %error, "reconcile failed");
            }
            Ok(done) => {
                let (before, after) = &done.status;
                let waiting = done.outcome.waiting.as_ref();
                metrics.repairs.inc_by(done.outcome.repaired.len() as u64);
                metrics.writes.inc_by(done.outcome.written.len() as u64);
                let instance = Instance { namespace: namespace.clone(), name: name.clone() };
                metrics.ready.get_or_create(&instance).set(i64::from(after.is("Ready")));
                let milliseconds = took.as_millis();
                let (stage, why) = waiting.map_or(("", ""), |(stage, why)| (stage, why));
                let written = done.outcome.written.join(", ");
                if written.is_empty() && before.as_ref().is_some_and(|before| before.renewed(after)) {
                    tracing::debug!(%namespace, %name, milliseconds, "nothing to do");
                } else {
                    tracing::info!(%namespace, %name, milliseconds, stage, why, written, "reconciled");
                }
                for repaired in &done.outcome.repaired {
                    self.event(client, object, WARNING, "DriftRepaired", repaired).await;
                }
                if let Some((kind, reason, message)) = news(before.as_ref(), after) {
                    self.event(client, object, kind, &reason, &message).await;
                }
            }
        }
    }

    /// Counts a reconcile: its result in one word, or why there is none.
    pub fn count(&self, took: Duration, result: Result<&'static str, &Error>) {
        let metrics = &self.metrics;
        metrics.seconds.observe(took.as_secs_f64());
        let result = result.unwrap_or_else(|error| {
            metrics.errors.get_or_create(&Reason { reason: error.label() }).inc();
            "error"
        });
        metrics.reconciles.get_or_create(&Result_ { result }).inc();
    }

    /// An instance is gone: its metrics go as well.
    pub fn gone(&self, namespace: &str, name: &str) {
        self.metrics.ready.remove(&Instance { namespace: namespace.into(), name: name.into() });
    }

    /// Whoever leads next tells of all instances.
    pub fn forget(&self) {
        self.metrics.ready.clear();
    }

    /// Publishes an Event. One for each: a series of equal reasons would keep the words of the first, and what was put back is in
    /// the words.
    pub async fn event<K>(&self, client: &Client, object: &K, type_: &str, reason: &str, note: &str)
    where
        K: Resource<DynamicType = ()>,
    {
        // What has no namespace has its Events where Kubernetes keeps those of nodes.
        let namespace = object.namespace().unwrap_or_else(|| "default".into());
        let now = Timestamp::now();
        let event = Event {
            metadata: ObjectMeta {
                name: Some(format!("{}.{:x}", object.name_any(), now.as_nanosecond())),
                namespace: Some(namespace.clone()),
                ..Default::default()
            },
            event_time: Some(MicroTime(now)),
            type_: Some(type_.into()),
            reason: Some(reason.into()),
            // The API takes a kilobyte.
            note: Some(note.chars().take(900).collect()),
            action: Some("Reconcile".into()),
            regarding: Some(object.object_ref(&())),
            reporting_controller: Some(self.operator.into()),
            reporting_instance: Some(self.pod.clone()),
            ..Default::default()
        };
        let api: Api<Event> = Api::namespaced(client.clone(), &namespace);
        // An Event is news for people; losing one is no reason to reconcile again.
        if let Err(error) = call("publish", "an Event", api.create(&PostParams::default(), &event)).await {
            tracing::warn!(%error, "an Event is lost");
        }
    }
}

/// What is worth an Event: `Ready` has changed, or something is wrong that only the user can mend. Stages on the way are not:
/// the conditions name them, and each Event is a write.
fn news(before: Option<&Status>, after: &Status) -> Option<(&'static str, String, String)> {
    let ready =
        |status: &Status| status.conditions.iter().find(|condition| condition.type_ == "Ready").cloned();
    let now = ready(after)?;
    let then = before.and_then(ready);
    let stalled = after.is("Stalled");
    let same = then.is_some_and(|then| then.status == now.status && (!stalled || then.reason == now.reason));
    (!same).then_some((if stalled { WARNING } else { NORMAL }, now.reason, now.message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::News;

    fn status(ready: bool, stalled: bool, reason: &'static str) -> Status {
        let mut status = Status::default();
        for (type_, holds) in [("Ready", ready), ("Stalled", stalled)] {
            status.set(None, None, News { type_, status: holds, reason, message: String::new() });
        }
        status
    }

    #[test]
    fn stages_on_the_way_are_no_events_but_the_end_and_trouble_are() {
        let (database, web) = (status(false, false, "Database"), status(false, false, "Web"));
        let (ready, lost) = (status(true, false, "Ready"), status(false, true, "KeyLost"));
        assert!(news(None, &database).is_some(), "the beginning");
        assert_eq!(news(Some(&database), &web), None);
        assert!(news(Some(&web), &ready).is_some());
        assert_eq!(news(Some(&ready), &ready), None);
        assert!(news(Some(&web), &lost).is_some_and(|(_, reason, _)| reason == "KeyLost"));
    }
}
