//! What a Pulp tells of itself, and workers that follow what it tells.

use reconcile::rehearsal::{golden, text};

use super::*;
use crate::scaling::{Demand, INTERVAL};

const FOLLOWED: &str = "{storage: {file: {size: 1Gi}}, worker: {replicas: 9, autoscaling: {maxReplicas: 4}}}";

fn workers(plan: &Plan) -> &serde_json::Value {
    &object(plan, "Deployment", "p-worker").body.data["spec"]["replicas"]
}

fn unknown(workers: Option<i32>) -> Demand {
    Demand::Unknown { why: "no pod of metrics is ready".into(), workers }
}

#[test]
fn metrics_telemetry_and_workers_that_follow_the_tasks() {
    let pulp = of("{storage: {claim: {name: mine}}, plugins: [pulp_rpm],
        metrics: {artifactsEveryMinutes: 60, serviceMonitor: {intervalSeconds: 15, labels: {release: prometheus}}, template: {labels: {a: b}}},
        worker: {autoscaling: {minReplicas: 0, maxReplicas: 4, scaleDownAfterSeconds: 60}},
        telemetry: {endpoint: 'https://collector.example.com:4318/', intervalSeconds: 10, headers: {name: otel}, ca: {name: otel-ca}}}");
    let mut seen = Observed { monitored: true, demand: Demand::Tasks(3), ..seen(&pulp) };
    seen.volumes.push("mine".into());
    let said = faults(&pulp, &seen);
    assert_eq!(
        said,
        [
            "SecretMissing: spec.telemetry.headers: Secret \"otel\" does not exist; create it with the key \"headers\"",
            "SecretMissing: spec.telemetry.ca: Secret \"otel-ca\" does not exist; create it with the key \"ca.crt\""
        ]
    );
    seen.secrets.insert("otel".into(), secret(&[("headers", "authorization=Bearer%20x")]));
    seen.secrets.insert("otel-ca".into(), secret(&[("ca.crt", "certificate")]));
    let plan = plan(&pulp, &seen);
    assert!(settings(&plan).contains("OTEL_ENABLED = True"));
    golden(DIRECTORY, "metrics.yaml", &text(&plan));
}

#[test]
fn the_number_of_workers_is_looked_at_again_only_where_it_follows_the_tasks() {
    let pulp = of(FOLLOWED);
    for (demand, number) in [(Demand::Tasks(3), 3), (Demand::Tasks(0), 1), (unknown(Some(2)), 2)] {
        let plan = plan(&pulp, &Observed { demand, ..seen(&pulp) });
        assert_eq!((workers(&plan), plan.again), (&number.into(), Some(INTERVAL)));
        object(&plan, "PodDisruptionBudget", "p-worker");
    }
    let fixed = of("{storage: {file: {size: 1Gi}}}");
    let plan = plan(&fixed, &Observed { demand: Demand::Tasks(3), ..seen(&fixed) });
    assert_eq!((workers(&plan), plan.again), (&2.into(), None));
}

#[test]
fn waiting_tasks_bring_no_worker_back_while_a_migration_needs_all_of_them_gone() {
    let pulp = of(FOLLOWED);
    let gate = r#"{"versions": {}, "gates": [["core", "3.82.1"]]}"#;
    let jobs = [("migrate", "old", "{}"), ("preflight", "images.example.com/pulp:1", gate)];
    let seen = Observed { demand: Demand::Tasks(3), ..running(&pulp, &jobs) };
    assert_eq!(workers(&plan(&pulp, &seen)), 0);
    assert_eq!(follows(&pulp, &seen).1, "Draining");
}

/// The condition that tells whether workers follow the tasks: status, reason, message.
fn follows(pulp: &Pulp, seen: &Observed) -> (bool, &'static str, String) {
    let report = Pulp::report(&pulp.check(seen).unwrap(), seen, true);
    let news = report.conditions.into_iter().find(|news| news.type_ == "WorkersFollow").unwrap();
    (news.status, news.reason, news.message)
}

#[test]
fn a_condition_tells_whether_workers_follow_the_tasks_in_words_that_do_not_change_with_their_number() {
    let pulp = of(FOLLOWED);
    let at = |demand| follows(&pulp, &Observed { demand, ..seen(&pulp) });
    let told = at(Demand::Tasks(1));
    assert_eq!((told.0, told.1), (true, "FollowsTasks"));
    assert_eq!(told, at(Demand::Tasks(400)));
    let (status, reason, message) = at(unknown(Some(2)));
    assert_eq!((status, reason), (false, "DemandUnknown"));
    assert_eq!(message, "the number of workers stays as it is: no pod of metrics is ready");
}

#[test]
fn without_metrics_there_is_nothing_of_them() {
    let pulp = of("{storage: {file: {size: 1Gi}}, metrics: {enabled: false}}");
    let plan = plan(&pulp, &Observed { monitored: true, ..seen(&pulp) });
    assert!(plan.objects().all(|object| object.body.name_any() != "p-metrics"));
}
