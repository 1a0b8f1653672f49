//! What others ask a Pulp to do without, from the first annotation to the end, whoever dies meanwhile.

use std::time::Duration;

use reconcile::{Hold, HoldState, What, rehearsal::Rehearsal};
use serde_json::{Value, json};

use super::{lives::*, *};

const JOB: &str = "jobs/mypulp-hold";

async fn with_cleanup() -> Rehearsal<Pulp> {
    let rehearsal = Box::pin(installed()).await;
    rehearsal.memory.edit(&path(&rehearsal), |mut object| {
        object["spec"]["maintenance"]["orphanCleanup"] = json!({ "schedule": "30 2 * * 6" });
        Some(object)
    });
    Box::pin(rehearsal.settle()).await.unwrap();
    rehearsal.memory.writes();
    rehearsal
}

/// One pass, and what is said of all holds.
async fn holds(rehearsal: &Rehearsal<Pulp>) -> Vec<Hold> {
    rehearsal.pass().await.unwrap().holds
}

fn states(holds: &[Hold]) -> Vec<HoldState> {
    holds.iter().map(|hold| hold.state).collect()
}

fn job(rehearsal: &Rehearsal<Pulp>) -> Option<Value> {
    rehearsal.memory.object(&rehearsal.of("/apis/batch/v1", JOB))
}

fn suspended(rehearsal: &Rehearsal<Pulp>) -> bool {
    rehearsal.memory.object(&rehearsal.of("/apis/batch/v1", "cronjobs/mypulp-orphans")).unwrap()["spec"]["suspend"]
        == true
}

/// Pod templates of everything that serves.
fn templates(rehearsal: &Rehearsal<Pulp>) -> Vec<Value> {
    let all = rehearsal.memory.objects().into_iter().filter(|(path, _)| path.contains("/deployments/"));
    all.map(|(_, object)| object["spec"]["template"].clone()).collect()
}

/// How often something was put back.
fn repairs(rehearsal: &Rehearsal<Pulp>) -> usize {
    rehearsal.memory.objects().values().filter(|object| object["reason"] == "DriftRepaired").count()
}

/// Paths that were written to, without verbs.
fn written(rehearsal: &Rehearsal<Pulp>) -> Vec<String> {
    let name =
        |write: String| write.rsplit_once("/content/").map(|(_, name)| name.to_owned()).unwrap_or(write);
    rehearsal.memory.writes().into_iter().map(name).collect()
}

#[tokio::test]
async fn deletion_is_held_renewed_and_let_go_and_nothing_rolls() {
    let rehearsal = with_cleanup().await;
    let (before, repaired) = (templates(&rehearsal), repairs(&rehearsal));
    rehearsal.hold("night", &[What::Deletion], Some(280));
    assert_eq!(states(&holds(&rehearsal).await), [HoldState::Pending]);
    assert_eq!(written(&rehearsal), [JOB, "cronjobs/mypulp-orphans", "pulps/mypulp/status"]);
    assert!(suspended(&rehearsal));
    assert_eq!(job(&rehearsal).unwrap()["spec"]["activeDeadlineSeconds"], 300);

    rehearsal.memory.settle();
    let held = holds(&rehearsal).await;
    assert_eq!(states(&held), [HoldState::Held]);
    assert_eq!(written(&rehearsal), ["pulps/mypulp/status"]);
    assert!(rehearsal.object().status.unwrap().is("Ready"));

    rehearsal.hold("night", &[What::Deletion], Some(290));
    let renewed = holds(&rehearsal).await;
    assert_eq!(renewed[0].since, held[0].since);
    assert!(renewed[0].until.as_ref().unwrap().0 > held[0].until.as_ref().unwrap().0);
    assert_eq!(
        written(&rehearsal),
        ["pulps/mypulp/status"],
        "a renewal is acknowledged, and costs nothing else"
    );
    holds(&rehearsal).await;
    assert_eq!(written(&rehearsal), [] as [&str; 0]);

    rehearsal.hold("night", &[], None);
    assert_eq!(holds(&rehearsal).await, []);
    assert_eq!(written(&rehearsal), [JOB, "cronjobs/mypulp-orphans", "pulps/mypulp/status"]);
    assert!(job(&rehearsal).is_none() && !suspended(&rehearsal));
    assert_eq!(templates(&rehearsal), before);
    assert_eq!(repairs(&rehearsal), repaired);
}

#[tokio::test]
async fn a_hold_that_ran_out_while_nobody_looked_is_over_and_the_next_one_begins_anew() {
    let rehearsal = with_cleanup().await;
    rehearsal.hold("night", &[What::Deletion], Some(3));
    rehearsal.pass().await.unwrap();
    rehearsal.memory.settle();
    let first = holds(&rehearsal).await;
    assert_eq!(states(&first), [HoldState::Held]);
    // The operator is dead, the holder as well; Kubernetes ends the Job.
    tokio::time::sleep(Duration::from_secs(3)).await;
    rehearsal.memory.edit(&rehearsal.of("/apis/batch/v1", JOB), |mut job| {
        let why = json!({ "type": "Failed", "status": "True", "reason": "DeadlineExceeded" });
        job["status"] = json!({ "conditions": [why] });
        Some(job)
    });
    let heir = rehearsal.fork();
    assert_eq!(states(&holds(&heir).await), [HoldState::Expired]);
    assert!(job(&heir).is_none() && !suspended(&heir));

    rehearsal.hold("night", &[What::Deletion], Some(280));
    rehearsal.pass().await.unwrap();
    assert!(job(&rehearsal).is_none(), "the one that has ended goes first");
    rehearsal.settle().await.unwrap();
    let again = holds(&rehearsal).await;
    assert_eq!(states(&again), [HoldState::Held]);
    assert!(again[0].since.as_ref().unwrap().0 > first[0].since.as_ref().unwrap().0);
}

#[tokio::test]
async fn what_no_longer_holds_is_said_and_begins_anew() {
    let rehearsal = with_cleanup().await;
    rehearsal.hold("night", &[What::Deletion], Some(280));
    rehearsal.settle().await.unwrap();
    assert_eq!(states(&holds(&rehearsal).await), [HoldState::Held]);
    rehearsal.memory.edit(&rehearsal.of("/api/v1", "pods/mypulp-hold-1"), |mut pod| {
        pod["status"]["conditions"][0]["status"] = "False".into();
        Some(pod)
    });
    let lost = holds(&rehearsal).await;
    assert_eq!((lost[0].state, lost[0].since.as_ref()), (HoldState::Pending, None));
    assert!(lost[0].message.contains("Job mypulp-hold"), "{}", lost[0].message);
}

#[tokio::test]
async fn other_settings_replace_the_job_that_holds() {
    let rehearsal = with_cleanup().await;
    rehearsal.hold("night", &[What::Deletion], Some(280));
    rehearsal.settle().await.unwrap();
    rehearsal.memory.edit(&path(&rehearsal), |mut object| {
        object["spec"]["settings"] = json!({ "TASK_GRACE_INTERVAL": 60 });
        Some(object)
    });
    let before = job(&rehearsal).unwrap();
    rehearsal.settle().await.unwrap();
    assert_ne!(job(&rehearsal).unwrap()["metadata"]["uid"], before["metadata"]["uid"]);
    let status = rehearsal.pass().await.unwrap();
    assert_eq!(states(&status.holds), [HoldState::Held]);
    assert!(status.is("Ready"));
}

#[tokio::test]
async fn two_holders_do_not_know_of_each_other() {
    let rehearsal = with_cleanup().await;
    let worker = rehearsal.of("/apis/apps/v1", "deployments/mypulp-worker");
    let workers = || rehearsal.memory.object(&worker).unwrap()["spec"]["replicas"].clone();
    rehearsal.hold("night", &[What::Deletion], Some(280));
    rehearsal.hold("move", &[What::Workers, What::Deletion], Some(280));
    rehearsal.settle().await.unwrap();
    assert_eq!(states(&holds(&rehearsal).await), [HoldState::Held, HoldState::Held]);
    assert_eq!(workers(), 0);
    rehearsal.hold("move", &[], None);
    rehearsal.settle().await.unwrap();
    assert_eq!(workers(), 2);
    assert!(job(&rehearsal).is_some(), "the other one still holds");
    rehearsal.hold("night", &[], None);
    rehearsal.settle().await.unwrap();
    assert!(job(&rehearsal).is_none());
}

#[tokio::test]
async fn workers_may_end_their_tasks_before_they_count_as_held() {
    let rehearsal = with_cleanup().await;
    let pod = rehearsal.of("/api/v1", "pods/mypulp-worker-1");
    let at_work = rehearsal.memory.object(&pod).unwrap();
    rehearsal.hold("move", &[What::Workers], Some(280));
    rehearsal.pass().await.unwrap();
    rehearsal.memory.settle();
    rehearsal.memory.add(&pod, at_work);
    let waits = holds(&rehearsal).await;
    assert_eq!(states(&waits), [HoldState::Pending]);
    assert_eq!(waits[0].message, "Deployment mypulp-worker: 1 pods still end what they are at");
    rehearsal.memory.edit(&pod, |_| None);
    assert_eq!(states(&holds(&rehearsal).await), [HoldState::Held]);
}

#[tokio::test]
async fn what_is_refused_changes_nothing_and_is_not_looked_at_again() {
    let rehearsal = with_cleanup().await;
    rehearsal.annotate("hold.theforeman.org/broken", Some("tomorrow"));
    rehearsal.hold("all", &[], Some(280));
    rehearsal.hold("long", &[What::Deletion], Some(3600));
    let refused = holds(&rehearsal).await;
    assert_eq!(states(&refused), [HoldState::Refused; 3]);
    assert_eq!(written(&rehearsal), ["pulps/mypulp/status"]);
    assert_eq!(holds(&rehearsal).await, refused);
    assert_eq!(written(&rehearsal), [] as [&str; 0]);
    rehearsal.memory.edit(&path(&rehearsal), |mut object| {
        object["spec"]["paused"] = true.into();
        Some(object)
    });
    rehearsal.hold("long", &[What::Deletion], Some(280));
    let paused = holds(&rehearsal).await;
    assert!(
        paused.iter().any(|hold| hold.holder == "long" && hold.message.contains("spec.paused")),
        "{paused:?}"
    );
}
