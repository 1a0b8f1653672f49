//! Restores.

use serde_json::json;

use super::{Life, at_every_write, phase};
use crate::operator::{names, rehearsal::cluster::Cluster};

/// A cluster with a complete backup.
pub async fn backed_up() -> Life {
    let mut life = Life::new(Cluster::new().await);
    life.cluster.add("Backup", "backups", "now", json!({ "storage": { "name": "main" } }));
    life.until("the backup is complete", |cluster| phase(cluster, "backups", "now") == "Completed").await;
    life
}

async fn ended(life: &mut Life) {
    life.until("the restore has ended", |cluster| {
        let phase = phase(cluster, "restores", "back");
        ["Completed", "Failed"].iter().any(|end| phase == *end)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restore_comes_to_the_same_end_wherever_the_operator_dies() {
    let before = backed_up().await;
    let mapping = json!({ "namespaces": { "foreman": "scratch" }, "hosts": { "pulp.example.com": "pulp.scratch.test" } });
    before.cluster.add(
        "Restore",
        "restores",
        "back",
        json!({ "storage": { "name": "main" }, "backup": { "name": "now" }, "mapping": mapping }),
    );
    at_every_write(&before, ended, async |life, when| {
        let restore = life.cluster.object("restores", "back").unwrap();
        assert_eq!(restore["status"]["phase"], "Completed", "{when}: {restore:#}");
        let pulp = life.cluster.pulp("scratch").expect("a Pulp");
        assert_eq!(pulp["spec"]["ingress"]["host"], "pulp.scratch.test", "{when}");
        let short = names::short(restore["metadata"]["uid"].as_str().unwrap());
        assert_eq!(
            pulp["metadata"]["annotations"][reconcile::DATA],
            short,
            "{when}: it has taken in its data"
        );
        assert_eq!(pulp["status"]["data"], short, "{when}");
        assert_eq!(life.cluster.holds("scratch"), [""; 0], "{when}");
        let key = life.cluster.memory.object("/api/v1/namespaces/scratch/secrets/p-key").expect("its key");
        assert_eq!(key["data"]["key"], "bmV2ZXIgYW5vdGhlciBvbmU=", "{when}");
        assert_eq!(life.rest().await, [""; 0], "{when}: nothing is left to be written");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_beside_what_it_was_made_from_has_another_name_and_its_keys_follow() {
    let mut life = backed_up().await;
    let spec = json!({ "storage": { "name": "main" }, "backup": { "name": "now" }, "mapping": { "names": { "p": "copy", "q": "other" } } });
    life.cluster.add("Restore", "restores", "back", spec);
    ended(&mut life).await;
    let restore = life.cluster.object("restores", "back").unwrap();
    assert_eq!(restore["status"]["phase"], "Completed", "{restore:#}");
    for (from, to) in [("p", "copy"), ("q", "other")] {
        let at = |name: &str| {
            life.cluster
                .memory
                .object(&format!("/api/v1/namespaces/foreman/secrets/{name}-key"))
                .expect("its key")
        };
        assert_eq!(at(from)["data"], at(to)["data"]);
        let path = format!("{}/foreman/pulps/{to}", crate::operator::rehearsal::cluster::PULPS);
        assert!(life.cluster.memory.object(&path).is_some(), "there is no Pulp {to}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_replaced_is_saved_first_wherever_the_operator_dies() {
    let before = backed_up().await;
    before.cluster.add(
        "Restore",
        "restores",
        "back",
        json!({ "storage": { "name": "main" }, "backup": { "name": "now" }, "inPlace": true }),
    );
    at_every_write(&before, ended, async |life, when| {
        let restore = life.cluster.object("restores", "back").unwrap();
        assert_eq!(restore["status"]["phase"], "Completed", "{when}: {restore:#}");
        assert_eq!(phase(&life.cluster, "backups", "back-before"), "Completed", "{when}");
        let saved = life.cluster.object("backups", "back-before").unwrap()["status"]["set"].clone();
        assert_ne!(
            restore["status"]["set"], saved,
            "{when}: what was asked for was restored, not what was saved"
        );
        assert_eq!(life.cluster.holds("foreman"), [""; 0], "{when}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_filled_starts_though_another_one_cannot_wherever_the_operator_dies() {
    let before = backed_up().await;
    let spec = json!({ "storage": { "name": "main" }, "backup": { "name": "now" }, "mapping": { "namespaces": { "foreman": "scratch" } } });
    before.cluster.add("Restore", "restores", "back", spec);
    let deleted = async |life: &mut Life| {
        life.until("one starts", |cluster| phase(cluster, "restores", "back") == "Starting").await;
        life.cluster.memory.edit(&format!("{}/scratch/pulps/p", super::cluster::PULPS), |_| None);
        ended(life).await;
    };
    at_every_write(&before, deleted, async |life, when| {
        let restore = life.cluster.object("restores", "back").unwrap();
        assert_eq!(restore["status"]["phase"], "Failed", "{when}: {restore:#}");
        let path = format!("{}/scratch/pulps/q", super::cluster::PULPS);
        let annotations =
            life.cluster.memory.object(&path).expect("the other one")["metadata"]["annotations"].clone();
        assert!(annotations[reconcile::AWAITS].is_null(), "{when}: it waits for nothing: {annotations}");
        assert!(!annotations[reconcile::DATA].is_null(), "{when}: and knows that its data are other ones");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_there_is_touched_unless_that_was_asked_for() {
    let mut life = backed_up().await;
    let there = life.cluster.pulp("foreman");
    life.cluster.add(
        "Restore",
        "restores",
        "back",
        json!({ "storage": { "name": "main" }, "backup": { "name": "now" } }),
    );
    ended(&mut life).await;
    let restore = life.cluster.object("restores", "back").unwrap();
    assert_eq!(restore["status"]["phase"], "Failed");
    let words = restore["status"]["conditions"][0]["message"].as_str().unwrap_or_default();
    assert!(
        words.starts_with("Pulp foreman/p is there already; restore elsewhere (spec.mapping.namespaces)"),
        "{words}"
    );
    let now = life.cluster.pulp("foreman");
    assert_eq!(
        there.map(|pulp| pulp["metadata"]["annotations"].clone()),
        now.map(|pulp| pulp["metadata"]["annotations"].clone())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_cannot_be_filled_takes_away_what_it_made_wherever_the_operator_dies() {
    let mut before = backed_up().await;
    before.cluster.fails = Some("the pack ab12 is missing".into());
    let mapping = json!({ "namespaces": { "foreman": "scratch" } });
    let spec = json!({ "storage": { "name": "main" }, "backup": { "name": "now" }, "mapping": mapping });
    before.cluster.add("Restore", "restores", "back", spec);
    at_every_write(&before, ended, async |life, when| {
        let restore = life.cluster.object("restores", "back").unwrap();
        assert_eq!(restore["status"]["phase"], "Failed", "{when}: {restore:#}");
        let words = restore["status"]["conditions"][0]["message"].as_str().unwrap_or_default();
        assert!(words.ends_with("the pack ab12 is missing"), "{when}: {words}");
        let left =
            life.cluster.memory.objects().into_keys().filter(|path| path.contains("/namespaces/scratch/"));
        assert_eq!(left.collect::<Vec<_>>(), [""; 0], "{when}");
        assert_eq!(life.rest().await, [""; 0], "{when}: nothing is left to be written");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_half_replaced_never_starts_and_is_replaced_by_the_next_one() {
    let mut before = backed_up().await;
    before.cluster.fails = Some("the pack ab12 is missing".into());
    let spec = json!({ "storage": { "name": "main" }, "backup": { "name": "now" }, "inPlace": true });
    before.cluster.add("Backup", "backups", "back-before", json!({ "storage": { "name": "main" } }));
    before.cluster.memory.edit(&format!("{}/backups/back-before", super::cluster::GROUP), |mut saved| {
        saved["status"] = json!({ "phase": "Completed" });
        Some(saved)
    });
    before.cluster.add("Restore", "restores", "back", spec.clone());
    at_every_write(&before, ended, async |life, when| {
        let restore = life.cluster.object("restores", "back").unwrap();
        assert_eq!(restore["status"]["phase"], "Failed", "{when}: {restore:#}");
        let words = restore["status"]["conditions"][0]["message"].as_str().unwrap_or_default();
        assert!(words.contains("does not start on it: restore again in place"), "{when}: {words}");
        let waits = |name: &str| {
            let pulp = life.cluster.memory.object(&format!("{}/foreman/pulps/{name}", super::cluster::PULPS));
            pulp.is_some_and(|pulp| !pulp["metadata"]["annotations"][reconcile::AWAITS].is_null())
        };
        assert!(waits("p") || waits("q"), "{when}: what was begun waits");
        life.cluster.fails = None;
        life.cluster.add("Restore", "restores", "again", spec.clone());
        life.until("the next one is complete", |cluster| phase(cluster, "restores", "again") == "Completed")
            .await;
        assert_eq!(life.cluster.holds("foreman"), [""; 0], "{when}");
    })
    .await;
}
