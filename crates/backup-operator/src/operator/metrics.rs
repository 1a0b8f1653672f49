//! What Prometheus learns of backups: read from the objects whenever it asks, so that nothing is told of what is gone.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{
    ResourceExt,
    runtime::reflector::{Store, store::Writer},
};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use crate::{
    crd::{Backup, BackupSchedule, BackupStorage, Restore, RestoreDrill, holds},
    gateway,
};

/// Objects of all kinds as they were last seen.
pub struct Seen {
    storages: Store<BackupStorage>,
    backups: Store<Backup>,
    schedules: Store<BackupSchedule>,
    restores: Store<Restore>,
    drills: Store<RestoreDrill>,
}

/// What the controllers write what they see to.
#[derive(Default)]
pub struct Sight {
    pub storages: Writer<BackupStorage>,
    pub backups: Writer<Backup>,
    pub schedules: Writer<BackupSchedule>,
    pub restores: Writer<Restore>,
    pub drills: Writer<RestoreDrill>,
}

impl Sight {
    /// The same, to be read.
    pub fn seen(&self) -> Seen {
        Seen {
            storages: self.storages.as_reader(),
            backups: self.backups.as_reader(),
            schedules: self.schedules.as_reader(),
            restores: self.restores.as_reader(),
            drills: self.drills.as_reader(),
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfStorage {
    storage: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfSchedule {
    schedule: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfDrill {
    drill: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Runs {
    storage: String,
    phase: String,
}

/// Adds everything that is seen.
pub fn measure(seen: &Seen, registry: &mut Registry) {
    storages(seen, registry);
    runs(seen, registry);
    schedules(seen, registry);
    drills(seen, registry);
}

fn storages(seen: &Seen, registry: &mut Registry) {
    let [ready, healthy, sets, used, proven] = std::array::from_fn(|_| Family::<OfStorage, Gauge>::default());
    for object in seen.storages.state() {
        let (of, status) =
            (OfStorage { storage: object.name_any() }, object.status.clone().unwrap_or_default());
        ready.get_or_create(&of).set(holds(&status.conditions, "Ready").into());
        if status.conditions.iter().any(|one| one.type_ == "Healthy") {
            healthy.get_or_create(&of).set(holds(&status.conditions, "Healthy").into());
        }
        if let Some(number) = status.sets {
            sets.get_or_create(&of).set(number);
        }
        if let Some(bytes) = status.used_bytes {
            used.get_or_create(&of).set(bytes);
        }
    }
    for object in seen.backups.state() {
        let Some(status) = object.status.as_ref().filter(|status| status.verified_at.is_some()) else {
            continue;
        };
        let newest = proven.get_or_create_owned(&OfStorage { storage: object.spec.storage.name.clone() });
        newest.set(newest.get().max(seconds(status.cut.as_ref().map(|cut| &cut.at))));
    }
    registry.register("storage_ready", "1 for a storage that works, else 0", ready);
    registry.register(
        "storage_healthy",
        "0 if the last check of a storage has found damage, else 1",
        healthy,
    );
    registry.register("storage_sets", "Complete sets in a storage", sets);
    registry.register_with_unit(
        "storage_used",
        "What is stored, as of the last maintenance",
        Unit::Bytes,
        used,
    );
    registry.register_with_unit(
        "storage_proven_timestamp",
        "The instant that the newest set shows which a drill has restored",
        Unit::Seconds,
        proven,
    );
}

fn runs(seen: &Seen, registry: &mut Registry) {
    let [backups, restores] = std::array::from_fn(|_| Family::<Runs, Gauge>::default());
    for object in seen.backups.state() {
        let phase = object.status.as_ref().map(|status| status.phase).unwrap_or_default();
        let of = Runs { storage: object.spec.storage.name.clone(), phase: format!("{phase:?}") };
        backups.get_or_create(&of).inc();
    }
    for object in seen.restores.state() {
        let phase = object.status.as_ref().map(|status| status.phase).unwrap_or_default();
        let of = Runs { storage: object.spec.storage.name.clone(), phase: format!("{phase:?}") };
        restores.get_or_create(&of).inc();
    }
    registry.register("backups", "Backups by phase", backups);
    registry.register("restores", "Restores by phase", restores);
}

fn schedules(seen: &Seen, registry: &mut Registry) {
    let [created, completed] = std::array::from_fn(|_| Family::<OfSchedule, Gauge>::default());
    for object in seen.schedules.state() {
        let of = OfSchedule { schedule: object.name_any() };
        created.get_or_create(&of).set(seconds(object.metadata.creation_timestamp.as_ref()));
        let last = object.status.as_ref().and_then(|status| status.last_completed_at.as_ref());
        if last.is_some() {
            completed.get_or_create(&of).set(seconds(last));
        }
    }
    registry.register_with_unit(
        "schedule_created_timestamp",
        "When a schedule was made",
        Unit::Seconds,
        created,
    );
    registry.register_with_unit(
        "schedule_completed_timestamp",
        "When a backup of a schedule was last completed",
        Unit::Seconds,
        completed,
    );
}

fn drills(seen: &Seen, registry: &mut Registry) {
    let [proven, at, took] = std::array::from_fn(|_| Family::<OfDrill, Gauge>::default());
    for object in seen.drills.state() {
        let of = OfDrill { drill: object.name_any() };
        let Some(status) = object.status.as_ref().filter(|status| !status.conditions.is_empty()) else {
            continue;
        };
        proven.get_or_create(&of).set(holds(&status.conditions, "Proven").into());
        let Some(last) = &status.last else { continue };
        at.get_or_create(&of).set(seconds(Some(&last.at)));
        if let Some(recovery) = last.seconds {
            took.get_or_create(&of).set(recovery);
        }
    }
    registry.register("drill_proven", "0 if the last drill could not restore the newest set, else 1", proven);
    registry.register_with_unit("drill_timestamp", "When a drill last ended", Unit::Seconds, at);
    registry.register_with_unit(
        "drill_recovery",
        "Time until everything was restored and ready",
        Unit::Seconds,
        took,
    );
}

/// Adds what the gateway has counted.
pub fn gateway(metrics: &gateway::Metrics, registry: &mut Registry) {
    let counter = |value: u64| {
        let counter: Counter = Counter::default();
        counter.inc_by(value);
        counter
    };
    registry.register("gateway_requests", "Requests of movers", counter(metrics.requests()));
    registry.register(
        "gateway_refused",
        "Requests without the right to what they ask",
        counter(metrics.refused()),
    );
    registry.register(
        "gateway_failed",
        "Requests that failed because of the storage",
        counter(metrics.failed()),
    );
    registry.register_with_unit("gateway_received", "From movers", Unit::Bytes, counter(metrics.received()));
    registry.register_with_unit("gateway_sent", "To movers", Unit::Bytes, counter(metrics.sent()));
}

/// Since 1970; 0 for never.
fn seconds(time: Option<&Time>) -> i64 {
    time.map_or(0, |time| time.0.as_second())
}

#[cfg(test)]
mod tests {
    use kube::runtime::{reflector, watcher::Event};
    use prometheus_client::encoding::text::encode_registry;
    use serde_json::{Value, json};

    use super::*;

    fn store<K>(objects: Vec<Value>) -> Store<K>
    where
        K: kube::Resource<DynamicType = ()> + Clone + serde::de::DeserializeOwned + 'static,
    {
        let (store, mut writer) = reflector::store();
        for object in objects {
            writer.apply_watcher_event(&Event::Apply(serde_json::from_value(object).unwrap()));
        }
        store
    }

    fn object(kind: &str, name: &str, spec: Value, status: Value) -> Value {
        let metadata = json!({ "name": name, "creationTimestamp": "2026-11-01T00:00:00Z" });
        json!({ "apiVersion": "backup.theforeman.org/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec, "status": status })
    }

    fn condition(type_: &str, status: &str) -> Value {
        json!([{ "type": type_, "status": status, "reason": "R", "message": "", "lastTransitionTime": "2026-11-01T00:00:00Z" }])
    }

    #[test]
    fn an_alert_can_tell_what_is_not_backed_up_from_what_is_not_proven() {
        let of = json!({ "storage": { "name": "main" } });
        let backup = |name: &str, at: &str, verified: bool| {
            let cut = json!({ "id": "i", "at": at, "tries": 1, "milliseconds": 2 });
            let mut status = json!({ "phase": "Completed", "cut": cut });
            if verified {
                status["verifiedAt"] = "2026-11-03T00:00:00Z".into();
            }
            object("Backup", name, of.clone(), status)
        };
        let failed = object("Backup", "x", of.clone(), json!({ "phase": "Failed" }));
        let cron = json!({ "schedule": "0 5 * * *", "template": of });
        let spec = json!({ "key": { "name": "k" }, "volume": { "claim": "c" } });
        let last = json!({ "at": "2026-11-02T00:00:00Z", "set": "s", "worked": false, "seconds": 91 });
        let seen = Seen {
            storages: store(vec![
                object(
                    "BackupStorage",
                    "main",
                    spec.clone(),
                    json!({ "conditions": condition("Ready", "True"), "sets": 2 }),
                ),
                object("BackupStorage", "gone", spec, json!({ "conditions": condition("Ready", "False") })),
            ]),
            backups: store(vec![
                backup("b", "1970-01-01T00:00:20Z", true),
                backup("a", "1970-01-01T00:00:10Z", true),
                backup("c", "1970-01-01T00:00:30Z", false),
                failed,
            ]),
            schedules: store(vec![object("BackupSchedule", "nightly", cron, json!({}))]),
            restores: store(vec![object(
                "Restore",
                "r",
                json!({ "storage": { "name": "main" } }),
                json!({ "phase": "Filling" }),
            )]),
            drills: store(vec![object(
                "RestoreDrill",
                "weekly",
                json!({ "storage": { "name": "main" }, "mapping": { "namespaces": {} } }),
                json!({ "conditions": condition("Proven", "False"), "last": last }),
            )]),
        };
        let mut registry = Registry::default();
        measure(&seen, &mut registry);
        let mut page = String::new();
        encode_registry(&mut page, &registry).unwrap();
        for line in [
            "storage_ready{storage=\"main\"} 1",
            "storage_ready{storage=\"gone\"} 0",
            "storage_sets{storage=\"main\"} 2",
            "storage_proven_timestamp_seconds{storage=\"main\"} 20",
            "backups{storage=\"main\",phase=\"Completed\"} 3",
            "backups{storage=\"main\",phase=\"Failed\"} 1",
            "restores{storage=\"main\",phase=\"Filling\"} 1",
            "schedule_created_timestamp_seconds{schedule=\"nightly\"} 1793491200",
            "drill_proven{drill=\"weekly\"} 0",
            "drill_recovery_seconds{drill=\"weekly\"} 91",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
        }
        assert!(!page.contains("schedule_completed_timestamp_seconds{"), "none was completed:\n{page}");
    }
}
