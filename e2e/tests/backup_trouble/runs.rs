//! Something is killed, or somebody changes his mind, in the middle of a run.

use e2e::{
    LONG, SHORT,
    backup::{delete, ended, kind, said, state},
    content::arrive,
    processes::{processes, signal},
    wait,
};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
};
use serde_json::json;

use crate::Trouble;

#[tokio::test]
async fn an_operator_that_is_killed_in_any_phase_is_followed_by_one_that_goes_on() {
    let trouble = Trouble::new("killed").await;
    for phase in ["Preparing", "Copying"] {
        let backup = format!("killed-{}", phase.to_lowercase());
        let mut still = None;
        if phase == "Copying" {
            still = Some(trouble.copying(&backup).await);
        } else {
            trouble.begin(&backup).await;
            trouble.in_phase("Backup", &backup, &["Preparing", "Cutting", "Copying", "Sealing"]).await;
        }
        let leader = trouble.operator.leader().await;
        trouble.operator.kill_process(&leader).await;
        drop(still);
        trouble.operator.leads_again(LONG, &leader).await;
        let status = ended(&trouble.client, "Backup", &backup, "Completed").await;
        println!("killed in {phase}: attempt {}, {}", status["attempt"], said(&status));
        trouble.let_go().await;
        delete(&trouble.client, "Backup", &backup).await;
    }
    delete(&trouble.client, "BackupStorage", "killed").await;
}

#[tokio::test]
async fn a_mover_that_is_killed_is_followed_by_another_and_the_set_is_one_instant() {
    let trouble = Trouble::new("moved").await;
    let still = trouble.copying("moved").await;
    for mover in trouble.movers().await {
        signal("KILL", &processes(&mover.uid().expect("a uid"), "")).await;
    }
    drop(still);
    let status = ended(&trouble.client, "Backup", "moved", "Completed").await;
    assert_eq!(status["attempt"], 2, "{status}");
    trouble.let_go().await;
    assert_eq!(trouble.sets().await, 1, "the first try has left none");
    delete(&trouble.client, "Backup", "moved").await;
    delete(&trouble.client, "BackupStorage", "moved").await;
}

#[tokio::test]
async fn a_database_that_dies_in_mid_dump_fails_the_run_and_the_next_one_works() {
    let trouble = Trouble::new("dumped").await;
    let still = trouble.copying("dumped-1").await;
    let pods: Api<Pod> = trouble.pulp.api();
    for pod in trouble.pulp.pods().await.of("database") {
        signal("KILL", &processes(&pod.uid, "")).await;
        let _ = pods.delete(&pod.name, &DeleteParams::default().grace_period(0)).await;
    }
    drop(still);
    let status = trouble.in_phase("Backup", "dumped-1", &["Completed", "Failed"]).await;
    println!("{}", said(&status));
    // Whatever was dumped before counts; what was not must not.
    let sets = trouble.sets().await;
    assert_eq!(sets, usize::from(status["phase"] == "Completed"), "{status}");
    trouble.let_go().await;
    trouble.pulp.ready().await;
    trouble.works_again("dumped-2").await;
    arrive(&trouble.pulp.visitor().await, &trouble.artifacts).await;
    for backup in ["dumped-1", "dumped-2"] {
        delete(&trouble.client, "Backup", backup).await;
    }
    delete(&trouble.client, "BackupStorage", "dumped").await;
}

#[tokio::test]
async fn one_that_is_canceled_deleted_or_too_late_leaves_no_set_no_mover_and_no_hold() {
    let trouble = Trouble::new("ended").await;
    let client = &trouble.client;
    let no_movers = async || {
        wait(SHORT, "no mover runs", async || match trouble.movers().await.len() {
            0 => Ok(()),
            left => Err(format!("{left} movers")),
        })
        .await;
    };
    let still = trouble.copying("ended-canceled").await;
    let cancel = Patch::Merge(json!({ "spec": { "cancel": true } }));
    let api = kind(client, "Backup");
    api.patch("ended-canceled", &PatchParams::default(), &cancel).await.expect("it can be canceled");
    let status = ended(client, "Backup", "ended-canceled", "Canceled").await;
    assert_eq!(said(&status), "it was canceled (spec.cancel)");
    trouble.let_go().await;
    no_movers().await;
    drop(still);

    let still = trouble.copying("ended-deleted").await;
    delete(client, "Backup", "ended-deleted").await;
    trouble.let_go().await;
    no_movers().await;
    drop(still);

    let mut spec = trouble.spec();
    spec["deadline"] = "1s".into();
    state(client, "Backup", "ended-late", spec).await;
    let status = ended(client, "Backup", "ended-late", "Failed").await;
    assert!(said(&status).contains("spec.deadline"), "{}", said(&status));
    trouble.let_go().await;
    no_movers().await;

    assert_eq!(trouble.sets().await, 0);
    trouble.works_again("ended-well").await;
    for backup in ["ended-canceled", "ended-late", "ended-well"] {
        delete(client, "Backup", backup).await;
    }
    delete(client, "BackupStorage", "ended").await;
}
