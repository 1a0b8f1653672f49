//! What a restore needs of a Foreman: it stands still with its databases open to others, takes in what they were filled with, and keeps the
//! keys that were put back.

use reconcile::{HoldState, What, rehearsal::Rehearsal};
use serde_json::{Value, json};

use super::{
    lives::{installed, migrations},
    *,
};

const DATA: &str = "restore.theforeman.org/data";
const WRITERS: [&str; 5] = ["candlepin", "orchestrator", "web", "worker", "worker-hosts-queue"];

/// Deployments that have pods, but for the reverse proxy.
fn serving(rehearsal: &Rehearsal<Foreman>) -> Vec<String> {
    let all = rehearsal.memory.objects().into_iter().filter(|(path, _)| path.contains("/deployments/"));
    let up = all.filter(|(path, object)| object["spec"]["replicas"] != 0 && !path.ends_with("-proxy"));
    up.map(|(path, _)| path.rsplit("/myforeman-").next().unwrap_or_default().to_owned()).collect()
}

fn condition(rehearsal: &Rehearsal<Foreman>, type_: &str) -> (String, String, String) {
    let status = rehearsal.object().status.unwrap();
    let found = status.conditions.iter().find(|condition| condition.type_ == type_).unwrap();
    (found.status.clone(), found.reason.clone(), found.message.clone())
}

fn hold(rehearsal: &Rehearsal<Foreman>) {
    rehearsal.hold("restore", &[What::Writes], Some(300));
}

/// Held, by an operator that goes on until nothing is left to do.
async fn held(rehearsal: &Rehearsal<Foreman>) {
    hold(rehearsal);
    Box::pin(rehearsal.settle()).await.unwrap();
    assert_eq!(rehearsal.object().status.unwrap().holds[0].state, HoldState::Held);
}

fn has(rehearsal: &Rehearsal<Foreman>, path: &str) -> bool {
    rehearsal.memory.objects().into_keys().any(|other| other.contains(path))
}

#[tokio::test]
async fn to_hold_writes_nothing_has_a_database_open_and_ready_says_who_wants_that() {
    let rehearsal = installed().await;
    assert_eq!(serving(&rehearsal), WRITERS);
    held(&rehearsal).await;
    assert_eq!(serving(&rehearsal), [""; 0]);
    let (ready, reason, message) = condition(&rehearsal, "Ready");
    assert_eq!((ready.as_str(), reason.as_str()), ("False", "Held"));
    assert!(message.contains("restore until 2"), "{message}");
    rehearsal.memory.writes();
    rehearsal.pass().await.unwrap();
    assert_eq!(rehearsal.memory.writes(), [""; 0]);

    rehearsal.hold("restore", &[], None);
    rehearsal.settle().await.unwrap();
    assert_eq!(serving(&rehearsal), WRITERS);
    assert_eq!(condition(&rehearsal, "Ready").1, "Ready");
}

#[tokio::test]
async fn what_runs_when_writes_are_asked_to_stop_is_named_until_it_has_ended() {
    let rehearsal = installed().await;
    hold(&rehearsal);
    let pod = rehearsal.of("/api/v1", "pods/myforeman-worker-1");
    let at_work = rehearsal.memory.object(&pod).unwrap();
    for _ in 0..4 {
        rehearsal.pass().await.unwrap();
        rehearsal.memory.settle();
        if rehearsal.memory.object(&pod).is_none() {
            rehearsal.memory.add(&pod, at_work.clone());
        }
    }
    let status = rehearsal.pass().await.unwrap();
    assert_eq!(status.holds[0].state, HoldState::Pending);
    assert!(status.holds[0].message.contains("Pod myforeman-worker-1"), "{:?}", status.holds);
    assert!(serving(&rehearsal).contains(&"candlepin".to_owned()), "what a worker ends may need it");
    rehearsal.memory.edit(&pod, |_| None);
    rehearsal.settle().await.unwrap();
    assert_eq!(rehearsal.object().status.unwrap().holds[0].state, HoldState::Held);
}

#[tokio::test]
async fn one_that_is_held_from_its_first_moment_has_databases_and_keys_and_nothing_that_uses_them() {
    let rehearsal = Rehearsal::new(foreman(MANIFEST));
    hold(&rehearsal);
    let said = rehearsal.pass().await.unwrap();
    assert_eq!(said.holds[0].state, HoldState::Pending);
    assert_eq!(said.holds[0].message, "its keys are yet to be made");
    held(&rehearsal).await;
    assert!(has(&rehearsal, "/statefulsets/myforeman-database"));
    assert!(has(&rehearsal, "/persistentvolumeclaims/myforeman-shared"));
    assert!(!has(&rehearsal, "/jobs/"), "nothing is migrated");
    assert_eq!(serving(&rehearsal), [""; 0]);
    let backup = rehearsal.object().status.unwrap().backup.unwrap();
    let databases: Vec<_> = backup.databases.iter().map(|database| database.secret.as_str()).collect();
    assert_eq!(databases, ["myforeman-libpq", "myforeman-libpq-candlepin"]);
    assert!(databases.iter().all(|secret| has(&rehearsal, &format!("/secrets/{secret}"))));

    rehearsal.annotate(DATA, Some("set-1"));
    rehearsal.hold("restore", &[], None);
    rehearsal.settle().await.unwrap();
    assert_eq!((serving(&rehearsal), migrations(&rehearsal).len()), (WRITERS.map(Into::into).into(), 1));
    let status = rehearsal.object().status.unwrap();
    assert!(status.is("Ready") && status.data.as_deref() == Some("set-1"), "{status:#?}");
}

#[tokio::test]
async fn other_data_is_migrated_once_more_before_anything_serves_and_once_only() {
    let rehearsal = installed().await;
    let before = migrations(&rehearsal);
    held(&rehearsal).await;
    rehearsal.annotate(DATA, Some("set-1"));
    rehearsal.hold("restore", &[], None);
    for _ in 0..30 {
        rehearsal.pass().await.unwrap();
        let done = migrations(&rehearsal).iter().any(|(path, (_, done))| *done && !before.contains_key(path));
        assert!(done || serving(&rehearsal).is_empty(), "{:?}", serving(&rehearsal));
        rehearsal.memory.settle();
    }
    let after = migrations(&rehearsal);
    assert!(after.len() == 1 && after.keys().ne(before.keys()), "{after:?}");
    assert_eq!(rehearsal.object().status.unwrap().data.as_deref(), Some("set-1"));
    assert_eq!(serving(&rehearsal), WRITERS);

    // Neither the way things are nor a forgotten annotation makes it run again.
    rehearsal.annotate(DATA, None);
    rehearsal.settle().await.unwrap();
    assert!(migrations(&rehearsal) == after && rehearsal.object().status.unwrap().is("Ready"));
}

#[tokio::test]
async fn what_is_no_id_is_said_and_nothing_is_done_about_it() {
    let rehearsal = installed().await;
    rehearsal.annotate(DATA, Some("Set 1"));
    rehearsal.memory.writes();
    rehearsal.pass().await.unwrap();
    let (ready, reason, message) = condition(&rehearsal, "Ready");
    assert_eq!((ready.as_str(), reason.as_str()), ("False", "Invalid"));
    assert!(
        message.starts_with("metadata.annotations: restore.theforeman.org/data is \"Set 1\""),
        "{message}"
    );
    assert_eq!(rehearsal.memory.writes().iter().filter(|write| !write.contains("/events")).count(), 1);
}

#[tokio::test]
async fn death_after_any_write_of_a_hold_and_of_what_follows_leads_to_the_same_end() {
    let dying = installed().await;
    let before = migrations(&dying);
    let mut deaths = 0;
    for restored in [false, true] {
        if restored {
            dying.annotate(DATA, Some("set-1"));
            dying.hold("restore", &[], None);
        }
        loop {
            let heir = dying.fork();
            if restored {
                heir.settle().await.unwrap();
                let after = migrations(&heir);
                assert!(after.len() == 1 && after.keys().ne(before.keys()), "at write {deaths}: {after:?}");
                assert_eq!(serving(&heir), WRITERS, "at write {deaths}");
                assert!(heir.object().status.unwrap().is("Ready"), "at write {deaths}");
            } else {
                held(&heir).await;
                assert_eq!(
                    (serving(&heir), migrations(&heir)),
                    (vec![], before.clone()),
                    "at write {deaths}"
                );
                hold(&dying);
            }
            let begun = migrations(&dying).keys().ne(before.keys());
            assert!(!begun || restored, "at write {deaths}");
            dying.memory.die_after(Some(1));
            let died = dying.pass().await.is_err();
            dying.memory.die_after(None);
            let writes = dying.memory.writes();
            if writes.is_empty() || (!restored && writes.iter().all(|write| write.contains("/foremans/"))) {
                let status = dying.object().status.unwrap_or_default();
                if restored || status.holds.iter().any(|hold| hold.state == HoldState::Held) {
                    break;
                }
            }
            deaths += 1;
            if !died {
                dying.memory.settle();
            }
        }
    }
    assert!(deaths > 15, "{deaths} deaths");
}

fn encoded(values: &[(&str, &str)]) -> Value {
    use base64::{Engine, engine::general_purpose::STANDARD};
    values.iter().map(|(key, value)| ((*key).to_owned(), Value::from(STANDARD.encode(value)))).collect()
}

#[tokio::test]
async fn keys_that_were_put_back_are_kept_byte_for_byte_and_what_they_lack_is_drawn_before_anything_has_lived()
 {
    let (from, host) =
        (installed().await, "spec: {ingress: {host: other.example.com}, deletionPolicy: Delete, ");
    let to = Rehearsal::new(foreman(&MANIFEST.replace("spec: {", host)));
    let backup = from.object().status.unwrap().backup.unwrap();
    let put = |name: &str, data: &Value| {
        let secret = json!({ "kind": "Secret", "apiVersion": "v1", "type": "Opaque", "metadata": { "name": name }, "data": data });
        to.memory.add(&to.of("/api/v1", &format!("secrets/{name}")), secret);
    };
    let at = |of: &Rehearsal<Foreman>, name: &str| {
        of.memory.object(&of.of("/api/v1", &format!("secrets/{name}"))).unwrap()
    };
    for name in &backup.secrets {
        if name != "myforeman-oauth" {
            put(name, &at(&from, name)["data"]);
        }
    }
    put("myforeman-oauth", &encoded(&[("key", "kept")]));
    // A backup that has what is issued, too: for another name it is issued anew, by the same authority.
    put("myforeman-client-tls", &at(&from, "myforeman-client-tls")["data"]);
    put("myforeman-candlepin-tls", &at(&from, "myforeman-candlepin-tls")["data"]);
    to.settle().await.unwrap();
    assert!(to.object().status.unwrap().is("Ready"), "{:#?}", to.object().status);
    for name in &backup.secrets {
        let now = at(&to, name);
        if name != "myforeman-oauth" {
            assert_eq!(now["data"], at(&from, name)["data"], "{name}");
        }
        assert_eq!(now["metadata"]["labels"]["app.kubernetes.io/instance"], "myforeman", "{name}");
        assert_eq!(now["metadata"]["ownerReferences"][0]["kind"], "Foreman", "{name}");
    }
    let oauth = at(&to, "myforeman-oauth");
    assert_eq!(oauth["data"]["key"], encoded(&[("key", "kept")])["key"]);
    assert!(oauth["data"]["secret"].is_string());
    let issued =
        |name: &str, key: &str| (at(&from, name)["data"][key].clone(), at(&to, name)["data"][key].clone());
    for (name, same) in [("client-tls", false), ("server-tls", false), ("candlepin-tls", true)] {
        let name = format!("myforeman-{name}");
        let (before, after) = issued(&name, "ca.crt");
        assert_eq!(before, after, "{name}");
        let (before, after) = issued(&name, "tls.crt");
        assert_eq!(before == after, same, "{name}");
    }
}

#[test]
fn a_backup_names_what_the_spec_refers_to_and_no_way_to_this_clusters_databases() {
    let foreman = foreman(
        "{metadata: {name: o, namespace: n}, spec: {database: {external: {host: h, ca: {name: pg-ca}, credentials: {name: pg}}}}}",
    );
    let mut seen = seen(&foreman);
    seen.secrets.insert("pg".into(), secret(&[("username", "f"), ("password", "p")]));
    seen.secrets.insert("pg-ca".into(), secret(&[("ca.crt", "certificate")]));
    let backup = Foreman::report(&foreman.check(&seen).unwrap(), &seen, false).backup.unwrap();
    assert_eq!(backup.secrets, ["o-admin", "o-ca", "o-encryption", "o-oauth", "pg", "pg-ca"]);
    assert_eq!((backup.databases.len(), backup.databases[0].name.as_str()), (1, "foreman"));
    assert_eq!((backup.restore_order, backup.config_maps), (20, vec![]));
}
