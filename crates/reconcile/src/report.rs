//! One reporter: every reconcile ends here and becomes a log line, metrics and, where it is news, Events.

use std::{fmt::Write, time::Duration};

use kube::{
    Client, ResourceExt,
    runtime::events::{Event, EventType, Recorder, Reporter as Source},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};

use crate::{apply::Outcome, error::Error, kind::About, managed::Managed, status::Status};

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
        let mut registry = Registry::with_prefix(about.operator.replace('-', "_"));
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

    /// The page that Prometheus reads.
    pub fn page(&self) -> String {
        let mut page = String::new();
        match text::encode(&mut page, &self.registry) {
            Ok(()) => page,
            Err(_) => String::new(),
        }
    }
}

/// What one reconcile came to.
pub struct Done {
    /// The status before and after.
    pub status: (Option<Status>, Status),
    /// What was written and what is waited for.
    pub outcome: Outcome,
    /// Something is wrong that only the user can mend.
    pub faulty: bool,
}

/// Tells people and machines what happened.
pub struct Reporter {
    recorder: Recorder,
    /// What is counted.
    pub metrics: Metrics,
}

impl Reporter {
    /// A reporter that speaks for this operator and pod.
    pub fn new(client: Client, about: &About) -> Self {
        let source = Source { controller: about.operator.into(), instance: std::env::var("POD_NAME").ok() };
        Self { recorder: Recorder::new(client, source), metrics: Metrics::new(about) }
    }

    /// Tells what a reconcile came to.
    pub async fn tell<K: Managed>(&self, object: &K, took: Duration, result: &Result<Done, Error>) {
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        let metrics = &self.metrics;
        metrics.seconds.observe(took.as_secs_f64());
        let count = |result| metrics.reconciles.get_or_create(&Result_ { result }).inc();
        match result {
            Err(error) => {
                count("error");
                metrics.errors.get_or_create(&Reason { reason: error.label() }).inc();
                tracing::warn!(%namespace, %name, reason = error.label(), %error, "reconcile failed");
            }
            Ok(done) => {
                let (before, after) = &done.status;
                let waiting = done.outcome.waiting.as_ref();
                count(if done.faulty {
                    "invalid"
                } else if waiting.is_some() {
                    "waiting"
                } else {
                    "success"
                });
                metrics.repairs.inc_by(done.outcome.repaired.len() as u64);
                metrics.writes.inc_by(done.outcome.written.len() as u64);
                let instance = Instance { namespace: namespace.clone(), name: name.clone() };
                metrics.ready.get_or_create(&instance).set(i64::from(after.is("Ready")));
                let milliseconds = took.as_millis();
                let (stage, why) = waiting.map_or(("", ""), |(stage, why)| (stage, why));
                let written = done.outcome.written.join(", ");
                if written.is_empty() && before.as_ref().is_some_and(|before| before.same(after)) {
                    tracing::debug!(%namespace, %name, milliseconds, "nothing to do");
                } else {
                    tracing::info!(%namespace, %name, milliseconds, stage, why, written, "reconciled");
                }
                for repaired in &done.outcome.repaired {
                    self.event(object, EventType::Warning, "DriftRepaired", repaired).await;
                }
                if let Some((kind, reason, message)) = news(before.as_ref(), after) {
                    self.event(object, kind, &reason, &message).await;
                }
            }
        }
    }

    /// An instance is gone: its metrics go as well.
    pub fn gone(&self, namespace: &str, name: &str) {
        self.metrics.ready.remove(&Instance { namespace: namespace.into(), name: name.into() });
    }

    async fn event<K: Managed>(&self, object: &K, type_: EventType, reason: &str, note: &str) {
        let mut short = String::new();
        // The API takes a kilobyte.
        for part in note.chars().take(900) {
            let _ = short.write_char(part);
        }
        let event = Event {
            type_,
            reason: reason.into(),
            note: Some(short),
            action: "Reconcile".into(),
            secondary: None,
        };
        // An Event is news for people; losing one is no reason to reconcile again.
        let about = object.object_ref(&());
        let published = self.recorder.publish(&event, &about);
        match tokio::time::timeout(crate::error::CALL, published).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error = crate::error::said(&error), "cannot publish an Event"),
            Err(_) => tracing::warn!("cannot publish an Event in time"),
        }
    }
}

/// What is worth an Event: `Ready` has changed, or something is wrong that only the user can mend. Stages on the way are not:
/// the conditions name them, and each Event is a write.
fn news(before: Option<&Status>, after: &Status) -> Option<(EventType, String, String)> {
    let ready =
        |status: &Status| status.conditions.iter().find(|condition| condition.type_ == "Ready").cloned();
    let now = ready(after)?;
    let then = before.and_then(ready);
    let stalled = after.is("Stalled");
    let same = then.is_some_and(|then| then.status == now.status && (!stalled || then.reason == now.reason));
    (!same).then_some((if stalled { EventType::Warning } else { EventType::Normal }, now.reason, now.message))
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
