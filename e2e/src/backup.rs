//! Backups and what belongs to them: kinds of the whole cluster, which stories name after themselves.

use std::{process::Stdio, time::Duration};

use k8s_openapi::api::{
    core::v1::{Namespace, Secret},
    rbac::v1::RoleBinding,
};
use kube::{
    Api, Client,
    api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, Patch, PatchParams},
};
use rand::Rng;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{
    PulpStory,
    store::Store,
    story::{Life, Served},
    wait,
};

/// The operator's namespace: Secrets of its storages are there.
const HOME: &str = "backup-operator";

/// One of the kinds.
pub fn kind(client: &Client, kind: &str) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk("backup.theforeman.org", "v1alpha1", kind);
    Api::all_with(client.clone(), &ApiResource::from_gvk(&gvk))
}

/// States an object of one of the kinds.
pub async fn state(client: &Client, of: &str, name: &str, spec: Value) {
    let object = json!({ "apiVersion": "backup.theforeman.org/v1alpha1", "kind": of,
        "metadata": { "name": name, "labels": { "e2e.theforeman.org/story": "true" } }, "spec": spec });
    let parameters = PatchParams::apply("e2e").force();
    let done = kind(client, of).patch(name, &parameters, &Patch::Apply(&object)).await;
    done.unwrap_or_else(|error| panic!("{of} {name}: {error}"));
}

/// Deletes one and waits until it is gone. A backup whose set stays may be found in its storage at once, and be another object then.
pub async fn delete(client: &Client, of: &str, name: &str) {
    let api = kind(client, of);
    let Some(before) = api.get_opt(name).await.expect("an answer") else { return };
    let _ = api.delete(name, &DeleteParams::default()).await;
    wait(crate::LONG, &format!("{of} {name} is gone"), async || {
        let there = api.get_opt(name).await.map_err(|error| error.to_string())?;
        match there {
            Some(there) if there.metadata.uid == before.metadata.uid => {
                Err(format!("{}", there.data["status"]))
            }
            _ => Ok(()),
        }
    })
    .await;
}

/// Waits until a condition is as wanted; gives back the object's status.
pub async fn condition(
    client: &Client,
    of: &str,
    name: &str,
    type_: &str,
    status: &str,
    limit: Duration,
) -> Value {
    let api = kind(client, of);
    wait(limit, &format!("{of} {name} is {type_}={status}"), async || {
        let object = api.get(name).await.map_err(|error| error.to_string())?;
        let conditions = object.data["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let found = conditions.iter().find(|one| one["type"] == type_).cloned().unwrap_or_default();
        if found["status"] == status {
            Ok(object.data["status"].clone())
        } else {
            Err(format!("{}", object.data["status"]))
        }
    })
    .await
}

/// Waits until a run has ended; gives back its status.
pub async fn ended(client: &Client, of: &str, name: &str, phase: &str) -> Value {
    let api = kind(client, of);
    let status = wait(crate::LONG, &format!("{of} {name} has ended"), async || {
        let object = api.get(name).await.map_err(|error| error.to_string())?;
        let status = object.data["status"].clone();
        let over = ["Completed", "Failed", "Canceled"].iter().any(|end| status["phase"] == *end);
        if over { Ok(status) } else { Err(format!("{status}")) }
    })
    .await;
    assert_eq!(status["phase"], phase, "{of} {name}: {status}");
    status
}

/// What the condition `Complete` of a run says.
pub fn said(status: &Value) -> String {
    let all = status["conditions"].as_array().cloned().unwrap_or_default();
    let complete = all.into_iter().find(|one| one["type"] == "Complete").unwrap_or_default();
    complete["message"].as_str().unwrap_or_default().to_owned()
}

/// A bucket for a storage of this name, and the Secrets that open it and encrypt what is in it.
pub async fn bucket(store: &Store<'_>, client: &Client, name: &str) {
    store.make("backups").await;
    secret(
        client,
        &format!("{name}-bucket"),
        json!({ "accessKeyId": "owner", "secretAccessKey": store.key }),
    )
    .await;
    secret(client, &format!("{name}-key"), json!({ "key": "0123456789abcdef0123456789abcdef" })).await;
}

/// A storage of this story's own: a bucket in a namespace that nobody loses.
pub async fn storage(store: &Store<'_>, client: &Client, name: &str) {
    storage_at(&store.url(), store, client, name).await;
}

/// The same, where the store is reached by another URL.
pub async fn storage_at(endpoint: &str, store: &Store<'_>, client: &Client, name: &str) {
    bucket(store, client, name).await;
    let bucket = json!({ "bucket": "backups", "endpoint": endpoint, "region": "us-east-1", "credentials": { "name": format!("{name}-bucket") } });
    state(client, "BackupStorage", name, json!({ "s3": bucket, "key": { "name": format!("{name}-key") } }))
        .await;
    condition(client, "BackupStorage", name, "Ready", "True", crate::LONG).await;
}

/// States a Secret in the operator's namespace.
pub async fn secret(client: &Client, name: &str, values: Value) {
    let api: Api<Secret> = Api::namespaced(client.clone(), HOME);
    let secret =
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": values });
    let done = api.patch(name, &PatchParams::apply("e2e").force(), &Patch::Apply(&secret)).await;
    done.unwrap_or_else(|error| panic!("Secret {name}: {error}"));
}

/// A namespace for drills, as the documentation makes one.
pub async fn scratch() -> PulpStory {
    let number: u16 = rand::rng().random();
    let scratch = PulpStory::ungranted(&format!("restore-drill-{number:04x}")).await;
    let manifest =
        include_str!("../../docs/restore-drill-namespace.yaml").replace("restore-drill", &scratch.namespace);
    let mut kubectl = Command::new("kubectl")
        .args(["apply", "--filename", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("kubectl");
    let mut input = kubectl.stdin.take().expect("a pipe");
    input.write_all(manifest.as_bytes()).await.expect("the manifest is read");
    drop(input);
    assert!(kubectl.wait().await.is_ok_and(|ended| ended.success()), "the manifest is taken");
    scratch
}

impl<K: Served> Life<K> {
    /// How backups and restores name the instance.
    pub fn reference(&self) -> Value {
        json!({ "kind": Self::title(), "namespace": self.namespace, "name": self.name })
    }

    /// Lets the backup-operator work in the story's namespace, as its administrator would.
    pub async fn grant_backups(&self) {
        let binding = json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": "backup-operator-namespace" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "backup-operator-namespace" },
            "subjects": [{ "kind": "ServiceAccount", "name": "backup-operator", "namespace": HOME }] });
        self.apply::<RoleBinding>("backup-operator-namespace", &binding).await;
    }

    /// Loses everything: the namespace goes with all that is in it.
    pub async fn lose(&self) {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let _ = api.delete(&self.namespace, &DeleteParams::default()).await;
        wait(crate::LONG, &format!("namespace {} is gone", self.namespace), async || {
            let there = api.get_opt(&self.namespace).await.map_err(|error| error.to_string())?;
            if there.is_none() {
                return Ok(());
            }
            // Where a pod may take an hour to end, Kubernetes looks half an hour later whether it has, unless the namespace changes.
            let look = json!({ "metadata": { "annotations": { "e2e.theforeman.org/look": jiff::Timestamp::now().to_string() } } });
            let _ = api.patch(&self.namespace, &PatchParams::default(), &Patch::Merge(&look)).await;
            Err("it is still there".into())
        })
        .await;
    }
}
