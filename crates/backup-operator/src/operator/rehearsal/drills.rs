//! Drills.

use serde_json::{Value, json};

use super::{Life, at_every_write, restores::backed_up};

async fn ended(life: &mut Life) {
    life.until("the drill has ended", |cluster| {
        let status = cluster
            .object("restoredrills", "weekly")
            .map(|drill| drill["status"].clone())
            .unwrap_or_default();
        !status["last"].is_null() && status["restore"].is_null()
    })
    .await;
}

async fn asked() -> Life {
    let before = backed_up().await;
    let mapping = json!({ "namespaces": { "foreman": "scratch" } });
    before.cluster.add(
        "RestoreDrill",
        "restoredrills",
        "weekly",
        json!({ "storage": { "name": "main" }, "mapping": mapping }),
    );
    before
}

fn proven(life: &Life) -> Value {
    life.cluster.object("restoredrills", "weekly").unwrap()["status"]["conditions"][0].clone()
}

/// What is left of it in the scratch namespace.
fn left(life: &Life) -> Vec<String> {
    life.cluster.memory.objects().into_keys().filter(|path| path.contains("/namespaces/scratch/")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drill_proves_the_newest_set_and_leaves_nothing_wherever_the_operator_dies() {
    at_every_write(&asked().await, ended, async |life, when| {
        let told = proven(life);
        assert_eq!(
            (told["type"].as_str(), told["status"].as_str()),
            (Some("Proven"), Some("True")),
            "{when}: {told}"
        );
        let backup = life.cluster.object("backups", "now").unwrap();
        assert!(!backup["status"]["verifiedAt"].is_null(), "{when}: the backup says so too");
        assert_eq!(left(life), [""; 0], "{when}");
        assert!(life.cluster.of("restores").is_empty(), "{when}");
        assert_eq!(life.rest().await, [""; 0], "{when}: it is not begun again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_that_cannot_be_restored_is_named_wherever_the_operator_dies() {
    let mut before = asked().await;
    before.cluster.fails = Some("the pack ab12 is missing".into());
    at_every_write(&before, ended, async |life, when| {
        let told = proven(life);
        assert_eq!(told["status"], "False", "{when}: {told}");
        let words = told["message"].as_str().unwrap_or_default();
        assert!(
            words.contains("could not be restored: Pulp scratch/p: the pack ab12 is missing"),
            "{when}: {words}"
        );
        assert!(life.cluster.object("backups", "now").unwrap()["status"]["verifiedAt"].is_null(), "{when}");
        assert_eq!(left(life), [""; 0], "{when}");
    })
    .await;
}
