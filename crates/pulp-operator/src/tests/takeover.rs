//! What another operator has left is taken over as it is, once it was handed over, and until then nothing is touched.

use reconcile::rehearsal::Rehearsal;
use serde_json::{Value, json};

use super::*;

/// What the Go pulp-operator puts on all that it makes; `managed-by` happens to be ours too.
fn labels() -> Value {
    json!({ "app.kubernetes.io/part-of": "pulp", "app.kubernetes.io/managed-by": "pulp-operator", "pulp_cr": "mypulp" })
}

/// An object of its, that goes with its custom resource.
fn theirs(kind: &str, name: &str) -> Value {
    let owner = json!({ "apiVersion": "repo-manager.pulpproject.org/v1", "kind": "Pulp", "name": "mypulp", "uid": "theirs",
        "controller": true, "blockOwnerDeletion": true });
    json!({ "apiVersion": "v1", "kind": kind,
        "metadata": { "name": name, "labels": labels(), "ownerReferences": [owner] } })
}

const KEYS: [(&str, &[&str]); 4] = [
    ("secret-key", &["secret_key"]),
    ("db-fields-encryption", &["database_fields.symmetric.key"]),
    ("admin-password", &["password"]),
    ("container-auth", &["container_auth_private_key.pem", "container_auth_public_key.pem"]),
];

/// An instance of the Go pulp-operator's: keys, artifacts, a database, a server.
fn left() -> Rehearsal<Pulp> {
    let rehearsal = Rehearsal::new(pulp(
        "
metadata: {name: mypulp, namespace: content, uid: 00000000-0000-0000-0000-000000000001}
spec:
  storage: {file: {size: 10Gi}}
  database: {fromSecret: {name: mypulp-postgres-configuration, nameKey: database, sslMode: prefer}}",
    ));
    rehearsal.memory.says(r#"{"versions": {"core": "1"}, "gates": []}"#);
    let secret = |name: &str, data: Value| {
        let mut secret = theirs("Secret", &format!("mypulp-{name}"));
        secret["type"] = "Opaque".into();
        secret["data"] = data;
        rehearsal.memory.add(&rehearsal.of("/api/v1", &format!("secrets/mypulp-{name}")), secret);
    };
    for (name, keys) in KEYS {
        secret(name, keys.iter().map(|key| ((*key).to_owned(), Value::from("dGhlaXJz"))).collect());
    }
    secret(
        "postgres-configuration",
        encoded(&[
            ("host", "mypulp-database-svc"),
            ("port", "5432"),
            ("database", "pulp"),
            ("username", "pulp"),
            ("password", "theirs"),
        ]),
    );
    let mut claim = theirs("PersistentVolumeClaim", "mypulp-file-storage");
    claim["spec"] = json!({ "accessModes": ["ReadWriteMany"], "storageClassName": "slow", "volumeName": "pv",
        "resources": { "requests": { "storage": "10Gi" } } });
    rehearsal.memory.add(&volume(&rehearsal), claim);
    let mut server = theirs("Deployment", "mypulp-api");
    server["apiVersion"] = "apps/v1".into();
    rehearsal.memory.add(&server_path(&rehearsal), server);
    rehearsal
}

fn encoded(values: &[(&str, &str)]) -> Value {
    use base64::{Engine, engine::general_purpose::STANDARD};
    values.iter().map(|(key, value)| ((*key).to_owned(), Value::from(STANDARD.encode(value)))).collect()
}

fn volume(rehearsal: &Rehearsal<Pulp>) -> String {
    rehearsal.of("/api/v1", "persistentvolumeclaims/mypulp-file-storage")
}

fn server_path(rehearsal: &Rehearsal<Pulp>) -> String {
    rehearsal.of("/apis/apps/v1", "deployments/mypulp-api")
}

/// What an administrator does: nothing goes with the old resource any more, and the volume is ours.
fn hand_over(rehearsal: &Rehearsal<Pulp>, path: &str) {
    rehearsal.memory.edit(path, |mut object| {
        object["metadata"]["labels"]["app.kubernetes.io/instance"] = "mypulp".into();
        Some(object)
    });
}

fn release(rehearsal: &Rehearsal<Pulp>, path: &str) {
    rehearsal.memory.edit(path, |mut object| {
        object["metadata"].as_object_mut().unwrap().remove("ownerReferences");
        Some(object)
    });
}

/// Settles and says why it is not ready.
async fn said(rehearsal: &Rehearsal<Pulp>) -> String {
    rehearsal.settle().await.unwrap();
    let status = rehearsal.pass().await.unwrap();
    let ready = status.conditions.iter().find(|condition| condition.type_ == "Ready").unwrap();
    format!("{}: {}", ready.reason, ready.message)
}

/// An object without what the cluster itself does to it.
fn written(rehearsal: &Rehearsal<Pulp>, path: &str) -> Value {
    let mut object = rehearsal.memory.object(path).unwrap();
    object["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    object.as_object_mut().unwrap().remove("status");
    object
}

fn jobs(rehearsal: &Rehearsal<Pulp>) -> Vec<String> {
    rehearsal.memory.objects().into_keys().filter(|path| path.contains("/jobs/")).collect()
}

#[tokio::test]
async fn what_another_operator_left_is_taken_as_it_is() {
    let rehearsal = left();
    let (volume, server) = (volume(&rehearsal), server_path(&rehearsal));
    let claim = rehearsal.memory.object(&volume).unwrap();
    release(&rehearsal, &volume);
    hand_over(&rehearsal, &volume);
    rehearsal.memory.edit(&server, |_| None);
    assert_eq!(said(&rehearsal).await, "Ready: every part is up");
    for (name, keys) in KEYS {
        let path = rehearsal.of("/api/v1", &format!("secrets/mypulp-{name}"));
        let secret = rehearsal.memory.object(&path).unwrap();
        for key in keys {
            assert_eq!(secret["data"][*key], "dGhlaXJz", "{name}");
        }
        assert!(secret["metadata"]["ownerReferences"].is_null(), "{name} goes with nobody");
    }
    let taken = rehearsal.memory.object(&volume).unwrap();
    assert_eq!(taken["spec"], claim["spec"]);
    assert_eq!(taken["metadata"]["uid"], claim["metadata"]["uid"]);
    assert!(taken["metadata"]["ownerReferences"].is_null());
    let ours = |kind: &str| rehearsal.memory.objects().into_keys().filter(|path| path.contains(kind)).count();
    assert_eq!(ours("mypulp-database"), 0, "no database of its own");
    let settings = rehearsal.memory.object(&rehearsal.of("/api/v1", "secrets/mypulp-libpq")).unwrap();
    assert_eq!(settings["data"]["host"], encoded(&[("h", "mypulp-database-svc")])["h"]);
}

#[tokio::test]
async fn a_volume_that_nobody_has_handed_over_is_left_alone_and_the_mend_is_told() {
    let rehearsal = left();
    let (volume, server) = (volume(&rehearsal), server_path(&rehearsal));
    rehearsal.memory.edit(&server, |_| None);
    let claim = written(&rehearsal, &volume);
    let why = said(&rehearsal).await;
    assert_eq!(
        why,
        "Settings: cannot apply PersistentVolumeClaim mypulp-file-storage: it exists and belongs to somebody else; if what is in it is meant \
         for this one, hand it over with: kubectl --namespace=content label --overwrite persistentvolumeclaim mypulp-file-storage \
         app.kubernetes.io/managed-by=pulp-operator app.kubernetes.io/instance=mypulp. Otherwise give the custom resource another name"
    );
    assert_eq!(written(&rehearsal, &volume), claim);
    assert_eq!(jobs(&rehearsal), [""; 0]);

    hand_over(&rehearsal, &volume);
    let claim = written(&rehearsal, &volume);
    let why = said(&rehearsal).await;
    assert!(
        why.contains(
            "it belongs to Pulp mypulp (repo-manager.pulpproject.org/v1) and would be deleted with it"
        ),
        "{why}"
    );
    assert_eq!(written(&rehearsal, &volume), claim);
    assert_eq!(jobs(&rehearsal), [""; 0]);

    release(&rehearsal, &volume);
    assert_eq!(said(&rehearsal).await, "Ready: every part is up");
}

#[tokio::test]
async fn no_job_begins_beside_somebody_elses_servers() {
    let rehearsal = left();
    let (volume, server) = (volume(&rehearsal), server_path(&rehearsal));
    release(&rehearsal, &volume);
    hand_over(&rehearsal, &volume);
    let before = written(&rehearsal, &server);
    let why = said(&rehearsal).await;
    assert!(
        why.starts_with(
            "Migrate: cannot apply Deployment mypulp-api: it exists and belongs to somebody else"
        ),
        "{why}"
    );
    assert_eq!(jobs(&rehearsal), [""; 0]);
    assert_eq!(written(&rehearsal, &server), before);

    rehearsal.memory.edit(&server, |_| None);
    assert_eq!(said(&rehearsal).await, "Ready: every part is up");
}

#[tokio::test]
async fn a_key_that_was_left_behind_is_missed_not_drawn_anew() {
    let rehearsal = left();
    rehearsal.memory.edit(&rehearsal.of("/api/v1", "secrets/mypulp-db-fields-encryption"), |_| None);
    let why = said(&rehearsal).await;
    assert!(why.starts_with("KeyLost: Secret \"mypulp-db-fields-encryption\" is gone"), "{why}");
    assert_eq!(
        rehearsal.memory.objects().into_keys().filter(|path| path.ends_with("-encryption")).count(),
        0
    );
}
