//! The same life whatever happens on the way: a cluster in memory, and an operator that knows only what it reads.

use reconcile::{What, rehearsal::Rehearsal};
use serde_json::Value;

use super::*;

pub fn fresh() -> Rehearsal<Pulp> {
    let rehearsal = Rehearsal::new(pulp(MANIFEST));
    rehearsal.memory.says(r#"{"versions": {"core": "1"}, "gates": []}"#);
    rehearsal
}

pub async fn installed() -> Rehearsal<Pulp> {
    let rehearsal = fresh();
    rehearsal.settle().await.unwrap();
    rehearsal
}

pub fn path(rehearsal: &Rehearsal<Pulp>) -> String {
    rehearsal.of("/apis/app.theforeman.org/v1alpha1", "pulps/mypulp")
}

fn wants(rehearsal: &Rehearsal<Pulp>, image: &str) {
    rehearsal.memory.edit(&path(rehearsal), |mut object| {
        object["spec"]["images"]["pulp"] = image.into();
        Some(object)
    });
}

/// Deployments of what a release consists of, by name, with their image and number of pods.
fn serving(rehearsal: &Rehearsal<Pulp>) -> Vec<(String, Value, Value)> {
    let all = rehearsal.memory.objects().into_iter().filter(|(path, _)| path.contains("/deployments/"));
    let all = all.map(|(path, object)| {
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let image = object["spec"]["template"]["spec"]["containers"][0]["image"].clone();
        (name, image, object["spec"]["replicas"].clone())
    });
    let others = ["-web", "-metrics", "-cache"];
    all.filter(|(name, ..)| !others.iter().any(|other| name.ends_with(other))).collect()
}

#[tokio::test]
async fn an_install_comes_to_rest_and_is_ready() {
    let rehearsal = installed().await;
    let status = rehearsal.object().status.unwrap();
    assert!(status.is("Ready") && status.is("Available"), "{status:#?}");
    assert_eq!(
        status.versions.iter().find(|version| version.part == "core").unwrap().running.as_deref(),
        Some("1")
    );
    rehearsal.memory.writes();
    rehearsal.pass().await.unwrap();
    assert_eq!(rehearsal.memory.writes(), [] as [&str; 0]);
}

#[tokio::test]
async fn with_a_gate_in_between_nothing_of_the_old_release_is_left_when_the_migration_begins() {
    let rehearsal = installed().await;
    rehearsal.memory.says(r#"{"versions": {"core": "2"}, "gates": [["core", "2"]]}"#);
    wants(&rehearsal, "new");
    let mut down = false;
    for _ in 0..12 {
        rehearsal.pass().await.unwrap();
        let migrates = rehearsal.memory.objects().into_keys().any(|path| {
            path.contains("/jobs/mypulp-migrate-")
                && rehearsal
                    .memory
                    .object(&path)
                    .is_some_and(|job| job.to_string().contains("\"image\":\"new\""))
        });
        if migrates && !down {
            down = true;
            assert!(
                serving(&rehearsal).iter().all(|(_, _, replicas)| *replicas == 0),
                "{:?}",
                serving(&rehearsal)
            );
            let status = rehearsal.object().status.unwrap();
            assert!(!status.is("Available"), "{status:#?}");
        }
        rehearsal.memory.settle();
    }
    assert!(down);
    rehearsal.settle().await.unwrap();
    assert!(serving(&rehearsal).iter().all(|(_, image, replicas)| image == "new" && *replicas != 0));
    let status = rehearsal.object().status.unwrap();
    assert!(status.is("Ready") && status.is("Available"), "{status:#?}");
}

#[tokio::test]
async fn before_a_gate_downloads_go_on_until_the_last_task_has_ended() {
    let rehearsal = installed().await;
    rehearsal.memory.says(r#"{"versions": {"core": "2"}, "gates": [["core", "2"]]}"#);
    wants(&rehearsal, "new");
    let worker = rehearsal.of("/apis/apps/v1", "deployments/mypulp-worker");
    let pod = rehearsal.of("/api/v1", "pods/mypulp-worker-1");
    let at_work = rehearsal.memory.object(&pod).unwrap();
    while rehearsal.memory.object(&worker).unwrap()["spec"]["replicas"] != 0 {
        rehearsal.memory.settle();
        rehearsal.pass().await.unwrap();
    }
    rehearsal.memory.settle();
    rehearsal.memory.add(&pod, at_work);
    for _ in 0..3 {
        rehearsal.pass().await.unwrap();
        let down = serving(&rehearsal).into_iter().filter(|(_, _, replicas)| *replicas == 0);
        assert_eq!(down.map(|(name, ..)| name).collect::<Vec<_>>(), ["mypulp-worker"]);
        assert!(rehearsal.object().status.unwrap().is("Available"));
    }
    rehearsal.memory.edit(&pod, |_| None);
    rehearsal.settle().await.unwrap();
    assert!(rehearsal.object().status.unwrap().is("Ready"));
}

#[tokio::test]
async fn without_a_gate_the_old_release_serves_until_the_new_one_is_up() {
    let rehearsal = installed().await;
    wants(&rehearsal, "new");
    for _ in 0..12 {
        rehearsal.pass().await.unwrap();
        assert!(
            serving(&rehearsal).iter().all(|(_, _, replicas)| *replicas != 0),
            "{:?}",
            serving(&rehearsal)
        );
        assert!(rehearsal.object().status.unwrap().is("Available"));
        rehearsal.memory.settle();
    }
    assert!(serving(&rehearsal).iter().all(|(_, image, _)| image == "new"));
}

#[tokio::test]
async fn workers_that_follow_tasks_stay_as_many_as_they_are_while_nobody_knows_of_any() {
    let rehearsal = installed().await;
    let worker = rehearsal.of("/apis/apps/v1", "deployments/mypulp-worker");
    rehearsal.memory.edit(&path(&rehearsal), |mut object| {
        object["spec"]["worker"]["autoscaling"] = serde_json::json!({ "minReplicas": 1, "maxReplicas": 4 });
        Some(object)
    });
    rehearsal.memory.edit(&worker, |mut object| {
        object["spec"]["replicas"] = 3.into();
        Some(object)
    });
    rehearsal.settle().await.unwrap();
    assert_eq!(rehearsal.memory.object(&worker).unwrap()["spec"]["replicas"], 3);
    let follow = || {
        let status = rehearsal.object().status.unwrap();
        assert!(status.is("Ready"), "{status:#?}");
        status.conditions.iter().find(|condition| condition.type_ == "WorkersFollow").unwrap().reason.clone()
    };
    assert_eq!(follow(), "DemandUnknown");
    rehearsal.hold("night", &[What::Workers], Some(280));
    rehearsal.settle().await.unwrap();
    assert_eq!(rehearsal.memory.object(&worker).unwrap()["spec"]["replicas"], 0);
    assert_eq!(follow(), "Held");
}

#[tokio::test]
async fn death_after_any_write_leads_to_the_same_end() {
    let shape = |rehearsal: &Rehearsal<Pulp>| {
        let paths = rehearsal.memory.objects().into_keys().filter(|path| !path.contains("/events/"));
        let named =
            |path: String| if path.contains("/jobs/") { path[..path.len() - 8].to_owned() } else { path };
        paths.map(named).collect::<Vec<_>>()
    };
    let wanted = shape(&installed().await);
    let dying = fresh();
    let mut deaths = 0;
    loop {
        let heir = dying.fork();
        heir.settle().await.unwrap();
        assert_eq!(shape(&heir), wanted, "after death at write {deaths}");
        dying.memory.die_after(Some(1));
        let died = dying.pass().await.is_err();
        dying.memory.die_after(None);
        if dying.memory.writes().is_empty() {
            break;
        }
        deaths += 1;
        if !died {
            dying.memory.settle();
        }
    }
    assert!(deaths >= wanted.len(), "{deaths} deaths for {} objects", wanted.len());
}
