//! The same life whatever happens on the way: a cluster in memory, and an operator that knows only what it reads.

use reconcile::rehearsal::Rehearsal;
use serde_json::{Value, json};

use super::*;

async fn installed() -> Rehearsal<Foreman> {
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
    // Drawn Secrets are created by one path each, applied ones patched by another; no path comes twice.
    let posts = objects.iter().filter(|write| write.starts_with("POST")).count();
    assert_eq!(objects.len() - posts, distinct.iter().filter(|write| write.starts_with("PATCH")).count());
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
    let writes: Vec<_> =
        rehearsal.memory.writes().into_iter().filter(|write| !write.contains("/events")).collect();
    assert_eq!(writes.len(), 2, "{writes:?}");
    assert_eq!(rehearsal.memory.object(&worker).unwrap()["spec"]["replicas"], 2);
    assert!(rehearsal.memory.object(&service).is_some());
}

#[tokio::test]
async fn a_finished_migration_is_not_repeated_when_its_job_goes() {
    let rehearsal = installed().await;
    let job = |objects: BTreeMap<String, Value>| objects.into_keys().find(|path| path.contains("/jobs/"));
    let migrate = job(rehearsal.memory.objects()).unwrap();
    rehearsal.memory.edit(&migrate, |_| None);
    rehearsal.settle().await.unwrap();
    assert_eq!(job(rehearsal.memory.objects()), None);
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
    rehearsal.memory.edit(&foreman, |mut object| {
        object["spec"]["images"]["foreman"] = "new".into();
        Some(object)
    });
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
    let foreman = rehearsal.of("/apis/app.theforeman.org/v1alpha1", "foremans/myforeman");
    let release = |image: Value| {
        rehearsal.memory.edit(&foreman, |mut object| {
            object["spec"]["images"]["foreman"] = image;
            Some(object)
        });
    };
    let jobs = || {
        let jobs = rehearsal.memory.objects().into_iter().filter(|(path, _)| path.contains("/jobs/"));
        let image = |job: &Value| job["spec"]["template"]["spec"]["containers"][0]["image"].clone();
        jobs.map(|(_, job)| (image(&job), job["status"]["succeeded"].clone())).collect::<Vec<_>>()
    };
    release("new".into());
    // The Job of the old release goes first, then the new one comes, and runs.
    for _ in 0..3 {
        rehearsal.pass().await.unwrap();
    }
    assert_eq!(jobs(), [("new".into(), Value::Null)]);
    release(Value::Null);
    rehearsal.settle().await.unwrap();
    assert_eq!(jobs(), [("quay.io/foreman/foreman:5.0".into(), 1.into())]);
    let status = rehearsal.object().status.unwrap();
    assert!(status.is("Ready"), "{status:#?}");
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
