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

async fn asked(namespaces: Value) -> Life {
    probed(namespaces, json!([])).await
}

async fn probed(namespaces: Value, probes: Value) -> Life {
    let before = backed_up().await;
    let spec =
        json!({ "storage": { "name": "main" }, "mapping": { "namespaces": namespaces }, "probes": probes });
    before.cluster.add("RestoreDrill", "restoredrills", "weekly", spec);
    before
}

fn proven(life: &Life) -> Value {
    life.cluster.object("restoredrills", "weekly").unwrap()["status"]["conditions"][0].clone()
}

/// What the real one is asked to be.
fn real(life: &Life) -> Value {
    life.cluster.pulp("foreman").expect("the real one")["spec"].clone()
}

/// What is left of it in the scratch namespace.
fn left(life: &Life) -> Vec<String> {
    life.cluster.memory.objects().into_keys().filter(|path| path.contains("/namespaces/scratch/")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drill_proves_the_newest_set_and_leaves_nothing_wherever_the_operator_dies() {
    at_every_write(&asked(json!({ "foreman": "scratch" })).await, ended, async |life, when| {
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
    let mut before = asked(json!({ "foreman": "scratch" })).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drill_whose_mapping_lacks_a_namespace_touches_nothing_there() {
    let mut life = asked(json!({ "other": "scratch" })).await;
    let before = real(&life);
    ended(&mut life).await;
    let told = proven(&life);
    let words = told["message"].as_str().unwrap_or_default();
    assert!(
        words.contains("spec.mapping.namespaces: say into which scratch namespace foreman is restored"),
        "{told}"
    );
    assert_eq!(real(&life), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_the_scratch_namespace_already_is_not_taken_away() {
    let mut life = asked(json!({ "foreman": "scratch" })).await;
    let mut there = life.cluster.pulp("foreman").expect("a Pulp");
    there["metadata"] = json!({ "name": "p" });
    life.cluster.memory.add("/apis/app.theforeman.org/v1alpha1/namespaces/scratch/pulps/p", there);
    ended(&mut life).await;
    assert!(
        proven(&life)["message"]
            .as_str()
            .is_some_and(|words| words.contains("Pulp scratch/p is there already"))
    );
    assert!(life.cluster.pulp("scratch").is_some(), "it is somebody else's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drill_that_is_deleted_on_its_way_leaves_nothing_wherever_the_operator_dies() {
    let deleted = async |life: &mut Life| {
        life.until("it has made something", |cluster| cluster.pulp("scratch").is_some()).await;
        life.cluster.memory.edit("/apis/backup.theforeman.org/v1alpha1/restoredrills/weekly", |_| None);
        // As the API server's own collector does with what the drill owned.
        for restore in life.cluster.of("restores") {
            let name = restore["metadata"]["name"].as_str().expect("a name");
            life.cluster.memory.edit(&format!("{}/restores/{name}", super::cluster::GROUP), |mut restore| {
                restore["metadata"]["deletionTimestamp"] = "2026-11-01T00:00:00Z".into();
                Some(restore)
            });
        }
        life.until("it is gone", |cluster| cluster.of("restores").is_empty()).await;
    };
    at_every_write(&asked(json!({ "foreman": "scratch" })).await, deleted, async |life, when| {
        assert_eq!(left(life), [""; 0], "{when}");
    })
    .await;
}

/// A probe that looks whether somebody can log in.
fn login(namespace: &str) -> Value {
    json!({ "name": "login", "namespace": namespace, "image": "curl", "command": ["true"], "secrets": ["p-key"], "deadline": "1m" })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_probe_does_not_find_is_the_drills_own_word_wherever_the_operator_dies() {
    let mut before = probed(json!({ "foreman": "scratch" }), json!([login("scratch")])).await;
    before.cluster.probed = 3;
    at_every_write(&before, ended, async |life, when| {
        let drill = life.cluster.object("restoredrills", "weekly").unwrap();
        assert_eq!(drill["status"]["last"]["probes"][0]["worked"], false, "{when}: {drill}");
        let told = proven(life);
        assert_eq!((&told["status"], &told["reason"]), (&json!("False"), &json!("ProbeFailed")), "{when}");
        let words = told["message"].as_str().unwrap_or_default();
        assert!(words.contains("is not as it should be: probe login: Job scratch/probe-"), "{when}: {words}");
        assert!(words.ends_with("has failed: exit code 3: no such user"), "{when}: {words}");
        let backup = life.cluster.object("backups", "now").unwrap();
        assert!(backup["status"]["verifiedAt"].is_null(), "{when}: nothing is proven");
        assert_eq!(left(life), [""; 0], "{when}");
        assert_eq!(life.rest().await, [""; 0], "{when}: it is not begun again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_its_probes_find_well_is_proven() {
    let mut life = probed(json!({ "foreman": "scratch" }), json!([login("scratch")])).await;
    ended(&mut life).await;
    let drill = life.cluster.object("restoredrills", "weekly").unwrap();
    assert_eq!(drill["status"]["last"]["probes"], json!([{ "name": "login", "worked": true }]));
    assert_eq!(proven(&life)["status"], "True");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_runs_nowhere_but_where_the_drill_has_restored_something() {
    let mut life = probed(json!({ "foreman": "scratch" }), json!([login("foreman")])).await;
    ended(&mut life).await;
    let told = proven(&life);
    let words = told["message"].as_str().unwrap_or_default();
    assert!(words.ends_with("spec.probes: nothing was restored into namespace foreman"), "{words}");
}
