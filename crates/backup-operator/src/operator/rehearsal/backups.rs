//! Backups.

use serde_json::{Value, json};

use super::{Life, at_every_write, phase};
use crate::operator::{names::FINALIZER, rehearsal::cluster::Cluster, sets};

async fn asked() -> Life {
    let life = Life::new(Cluster::new().await);
    life.cluster.add("Backup", "backups", "now", json!({ "storage": { "name": "main" } }));
    life
}

/// What was stored of each service is of the instant that the set says.
fn one_instant(cluster: &Cluster, backup: &Value, when: &str) {
    for one in backup["status"]["instances"].as_array().expect("instances") {
        assert_eq!(one["stored"].as_array().map(Vec::len), Some(2), "{when}: {one}");
        let copied = cluster.copied(one["job"].as_str().expect("a Job"));
        assert_eq!(copied.as_deref(), backup["status"]["cut"]["id"].as_str(), "{when}: {one}");
    }
}

async fn ended(life: &mut Life) {
    life.until("the backup has ended", |cluster| {
        let phase = phase(cluster, "backups", "now");
        ["Completed", "Failed"].iter().any(|end| phase == *end)
    })
    .await;
}

/// Names of the sets in the storage that this backup made.
async fn made(life: &Life, name: &str) -> Vec<String> {
    let set = life.cluster.object("backups", name).unwrap()["status"]["set"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let all = sets::list(&life.term, "main").await.unwrap().unwrap();
    all.into_iter().map(|one| one.name).filter(|one| *one == set).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_complete_once_wherever_the_operator_dies_and_holds_nothing_after() {
    at_every_write(&asked().await, ended, async |life, when| {
        let backup = life.cluster.object("backups", "now").unwrap();
        assert_eq!(backup["status"]["phase"], "Completed", "{when}: {backup:#}");
        assert_eq!(made(life, "now").await.len(), 1, "{when}");
        assert_eq!(life.cluster.holds("foreman"), [""; 0], "{when}");
        one_instant(&life.cluster, &backup, when);
        assert_eq!(life.rest().await, [""; 0], "{when}: nothing is left to be written");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_pod_was_lost_all_are_copied_anew_for_a_set_is_one_instant() {
    let mut before = asked().await;
    before.cluster.loses = Some("-1-pulp-q".into());
    at_every_write(&before, ended, async |life, when| {
        let backup = life.cluster.object("backups", "now").unwrap();
        assert_eq!(backup["status"]["phase"], "Completed", "{when}: {backup:#}");
        assert_eq!(backup["status"]["attempt"], 2, "{when}");
        one_instant(&life.cluster, &backup, when);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_mover_cannot_copy_is_no_set_wherever_the_operator_dies() {
    let mut before = asked().await;
    before.cluster.fails = Some("artifact ab/cd is missing".into());
    at_every_write(&before, ended, async |life, when| {
        let backup = life.cluster.object("backups", "now").unwrap();
        assert_eq!(backup["status"]["phase"], "Failed", "{when}");
        let words = backup["status"]["conditions"][0]["message"].as_str().unwrap_or_default();
        assert!(words.contains("Pulp foreman/p: artifact ab/cd is missing"), "{when}: {words}");
        assert_eq!(made(life, "now").await, [""; 0], "{when}");
        assert_eq!(life.cluster.holds("foreman"), [""; 0], "{when}");
        let jobs = life.cluster.memory.objects().into_keys().filter(|path| path.contains("/jobs/")).count();
        assert_eq!(jobs, 0, "{when}: its movers are gone");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_deleted_on_its_way_lets_go_wherever_the_operator_dies() {
    let deleted = async |life: &mut Life| {
        life.until("it holds", |cluster| !cluster.holds("foreman").is_empty()).await;
        life.cluster.memory.edit(&format!("{}/backups/now", super::cluster::GROUP), |mut backup| {
            backup["metadata"]["deletionTimestamp"] = "2026-11-01T00:00:00Z".into();
            assert_eq!(backup["metadata"]["finalizers"], json!([FINALIZER]));
            Some(backup)
        });
        life.until("it is gone", |cluster| cluster.object("backups", "now").is_none()).await;
    };
    at_every_write(&asked().await, deleted, async |life, when| {
        assert_eq!(life.cluster.holds("foreman"), [""; 0], "{when}");
    })
    .await;
}

/// The sets that are left when a backup is deleted whose set is to go with it.
async fn left(life: &mut Life) -> usize {
    ended(life).await;
    life.cluster.memory.edit(&format!("{}/backups/now", super::cluster::GROUP), |mut backup| {
        backup["spec"]["deletionPolicy"] = "Delete".into();
        backup["metadata"]["deletionTimestamp"] = "2026-11-01T00:00:00Z".into();
        Some(backup)
    });
    life.until("it is gone", |cluster| cluster.object("backups", "now").is_none()).await;
    sets::list(&life.term, "main").await.unwrap().unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_is_deleted_with_its_backup_where_that_was_asked_for() {
    assert_eq!(left(&mut asked().await).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_set_is_deleted_in_a_storage_that_is_only_added_to() {
    let mut life = asked().await;
    life.cluster.memory.edit(&format!("{}/backupstorages/main", super::cluster::GROUP), |mut storage| {
        storage["spec"]["appendOnly"] = true.into();
        Some(storage)
    });
    assert_eq!(left(&mut life).await, 1);
}
