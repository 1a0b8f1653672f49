//! The same life whatever happens on the way: a cluster in memory, and an operator that knows only what it reads.

use reconcile::rehearsal::Rehearsal;
use serde_json::{Value, json};

use super::*;

pub async fn installed() -> Rehearsal<Foreman> {
    let rehearsal = Rehearsal::new(foreman(MANIFEST));
    rehearsal.settle().await.unwrap();
    rehearsal
}

/// Paths of all objects, without what is another one in every run: Events, and the hash in a Job's name.
fn shape(rehearsal: &Rehearsal<Foreman>) -> Vec<String> {
    let paths = rehearsal.memory.objects().into_keys().filter(|path| !path.contains("/events/"));
    let named = |path: String| if path.contains("/jobs/") { path[..path.len() - 8].to_owned() } else { path };
    paths.map(named).collect()
}

/// Image and success of each migration's Job, by path.
pub fn migrations(rehearsal: &Rehearsal<Foreman>) -> BTreeMap<String, (Value, bool)> {
    let jobs = rehearsal.memory.objects().into_iter().filter(|(path, _)| path.contains("/jobs/"));
    let image = |job: &Value| job["spec"]["template"]["spec"]["containers"][0]["image"].clone();
    jobs.map(|(path, job)| (path, (image(&job), job["status"]["succeeded"] == 1))).collect()
}

fn claim(rehearsal: &Rehearsal<Foreman>) -> String {
    rehearsal.of("/api/v1", "persistentvolumeclaims/myforeman-database")
}

/// What the claim of the database says that it was migrated to.
fn migrated_to(rehearsal: &Rehearsal<Foreman>) -> Option<String> {
    let claim = rehearsal.memory.object(&claim(rehearsal))?;
    let said = &claim["metadata"]["annotations"]["reconcile.theforeman.org/achieved-myforeman-migrate"];
    said.as_str().map(str::to_owned)
}

/// Has the spec ask for this image of Foreman; `Null`: for the default.
fn release(rehearsal: &Rehearsal<Foreman>, image: Value) {
    let foreman = rehearsal.of("/apis/app.theforeman.org/v1alpha1", "foremans/myforeman");
    rehearsal.memory.edit(&foreman, |mut object| {
        object["spec"]["images"]["foreman"] = image;
        Some(object)
    });
}

const OLD: &str = "quay.io/foreman/foreman:5.0";

#[tokio::test]
async fn an_install_writes_each_object_once_and_rest_writes_nothing() {
    let rehearsal = Rehearsal::new(foreman(MANIFEST));
    let mut writes = vec![];
    loop {
        rehearsal.pass().await.unwrap();
        let now = rehearsal.memory.writes();
        if now.is_empty() {
            break;
        }
        writes.extend(now);
        rehearsal.memory.settle();
    }
    let (status, objects): (Vec<_>, Vec<_>) =
        writes.into_iter().partition(|write| write.contains("/foremans/"));
    let mut distinct = objects.clone();
    distinct.sort();
    distinct.dedup();
    // Drawn Secrets are created by one path each, applied ones patched by another; no path comes twice but that of the claim that
    // remembers the migration.
    let posts = objects.iter().filter(|write| write.starts_with("POST")).count();
    assert_eq!(objects.len() - posts, distinct.iter().filter(|write| write.starts_with("PATCH")).count() + 1);
    assert!(status.len() <= 10, "one status write per stage: {status:#?}");
    let live = rehearsal.object();
    assert!(live.status.as_ref().is_some_and(|status| status.is("Ready")), "{:#?}", live.status);
}

#[tokio::test]
async fn death_after_any_write_leads_to_the_same_end() {
    let whole = installed().await;
    let wanted = shape(&whole);
    let drawn = |rehearsal: &Rehearsal<Foreman>| {
        let objects = rehearsal.memory.objects().into_iter();
        let secrets = objects.filter(|(path, _)| path.contains("/secrets/") && !path.ends_with("-settings"));
        secrets.map(|(path, secret)| (path, secret["data"].clone())).collect::<BTreeMap<_, _>>()
    };
    // An operator that dies after each of its writes; at each of these points, another one that lives takes over.
    let dying = Rehearsal::new(foreman(MANIFEST));
    let mut deaths = 0;
    loop {
        let heir = dying.fork();
        heir.settle().await.unwrap();
        assert_eq!(shape(&heir), wanted, "after death at write {deaths}");
        let after = drawn(&heir);
        for (path, values) in drawn(&dying) {
            assert_eq!(after[&path], values, "{path} was drawn twice, after death at write {deaths}");
        }
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

#[tokio::test]
async fn what_is_edited_or_deleted_is_put_back_and_nothing_else_is_touched() {
    let rehearsal = installed().await;
    let worker = rehearsal.of("/apis/apps/v1", "deployments/myforeman-worker");
    rehearsal.memory.edit(&worker, |mut object| {
        object["spec"]["replicas"] = 9.into();
        Some(object)
    });
    let service = rehearsal.of("/api/v1", "services/myforeman-web");
    rehearsal.memory.edit(&service, |_| None);
    rehearsal.memory.writes();
    rehearsal.pass().await.unwrap();
    // The web waits until the workers have been counted anew.
    rehearsal.memory.settle();
    rehearsal.pass().await.unwrap();
    let told = |write: &String| write.contains("/events") || write.ends_with("/status");
    let writes: Vec<_> = rehearsal.memory.writes().into_iter().filter(|write| !told(write)).collect();
    assert_eq!(writes.len(), 2, "{writes:?}");
    assert_eq!(rehearsal.memory.object(&worker).unwrap()["spec"]["replicas"], 2);
    assert!(rehearsal.memory.object(&service).is_some());
}

#[tokio::test]
async fn a_finished_migration_is_not_repeated_when_its_job_goes() {
    let database = "spec: {database: {external: {host: pg, sslMode: require, credentials: {name: pg}}}, ";
    for manifest in [MANIFEST, &MANIFEST.replace("spec: {", database)] {
        let rehearsal = Rehearsal::new(foreman(manifest));
        let login = json!({ "kind": "Secret", "apiVersion": "v1", "metadata": { "name": "pg" }, "data": { "username": "cGc=", "password": "cGc=" } });
        rehearsal.memory.add(&rehearsal.of("/api/v1", "secrets/pg"), login);
        rehearsal.settle().await.unwrap();
        let (path, _) = migrations(&rehearsal).pop_first().unwrap();
        rehearsal.memory.edit(&path, |_| None);
        rehearsal.settle().await.unwrap();
        assert!(migrations(&rehearsal).is_empty(), "{manifest}");
        assert!(rehearsal.object().status.unwrap().is("Ready"));
    }
}

#[tokio::test]
async fn a_foreman_created_again_on_the_volume_of_the_last_one_is_not_migrated_again() {
    let rehearsal = installed().await;
    let before = rehearsal.object().status.unwrap();
    for (path, object) in rehearsal.memory.objects() {
        rehearsal.memory.edit(&path, |mut foreman| {
            if path.contains("/foremans/") {
                foreman["metadata"]["uid"] = "another".into();
                foreman["status"] = Value::Null;
            }
            object["metadata"]["ownerReferences"].is_null().then_some(foreman)
        });
    }
    assert!(migrations(&rehearsal).is_empty(), "its Job went with it");
    rehearsal.settle().await.unwrap();
    assert!(migrations(&rehearsal).is_empty());
    let status = rehearsal.object().status.unwrap();
    assert!(status.is("Ready"), "{status:#?}");
    assert_eq!(status.achieved, before.achieved);
}

#[tokio::test]
async fn a_volume_that_was_deleted_is_made_anew_and_migrated_anew() {
    let rehearsal = installed().await;
    let (before, said) = (migrations(&rehearsal), migrated_to(&rehearsal));
    rehearsal.memory.edit(&claim(&rehearsal), |_| None);
    rehearsal.settle().await.unwrap();
    let after = migrations(&rehearsal);
    assert_eq!(after.values().collect::<Vec<_>>(), [&(OLD.into(), true)]);
    assert!(after.keys().ne(before.keys()), "the Job of the old volume does not count: {after:?}");
    assert!(said.is_some_and(|said| said.starts_with(OLD)));
    assert!(rehearsal.object().status.unwrap().is("Ready"));
}

#[tokio::test]
async fn what_was_achieved_is_written_once_though_the_watch_does_not_show_it_yet() {
    let rehearsal = installed().await;
    rehearsal.memory.edit(&claim(&rehearsal), |mut claim| {
        let annotations = claim["metadata"]["annotations"].as_object_mut().unwrap();
        annotations.retain(|key, _| !key.contains("achieved"));
        Some(claim)
    });
    rehearsal.memory.writes();
    assert!(rehearsal.passes(3).await.unwrap().is("Ready"));
    assert_eq!(rehearsal.memory.writes(), [format!("PATCH {}", claim(&rehearsal))]);
    assert!(migrated_to(&rehearsal).is_some());
}

#[tokio::test]
async fn a_database_that_restarts_does_not_stop_the_scaling_of_workers_but_stops_a_new_release() {
    let rehearsal = installed().await;
    let path = |name: &str| rehearsal.of("/apis/apps/v1", name);
    let foreman = rehearsal.of("/apis/app.theforeman.org/v1alpha1", "foremans/myforeman");
    rehearsal.memory.edit(&path("statefulsets/myforeman-database"), |mut object| {
        object["status"]["readyReplicas"] = 0.into();
        Some(object)
    });
    rehearsal.memory.edit(&foreman, |mut object| {
        object["spec"]["dynflow_workers"] = 5.into();
        Some(object)
    });
    let status = rehearsal.pass().await.unwrap();
    assert_eq!(status.conditions[0].reason, "Database");
    let worker = || rehearsal.memory.object(&path("deployments/myforeman-worker")).unwrap();
    assert_eq!(worker()["spec"]["replicas"], 5);
    release(&rehearsal, "new".into());
    rehearsal.pass().await.unwrap();
    assert_ne!(worker()["spec"]["template"]["spec"]["containers"][0]["image"], "new");
    rehearsal.memory.settle();
    rehearsal.settle().await.unwrap();
    assert_eq!(worker()["spec"]["template"]["spec"]["containers"][0]["image"], "new");
}

#[tokio::test]
async fn katello_switched_off_takes_candlepin_away_and_keeps_its_keys() {
    let rehearsal = installed().await;
    let foreman = rehearsal.of("/apis/app.theforeman.org/v1alpha1", "foremans/myforeman");
    rehearsal.memory.edit(&foreman, |mut object| {
        object["spec"]["plugins"] = json!({ "remote_execution": true });
        Some(object)
    });
    rehearsal.settle().await.unwrap();
    let left = shape(&rehearsal);
    assert!(!left.iter().any(|path| path.ends_with("deployments/myforeman-candlepin")), "{left:#?}");
    assert!(left.iter().any(|path| path.ends_with("secrets/myforeman-candlepin")));
}

#[tokio::test]
async fn somebody_elses_object_of_that_name_is_left_alone_and_named() {
    let rehearsal = Rehearsal::new(foreman(MANIFEST));
    let path = rehearsal.of("/api/v1", "services/myforeman-database");
    rehearsal.memory.add(&path, json!({ "kind": "Service", "apiVersion": "v1", "metadata": { "name": "myforeman-database" }, "spec": { "mine": true } }));
    rehearsal.settle().await.unwrap();
    let status = rehearsal.pass().await.unwrap();
    assert!(
        status.conditions[0]
            .message
            .contains("Service myforeman-database: it exists and belongs to somebody else"),
        "{status:?}"
    );
    assert_eq!(rehearsal.memory.object(&path).unwrap()["spec"]["mine"], true);
}

#[tokio::test]
async fn paused_means_hands_off() {
    let rehearsal = installed().await;
    let foreman = rehearsal.of("/apis/app.theforeman.org/v1alpha1", "foremans/myforeman");
    rehearsal.memory.edit(&foreman, |mut object| {
        object["spec"]["paused"] = true.into();
        Some(object)
    });
    let service = rehearsal.of("/api/v1", "services/myforeman-web");
    rehearsal.memory.edit(&service, |_| None);
    let status = rehearsal.pass().await.unwrap();
    assert!(status.is("Paused") && status.is("Ready"));
    assert_eq!(rehearsal.memory.object(&service), None);
}

#[tokio::test]
async fn going_back_while_a_migration_runs_ends_it_and_migrates_back() {
    let rehearsal = installed().await;
    release(&rehearsal, "new".into());
    // The Job of the old release goes first, then the new one comes, and runs.
    for _ in 0..3 {
        rehearsal.pass().await.unwrap();
    }
    assert_eq!(migrations(&rehearsal).values().collect::<Vec<_>>(), [&("new".into(), false)]);
    assert_eq!(migrated_to(&rehearsal), None, "nobody knows what the database is like now");
    release(&rehearsal, Value::Null);
    rehearsal.settle().await.unwrap();
    assert_eq!(migrations(&rehearsal).values().collect::<Vec<_>>(), [&(OLD.into(), true)]);
    let status = rehearsal.object().status.unwrap();
    assert!(status.is("Ready"), "{status:#?}");
}

#[tokio::test]
async fn death_after_any_write_of_an_upgrade_leaves_the_way_on_and_the_way_back() {
    let dying = installed().await;
    release(&dying, "new".into());
    let mut deaths = 0;
    loop {
        for (image, wanted) in [("new".into(), "new"), (Value::Null, OLD)] {
            let heir = dying.fork();
            release(&heir, image);
            heir.settle().await.unwrap();
            let jobs = migrations(&heir);
            assert_eq!(jobs.values().collect::<Vec<_>>(), [&(wanted.into(), true)], "at write {deaths}");
            assert!(migrated_to(&heir).is_some_and(|to| to.starts_with(wanted)), "at write {deaths}");
            assert!(heir.object().status.unwrap().is("Ready"), "at write {deaths}");
        }
        let begun = migrations(&dying).values().any(|(image, _)| image == "new");
        let forgotten = migrated_to(&dying).is_none_or(|to| !to.starts_with(OLD));
        assert!(
            forgotten || !begun,
            "the new migration has begun at write {deaths}, the old one still counts"
        );
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
    assert!(deaths > 5, "{deaths} deaths");
}

#[tokio::test]
async fn a_certificate_of_somebody_elses_is_not_overwritten() {
    let rehearsal = Rehearsal::new(foreman(MANIFEST));
    let path = rehearsal.of("/api/v1", "secrets/myforeman-server-tls");
    let own = json!({ "kind": "Secret", "apiVersion": "v1", "metadata": { "name": "myforeman-server-tls" }, "data": { "tls.crt": "bWluZQ==" } });
    rehearsal.memory.add(&path, own);
    for _ in 0..4 {
        rehearsal.pass().await.unwrap();
        rehearsal.memory.settle();
    }
    assert_eq!(rehearsal.memory.object(&path).unwrap()["data"]["tls.crt"], "bWluZQ==");
    let status = rehearsal.pass().await.unwrap();
    assert!(status.conditions[0].message.contains("Secret myforeman-server-tls: it exists"), "{status:#?}");
}
