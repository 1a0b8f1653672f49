//! What a restore needs of a Pulp: it stands still with its database open to others, takes in what that was filled with, and keeps the keys
//! that were put back.

use reconcile::{HoldState, What, rehearsal::Rehearsal};
use serde_json::json;

use super::{lives::*, *};

const DATA: &str = "restore.theforeman.org/data";
const SERVERS: [&str; 4] = ["api", "content", "metrics", "worker"];

/// Deployments that have pods and the database open.
fn up(rehearsal: &Rehearsal<Pulp>) -> Vec<String> {
    let all = rehearsal.memory.objects().into_iter().filter(|(path, _)| path.contains("/deployments/"));
    let up = all.filter(|(_, object)| object["spec"]["replicas"] != 0);
    let up = up.map(|(path, _)| path.rsplit("/mypulp-").next().unwrap_or_default().to_owned());
    up.filter(|name| !["web", "cache"].contains(&name.as_str())).collect()
}

fn jobs(rehearsal: &Rehearsal<Pulp>) -> Vec<String> {
    let paths = rehearsal.memory.objects().into_keys().filter(|path| path.contains("/jobs/"));
    paths.map(|path| path.rsplit("/mypulp-").next().unwrap_or_default().to_owned()).collect()
}

/// Whether all of them were done and are others than before.
fn anew(before: &[String], after: &[String]) -> bool {
    let base = |all: &[String]| all.iter().map(|job| job[..job.len() - 9].to_owned()).collect::<Vec<_>>();
    base(before) == base(after) && after.iter().all(|job| !before.contains(job))
}

fn condition(rehearsal: &Rehearsal<Pulp>, type_: &str) -> (String, String) {
    let status = rehearsal.object().status.unwrap();
    let found = status.conditions.iter().find(|condition| condition.type_ == type_).unwrap();
    (found.status.clone(), found.reason.clone())
}

fn is(rehearsal: &Rehearsal<Pulp>, type_: &str, status: &str, reason: &str) {
    assert_eq!(condition(rehearsal, type_), (status.to_owned(), reason.to_owned()), "{type_}");
}

fn hold(rehearsal: &Rehearsal<Pulp>) {
    rehearsal.hold("restore", &[What::Writes], Some(300));
}

fn state(rehearsal: &Rehearsal<Pulp>, holder: &str) -> (HoldState, String) {
    let holds = rehearsal.object().status.unwrap().holds;
    let found = holds.iter().find(|hold| hold.holder == holder).unwrap();
    (found.state, found.message.clone())
}

async fn held(rehearsal: &Rehearsal<Pulp>) {
    hold(rehearsal);
    Box::pin(rehearsal.settle()).await.unwrap();
    assert_eq!(state(rehearsal, "restore"), (HoldState::Held, String::new()));
}

fn has(rehearsal: &Rehearsal<Pulp>, path: &str) -> bool {
    rehearsal.memory.objects().into_keys().any(|other| other.contains(path))
}

/// One that cleans up every Saturday.
async fn living() -> Rehearsal<Pulp> {
    let rehearsal = Box::pin(installed()).await;
    rehearsal.memory.edit(&path(&rehearsal), |mut object| {
        object["spec"]["maintenance"]["orphanCleanup"] = json!({ "schedule": "30 2 * * 6" });
        Some(object)
    });
    Box::pin(rehearsal.settle()).await.unwrap();
    rehearsal
}

#[tokio::test]
async fn to_hold_writes_workers_end_first_then_all_that_has_the_database_open_and_the_web_stays() {
    let rehearsal = living().await;
    assert_eq!(up(&rehearsal), SERVERS);
    let pod = rehearsal.of("/api/v1", "pods/mypulp-worker-1");
    let at_work = rehearsal.memory.object(&pod).unwrap();
    hold(&rehearsal);
    for _ in 0..4 {
        rehearsal.pass().await.unwrap();
        rehearsal.memory.settle();
        if rehearsal.memory.object(&pod).is_none() {
            rehearsal.memory.add(&pod, at_work.clone());
        }
    }
    rehearsal.pass().await.unwrap();
    assert_eq!(up(&rehearsal), ["api", "content", "metrics"], "people go on downloading");
    let (pending, why) = state(&rehearsal, "restore");
    assert!(pending == HoldState::Pending && why.contains("Pod mypulp-worker-1"), "{why}");
    let cron = rehearsal.of("/apis/batch/v1", "cronjobs/mypulp-orphans");
    assert_eq!(rehearsal.memory.object(&cron).unwrap()["spec"]["suspend"], true);
    is(&rehearsal, "Available", "True", "Serving");

    rehearsal.memory.edit(&pod, |_| None);
    held(&rehearsal).await;
    assert_eq!(up(&rehearsal), [""; 0]);
    let web = rehearsal.memory.object(&rehearsal.of("/apis/apps/v1", "deployments/mypulp-web")).unwrap();
    assert_ne!(web["spec"]["replicas"], 0);
    is(&rehearsal, "Ready", "False", "Held");
    is(&rehearsal, "Available", "False", "Held");
    rehearsal.memory.writes();
    rehearsal.pass().await.unwrap();
    assert_eq!(rehearsal.memory.writes(), [""; 0]);

    let before = jobs(&rehearsal);
    rehearsal.hold("restore", &[], None);
    rehearsal.settle().await.unwrap();
    assert_eq!(
        (up(&rehearsal), jobs(&rehearsal)),
        (SERVERS.map(Into::into).into(), before),
        "nothing runs anew"
    );
    assert_ne!(rehearsal.memory.object(&cron).unwrap()["spec"]["suspend"], true);
    is(&rehearsal, "Ready", "True", "Ready");
}

#[tokio::test]
async fn whoever_holds_deletion_has_it_held_while_writes_are_and_nothing_beats_in_the_database() {
    let rehearsal = living().await;
    rehearsal.hold("night", &[What::Deletion], Some(300));
    rehearsal.settle().await.unwrap();
    let since = rehearsal.object().status.unwrap().holds[0].since.clone();
    hold(&rehearsal);
    for _ in 0..20 {
        rehearsal.pass().await.unwrap();
        assert_eq!(state(&rehearsal, "night").0, HoldState::Held);
        rehearsal.memory.settle();
    }
    assert_eq!(state(&rehearsal, "restore").0, HoldState::Held);
    assert!(!has(&rehearsal, "/jobs/mypulp-hold"));
    assert_eq!(rehearsal.object().status.unwrap().holds[0].since, since);
    // The other way round, it is not there before it is needed.
    rehearsal.hold("restore", &[], None);
    rehearsal.settle().await.unwrap();
    assert!(has(&rehearsal, "/jobs/mypulp-hold") && state(&rehearsal, "night").0 == HoldState::Held);
}

#[tokio::test]
async fn one_that_is_held_from_its_first_moment_has_a_database_and_keys_and_nothing_that_uses_them() {
    let rehearsal = fresh();
    hold(&rehearsal);
    rehearsal.pass().await.unwrap();
    assert_eq!(state(&rehearsal, "restore"), (HoldState::Pending, "its keys are yet to be made".into()));
    rehearsal.pass().await.unwrap();
    let (pending, why) = state(&rehearsal, "restore");
    assert!(pending == HoldState::Pending && why.contains("database"), "{why}");
    held(&rehearsal).await;
    assert!(has(&rehearsal, "/statefulsets/mypulp-database") && has(&rehearsal, "/deployments/mypulp-cache"));
    assert!(
        has(&rehearsal, "/persistentvolumeclaims/mypulp-file-storage")
            && has(&rehearsal, "/secrets/mypulp-libpq")
    );
    assert!(!has(&rehearsal, "/jobs/") && !has(&rehearsal, "/deployments/mypulp-web"));
    assert_eq!(up(&rehearsal), [""; 0]);
    let backup = rehearsal.object().status.unwrap().backup.unwrap();
    assert_eq!(backup.content[0].volume.as_deref(), Some("mypulp-file-storage"));

    rehearsal.annotate(DATA, Some("set-1"));
    rehearsal.hold("restore", &[], None);
    rehearsal.settle().await.unwrap();
    assert_eq!(up(&rehearsal), SERVERS);
    let status = rehearsal.object().status.unwrap();
    assert!(status.is("Ready") && status.data.as_deref() == Some("set-1"), "{status:#?}");
}

#[tokio::test]
async fn a_database_that_does_not_answer_keeps_a_hold_waiting_but_does_not_break_one() {
    let rehearsal = living().await;
    let database = rehearsal.of("/apis/apps/v1", "statefulsets/mypulp-database");
    let ready = |pods: i32| {
        rehearsal.memory.edit(&database, |mut object| {
            object["status"]["readyReplicas"] = pods.into();
            Some(object)
        });
    };
    ready(0);
    hold(&rehearsal);
    rehearsal.pass().await.unwrap();
    for path in rehearsal.memory.objects().into_keys().filter(|path| path.contains("/deployments/")) {
        rehearsal.memory.edit(&path, |mut object| {
            let (generation, pods) = (object["metadata"]["generation"].clone(), object["spec"]["replicas"].clone());
            object["status"] = json!({ "observedGeneration": generation, "replicas": pods, "readyReplicas": pods, "updatedReplicas": pods });
            Some(object)
        });
    }
    for _ in 0..4 {
        rehearsal.pass().await.unwrap();
    }
    assert_eq!(state(&rehearsal, "restore").0, HoldState::Pending);
    held(&rehearsal).await;
    ready(0);
    rehearsal.pass().await.unwrap();
    assert_eq!(state(&rehearsal, "restore").0, HoldState::Held);
    assert_eq!(condition(&rehearsal, "Ready").1, "Database");
}

#[tokio::test]
async fn other_data_is_migrated_and_given_its_password_once_more_before_anything_serves() {
    let rehearsal = living().await;
    let before = jobs(&rehearsal);
    held(&rehearsal).await;
    rehearsal.annotate(DATA, Some("set-1"));
    rehearsal.pass().await.unwrap();
    assert_eq!(jobs(&rehearsal), before, "not before the hold is over");
    rehearsal.hold("restore", &[], None);
    for _ in 0..30 {
        rehearsal.pass().await.unwrap();
        let migrated = rehearsal
            .object()
            .status
            .unwrap()
            .achieved("mypulp-migrate")
            .is_some_and(|on| on.ends_with(" on data set-1"));
        assert!(migrated || up(&rehearsal).is_empty(), "{:?}", up(&rehearsal));
        if !migrated {
            is(&rehearsal, "Available", "False", "Restoring");
        }
        rehearsal.memory.settle();
    }
    let after = jobs(&rehearsal);
    assert!(anew(&before, &after), "{before:?} {after:?}");
    assert_eq!(up(&rehearsal), SERVERS);
    let status = rehearsal.object().status.unwrap();
    assert!(status.is("Ready") && status.data.as_deref() == Some("set-1"), "{status:#?}");
    let cache = rehearsal.memory.object(&rehearsal.of("/apis/apps/v1", "deployments/mypulp-cache")).unwrap();
    assert!(cache.to_string().contains("set-1"), "what was cached is forgotten");

    // From then on it is a Pulp as any other: the next release comes without a break.
    rehearsal.memory.edit(&path(&rehearsal), |mut object| {
        object["spec"]["images"]["pulp"] = "new".into();
        Some(object)
    });
    for _ in 0..20 {
        rehearsal.pass().await.unwrap();
        assert_eq!(up(&rehearsal), SERVERS);
        rehearsal.memory.settle();
    }
    let next = jobs(&rehearsal);
    rehearsal.annotate(DATA, None);
    rehearsal.settle().await.unwrap();
    assert_eq!(jobs(&rehearsal), next, "to forget the annotation makes nothing run again");
    is(&rehearsal, "Ready", "True", "Ready");
}

#[tokio::test]
async fn death_after_any_write_of_a_hold_and_of_what_follows_leads_to_the_same_end() {
    let dying = living().await;
    let before = jobs(&dying);
    let mut deaths = 0;
    for restored in [false, true] {
        if restored {
            dying.annotate(DATA, Some("set-1"));
            dying.hold("restore", &[], None);
        }
        loop {
            if !restored {
                hold(&dying);
            }
            let heir = dying.fork();
            if restored {
                heir.settle().await.unwrap();
                assert!(anew(&before, &jobs(&heir)), "at write {deaths}: {:?}", jobs(&heir));
                assert_eq!(up(&heir), SERVERS, "at write {deaths}");
                is(&heir, "Ready", "True", "Ready");
            } else {
                held(&heir).await;
                assert_eq!((up(&heir), jobs(&heir)), (vec![], before.clone()), "at write {deaths}");
                assert_eq!(jobs(&dying), before);
            }
            dying.memory.die_after(Some(1));
            let died = dying.pass().await.is_err();
            dying.memory.die_after(None);
            let others = dying.memory.writes().into_iter().filter(|write| !write.contains("/pulps/")).count();
            let (status, wanted) = (dying.object().status.unwrap(), if restored { "Ready" } else { "Held" });
            let ready = status.conditions.iter().find(|condition| condition.type_ == "Ready");
            if others == 0 && ready.is_some_and(|ready| ready.reason == wanted) {
                break;
            }
            deaths += 1;
            if !died {
                dying.memory.settle();
            }
        }
    }
    assert!(deaths > 15, "{deaths} deaths");
}

#[tokio::test]
async fn keys_that_were_put_back_are_kept_byte_for_byte_and_certificates_follow_the_host_name() {
    let from = installed().await;
    let at = |of: &Rehearsal<Pulp>, name: &str| {
        of.memory.object(&of.of("/api/v1", &format!("secrets/{name}"))).unwrap()
    };
    let backup = from.object().status.unwrap().backup.unwrap();
    for host in ["", "ingress: {host: other.example.com}, "] {
        let to = Rehearsal::new(pulp(
            &MANIFEST.replace("spec: {", &format!("spec: {{{host}deletionPolicy: Delete, ")),
        ));
        to.memory.says(r#"{"versions": {"core": "1"}, "gates": []}"#);
        for name in backup.secrets.iter().map(String::as_str).chain(["mypulp-server-tls"]) {
            let secret = json!({ "kind": "Secret", "apiVersion": "v1", "type": "Opaque", "metadata": { "name": name }, "data": at(&from, name)["data"] });
            to.memory.add(&to.of("/api/v1", &format!("secrets/{name}")), secret);
        }
        to.settle().await.unwrap();
        is(&to, "Ready", "True", "Ready");
        for name in &backup.secrets {
            let now = at(&to, name);
            assert_eq!(now["data"], at(&from, name)["data"], "{name}");
            assert_eq!(now["metadata"]["labels"]["app.kubernetes.io/instance"], "mypulp", "{name}");
            assert_eq!(now["metadata"]["ownerReferences"][0]["kind"], "Pulp", "{name}");
        }
        let (before, after) = (at(&from, "mypulp-server-tls"), at(&to, "mypulp-server-tls"));
        assert_eq!(before["data"]["ca.crt"], after["data"]["ca.crt"]);
        assert_eq!(before["data"]["tls.crt"] == after["data"]["tls.crt"], host.is_empty());
        assert_eq!(after["metadata"]["ownerReferences"][0]["kind"], "Pulp");
    }
}

#[test]
fn half_of_a_pair_is_never_completed() {
    let pulp = pulp(MANIFEST);
    let mut seen = seen(&pulp);
    seen.secrets
        .insert("mypulp-container-auth".into(), secret(&[("container_auth_private_key.pem", "kept")]));
    let said = faults(&pulp, &seen);
    assert!(
        said[0].contains("\"mypulp-container-auth\" has lost its key \"container_auth_public_key.pem\""),
        "{said:?}"
    );
}

#[test]
fn a_backup_names_what_the_spec_refers_to_and_nothing_that_others_make() {
    let pulp = of(
        "{storage: {s3: {bucket: b, region: r, credentials: {name: s3}}}, ingress: {type: None}, database: {cloudNativePG: {name: pg}},
          settingsFrom: [{configMap: more}, {secret: most}], trustedCertificates: [{configMap: trusted}]}",
    );
    let mut seen = seen(&pulp);
    let given = [("host", "h"), ("dbname", "d"), ("username", "u"), ("password", "p"), ("port", "5432")];
    seen.secrets.insert("pg-app".into(), secret(&given));
    seen.secrets.insert("pg-ca".into(), secret(&[("ca.crt", "certificate")]));
    seen.secrets.insert("s3".into(), secret(&[("accessKeyId", "a"), ("secretAccessKey", "s")]));
    seen.secrets.insert("most".into(), secret(&[("A", "b")]));
    seen.config_maps.insert("more".into(), secret(&[("C", "d")]));
    seen.config_maps.insert("trusted".into(), secret(&[("ca.crt", super::authentication::CERTIFICATE)]));
    let checked = pulp.check(&seen).unwrap_or_else(|faults| panic!("{faults:?}"));
    let backup = Pulp::report(&checked, &seen, false).backup.unwrap();
    let keys =
        ["p-admin-password", "p-container-auth", "p-db-fields-encryption", "p-remote-user", "p-secret-key"];
    assert_eq!(backup.secrets, ["most"].into_iter().chain(keys).chain(["s3"]).collect::<Vec<_>>());
    assert_eq!(backup.config_maps, ["more", "trusted"]);
}
