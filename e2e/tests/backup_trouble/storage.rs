//! A storage that does not work.

use std::time::Instant;

use e2e::{
    LONG, PulpStory,
    backup::{bucket, condition, delete, ended, kind, said, secret},
    processes::{Standstill, processes},
    store::{Kind, Store},
    wait,
};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde_json::json;

use crate::{NOTICED, Trouble};

/// Waits until the storage says that it does not work for this reason; gives back the words.
async fn told(trouble: &Trouble, reason: &str) -> String {
    let (api, begun) = (kind(&trouble.client, "BackupStorage"), Instant::now());
    let words = wait(NOTICED * 2, &format!("the storage tells {reason}"), async || {
        let storage = api.get(&trouble.name).await.map_err(|error| error.to_string())?;
        let all = storage.data["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let ready = all.into_iter().find(|one| one["type"] == "Ready").unwrap_or_default();
        if ready["reason"] == reason { Ok(ready["message"].to_string()) } else { Err(ready.to_string()) }
    })
    .await;
    println!("{reason} after {:.0} s: {words}", begun.elapsed().as_secs_f64());
    words
}

#[tokio::test]
async fn whatever_is_wrong_with_a_storage_is_told_and_taken_up_when_it_is_mended() {
    let trouble = Trouble::new("ill").await;
    let (name, client) = (&trouble.name, &trouble.client);
    let store = trouble.store().await;
    let good = json!({ "accessKeyId": "owner", "secretAccessKey": store.key });

    trouble.storage_is(&store.url(), "nowhere", json!({})).await;
    assert!(told(&trouble, "NoBucket").await.contains("nowhere"));
    trouble.storage_is(&store.moody(), "backups", json!({})).await;
    told(&trouble, "NoAnswer").await;
    // Where nobody listens, seen from the operator.
    trouble.storage_is("http://127.0.0.1:9", "backups", json!({})).await;
    told(&trouble, "Refused").await;
    trouble.storage_is(&store.url(), "backups", json!({})).await;
    told(&trouble, "Works").await;

    // The operator is not told of a Secret: it looks.
    secret(
        client,
        &format!("{name}-bucket"),
        json!({ "accessKeyId": "owner", "secretAccessKey": "guessed" }),
    )
    .await;
    told(&trouble, "WrongCredentials").await;
    // A run that is asked for meanwhile waits, and goes on by itself.
    trouble.begin("ill-waits").await;
    let status = trouble.in_phase("Backup", "ill-waits", &["Pending"]).await;
    wait(LONG, "the run says what it waits for", async || {
        let status = trouble.in_phase("Backup", "ill-waits", &["Pending"]).await;
        if said(&status).contains("BackupStorage ill is not ready") { Ok(()) } else { Err(said(&status)) }
    })
    .await;
    assert!(status["set"].is_null(), "{status}");
    secret(client, &format!("{name}-bucket"), good).await;
    ended(client, "Backup", "ill-waits", "Completed").await;

    delete(client, "Backup", "ill-waits").await;
    delete(client, "BackupStorage", name).await;
}

#[tokio::test]
async fn a_storage_that_hangs_in_mid_run_is_noticed_within_a_minute_and_the_next_run_works() {
    let trouble = Trouble::new("hung").await;
    let pod: Pod = trouble.pulp.api().get("s3").await.expect("the store's pod");
    trouble.begin("hung-1").await;
    trouble.in_phase("Backup", "hung-1", &["Preparing", "Cutting"]).await;
    let still = Standstill::of(processes(&pod.uid().expect("a uid"), "")).await;
    trouble.in_phase("Backup", "hung-1", &["Copying"]).await;
    let begun = Instant::now();
    let status = ended(&trouble.client, "Backup", "hung-1", "Failed").await;
    println!("noticed after {:.0} s: {}", begun.elapsed().as_secs_f64(), said(&status));
    assert!(begun.elapsed() < NOTICED * 2, "{:?}", begun.elapsed());
    trouble.let_go().await;
    drop(still);
    trouble.works_again("hung-2").await;
    for backup in ["hung-1", "hung-2"] {
        delete(&trouble.client, "Backup", backup).await;
    }
    delete(&trouble.client, "BackupStorage", "hung").await;
}

#[tokio::test]
async fn a_storage_that_is_full_fails_the_run_and_says_so_and_works_again_when_there_is_room() {
    let trouble = Trouble::new("full").await;
    let client = &trouble.client;
    delete(client, "BackupStorage", "full").await;
    let bank = PulpStory::new("small").await;
    // Room for one backup, and not beside what somebody else has put there.
    let store = Store::sized(&bank, Kind::S3, 160).await;
    store.make("others").await;
    store.fill("others", "ballast", 120 << 20).await;
    bucket(&store, client, "full").await;
    trouble.storage_is(&store.url(), "backups", json!({})).await;
    condition(client, "BackupStorage", "full", "Ready", "True", LONG).await;

    trouble.begin("full-1").await;
    let status = ended(client, "Backup", "full-1", "Failed").await;
    println!("{}", said(&status));
    assert!(said(&status).contains("full"), "{}", said(&status));
    trouble.let_go().await;
    let objects = store.objects("backups").await;
    assert!(!objects.iter().any(|line| line.contains("sets.cluster/snapshots/")), "no set: {objects:?}");

    store.free("others", "ballast").await;
    condition(client, "BackupStorage", "full", "Ready", "True", LONG).await;
    trouble.begin("full-2").await;
    ended(client, "Backup", "full-2", "Completed").await;
    for backup in ["full-1", "full-2"] {
        delete(client, "Backup", backup).await;
    }
    delete(client, "BackupStorage", "full").await;
}

#[tokio::test]
async fn credentials_that_are_rotated_in_mid_run_are_those_of_the_next_try_at_the_latest() {
    let trouble = Trouble::new("rotated").await;
    let (name, client) = (&trouble.name, &trouble.client);
    let good = json!({ "accessKeyId": "owner", "secretAccessKey": trouble.store().await.key });
    let wrong = json!({ "accessKeyId": "owner", "secretAccessKey": "of yesterday" });
    trouble.begin("rotated-1").await;
    trouble.in_phase("Backup", "rotated-1", &["Copying"]).await;
    let mut still = vec![];
    for mover in trouble.movers().await {
        still.push(Standstill::of(processes(&mover.uid().expect("a uid"), "")).await);
    }
    secret(client, &format!("{name}-bucket"), wrong).await;
    told(&trouble, "WrongCredentials").await;
    drop(still);
    let status = trouble.in_phase("Backup", "rotated-1", &["Completed", "Failed", "Copying"]).await;
    println!("{}: {}", status["phase"], said(&status));
    secret(client, &format!("{name}-bucket"), good).await;
    told(&trouble, "Works").await;
    let status = trouble.in_phase("Backup", "rotated-1", &["Completed", "Failed"]).await;
    println!("{} in try {}: {}", status["phase"], status["attempt"], said(&status));
    assert_eq!(trouble.sets().await, usize::from(status["phase"] == "Completed"), "{status}");
    trouble.let_go().await;
    trouble.works_again("rotated-2").await;
    for backup in ["rotated-1", "rotated-2"] {
        delete(client, "Backup", backup).await;
    }
    delete(client, "BackupStorage", name).await;
}

#[tokio::test]
async fn a_storage_that_answers_5xx_for_a_while_fails_nothing_for_ever_and_a_slow_one_fails_nothing() {
    let trouble = Trouble::new("moody").await;
    let client = &trouble.client;
    let store = trouble.store().await;
    store.mood("pass").await;
    trouble.storage_is(&store.moody(), "backups", json!({})).await;
    told(&trouble, "Works").await;

    trouble.begin("moody-1").await;
    trouble.in_phase("Backup", "moody-1", &["Copying"]).await;
    store.mood("503").await;
    let words = told(&trouble, "Failed").await;
    assert!(words.contains("503"), "{words}");
    store.mood("pass").await;
    told(&trouble, "Works").await;
    let status = trouble.in_phase("Backup", "moody-1", &["Completed", "Failed"]).await;
    println!("{} in try {}: {}", status["phase"], status["attempt"], said(&status));
    assert_eq!(trouble.sets().await, usize::from(status["phase"] == "Completed"), "{status}");
    trouble.let_go().await;

    store.mood("slow").await;
    let begun = Instant::now();
    trouble.works_again("moody-2").await;
    println!("at 2 MB a second it took {:.0?}", begun.elapsed());
    store.mood("mute").await;
    for backup in ["moody-1", "moody-2"] {
        delete(client, "Backup", backup).await;
    }
    delete(client, "BackupStorage", "moody").await;
}
