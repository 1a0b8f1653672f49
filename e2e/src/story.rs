//! A story: a namespace with a Foreman in it, what a user does with it, and what is true afterwards.

use std::{
    fmt::Debug,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use foreman_operator::{Foreman, crd::ForemanSpec};
use k8s_openapi::{
    api::{
        core::v1::{Namespace, Secret},
        events::v1::Event,
        rbac::v1::RoleBinding,
    },
    apimachinery::pkg::apis::meta::v1::Condition,
};
use kube::{
    Api, Client, Resource,
    api::{AttachParams, DeleteParams, ListParams, Patch, PatchParams, PostParams},
    core::NamespaceResourceScope,
};
use rand::Rng;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use tokio::io::AsyncReadExt;

use crate::{LONG, cluster, operator, trouble, wait};

/// The first manifest of the README, in whatever namespace the story has.
pub const FOREMAN: &str = r#"
apiVersion: app.theforeman.org/v1alpha1
kind: Foreman
metadata:
  name: "myforeman"
spec:
  dynflow_workers: 2
  plugins:
    katello: true
    remote_execution: true
"#;

/// Marks the namespaces of stories, for `e2e/run` to remove what an interrupted run has left.
const LABEL: &str = "e2e.theforeman.org/story";

/// Names the shared story anew when one that used it has failed: the next one shall not suffer from that.
static SHARED: AtomicU32 = AtomicU32::new(1);

/// A namespace with a Foreman in it. What it holds is printed if the story fails; the namespace goes with it, unless it is shared
/// or `KEEP` is set.
pub struct Story {
    /// With the rights of the cluster's administrator.
    pub client: Client,
    /// The story's namespace.
    pub namespace: String,
    /// The Foreman's name.
    pub name: String,
    shared: bool,
}

impl Story {
    /// An empty namespace that enforces the restricted Pod Security Standard and in which the operator may work.
    pub async fn new(title: &str) -> Self {
        let number: u16 = rand::rng().random();
        let story = Self::ungranted(&format!("{title}-{number:04x}")).await;
        story.grant().await;
        story
    }

    /// The same, but the operator has not been given any right in it.
    pub async fn ungranted(namespace: &str) -> Self {
        let client = cluster::client().await;
        let labels = json!({ LABEL: "true", "pod-security.kubernetes.io/enforce": "restricted" });
        let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace, "labels": labels } });
        let api: Api<Namespace> = Api::all(client.clone());
        wait(LONG, &format!("the last namespace {namespace} is gone"), async || {
            let there = api.get_opt(namespace).await.map_err(said)?;
            let ending = there.is_some_and(|there| there.metadata.deletion_timestamp.is_some());
            if ending { Err("it still ends".into()) } else { Ok(()) }
        })
        .await;
        api.patch(namespace, &manager(), &Patch::Apply(object)).await.expect("a namespace");
        Self { client, namespace: namespace.into(), name: "myforeman".into(), shared: false }
    }

    /// One Foreman for all stories that leave it as they found it: [`FOREMAN`], Ready. Installed by the first of them.
    pub async fn shared() -> Self {
        let name = format!("shared-{}", SHARED.load(Ordering::Relaxed));
        let mut story = Self::ungranted(&name).await;
        story.shared = true;
        story.grant().await;
        let wanted: Foreman = serde_yaml_ng::from_str(FOREMAN).expect("a manifest");
        match story.foreman().await {
            None => story.create(FOREMAN).await.expect("the API server takes the manifest"),
            Some(there) if there.spec == wanted.spec => {}
            Some(_) => story.edit(|spec| *spec = wanted.spec.clone()).await,
        }
        story.ready().await;
        story.settled().await;
        story
    }

    /// Gives the operator the right to work here, as its condition says how.
    pub async fn grant(&self) {
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": { "name": "foreman-operator" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "foreman-operator-namespace" },
            "subjects": [{ "kind": "ServiceAccount", "name": "foreman-operator", "namespace": operator::NAMESPACE }],
        });
        let api: Api<RoleBinding> = self.api();
        api.patch("foreman-operator", &manager(), &Patch::Apply(binding)).await.expect("a RoleBinding");
    }

    /// The API of a kind in this namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Creates a Foreman from a manifest without a namespace; `Err` is what the API server says against it.
    pub async fn create(&self, manifest: &str) -> Result<(), String> {
        let mut foreman: kube::api::DynamicObject = serde_yaml_ng::from_str(manifest).expect("YAML");
        foreman.metadata.namespace = Some(self.namespace.clone());
        let resource = kube::api::ApiResource::erase::<Foreman>(&());
        let api = Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        api.create(&PostParams::default(), &foreman).await.map(drop).map_err(said)
    }

    /// The Foreman as it is now.
    pub async fn foreman(&self) -> Option<Foreman> {
        self.api().get_opt(&self.name).await.expect("the Foreman can be read")
    }

    /// Changes the spec as `kubectl edit` does; the API server must agree.
    pub async fn edit(&self, change: impl Fn(&mut ForemanSpec)) {
        self.try_edit(change).await.expect("the API server takes the change");
    }

    /// The same; `Err` is what the API server says against it.
    pub async fn try_edit(&self, change: impl Fn(&mut ForemanSpec)) -> Result<(), String> {
        let api: Api<Foreman> = self.api();
        loop {
            let mut foreman = api.get(&self.name).await.map_err(said)?;
            change(&mut foreman.spec);
            match api.replace(&self.name, &PostParams::default(), &foreman).await {
                Err(kube::Error::Api(status)) if status.is_conflict() => {}
                other => return other.map(drop).map_err(said),
            }
        }
    }

    /// Waits until the Foreman as it is stated now is Ready.
    pub async fn ready(&self) {
        self.condition(LONG, "Ready", "True", "").await;
    }

    /// Waits until a condition speaks of the present spec and has this status and, unless it is empty, this reason; returns its message.
    pub async fn condition(&self, limit: Duration, type_: &str, status: &str, reason: &str) -> String {
        let what = format!("{}/{}: {type_}={status} {reason}", self.namespace, self.name);
        wait(limit, &what, async || {
            let foreman = self.foreman().await.ok_or("there is no Foreman")?;
            let found = condition(&foreman, type_).ok_or_else(|| format!("there is no condition {type_}"))?;
            let wanted = found.status == status && (reason.is_empty() || found.reason == reason);
            if wanted && found.observed_generation == foreman.metadata.generation {
                return Ok(found.message.clone());
            }
            Err(format!("it is {} {}: {}", found.status, found.reason, found.message))
        })
        .await
    }

    /// Deletes the Foreman and waits until it is gone; what it owned goes after it.
    pub async fn delete(&self) {
        let api: Api<Foreman> = self.api();
        let _ = api.delete(&self.name, &DeleteParams::default()).await;
        wait(LONG, "the Foreman is gone", async || {
            self.foreman().await.map_or(Ok(()), |_| Err("it is still there".into()))
        })
        .await;
    }

    /// Events about the Foreman with this reason, oldest first, as their texts.
    pub async fn events(&self, reason: &str) -> Vec<String> {
        let fields = format!("reason={reason},regarding.kind=Foreman,regarding.name={}", self.name);
        let api: Api<Event> = self.api();
        let mut events = api.list(&ListParams::default().fields(&fields)).await.expect("events").items;
        events.sort_by_key(|event| event.metadata.creation_timestamp.as_ref().map(|time| time.0));
        events.into_iter().filter_map(|event| event.note).collect()
    }

    /// A value of a Secret; the name is that of its part, `admin` for `myforeman-admin`.
    pub async fn secret(&self, part: &str, key: &str) -> String {
        let name = format!("{}-{part}", self.name);
        let secret: Secret =
            self.api().get(&name).await.unwrap_or_else(|error| panic!("Secret {name}: {error}"));
        let value = secret
            .data
            .and_then(|mut data| data.remove(key))
            .unwrap_or_else(|| panic!("{name} has no {key}"));
        String::from_utf8(value.0).expect("text")
    }

    /// What a command in a pod prints; it must succeed.
    pub async fn exec(&self, pod: &str, command: &[&str]) -> String {
        let api: Api<k8s_openapi::api::core::v1::Pod> = self.api();
        let parameters = AttachParams::default().stdout(true).stderr(true);
        let mut process = api
            .exec(pod, command.iter().copied(), &parameters)
            .await
            .unwrap_or_else(|error| panic!("{pod}: {error}"));
        let (mut out, mut err) = (String::new(), String::new());
        let (mut stdout, mut stderr) = (process.stdout().expect("stdout"), process.stderr().expect("stderr"));
        let status = process.take_status().expect("a status");
        let (read, noted, status) =
            tokio::join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut err), status);
        read.and(noted).expect("text");
        let status = status.and_then(|status| status.status).unwrap_or_default();
        assert_eq!(status, "Success", "{pod}: {command:?}: {err}");
        out.trim_end().to_owned()
    }

    /// What the embedded database answers, as psql's unaligned rows.
    pub async fn psql(&self, database: &str, query: &str) -> String {
        let command = [
            "psql",
            "--host=/var/run/postgresql",
            "--username=postgres",
            "--no-psqlrc",
            "-AtX",
            "-d",
            database,
            "-c",
            query,
        ];
        self.exec(&format!("{}-database-0", self.name), &command).await
    }

    /// How often Foreman's database was migrated; runs that failed count.
    pub async fn migrations(&self) -> String {
        self.psql("foreman", "SELECT count(*) FROM migration_runs").await
    }

    /// Creates or changes any object in this namespace, as `kubectl apply` does.
    pub async fn apply<K>(&self, name: &str, object: &(impl Serialize + Debug))
    where
        K: Resource<Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
        K::DynamicType: Default,
    {
        let done = self.api::<K>().patch(name, &manager(), &Patch::Apply(object)).await;
        done.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// A condition of a Foreman.
pub fn condition<'a>(foreman: &'a Foreman, type_: &str) -> Option<&'a Condition> {
    foreman.status.as_ref()?.conditions.iter().find(|condition| condition.type_ == type_)
}

fn manager() -> PatchParams {
    PatchParams::apply("e2e").force()
}

fn said(error: kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message,
        other => other.to_string(),
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        let failed = std::thread::panicking();
        if failed && self.shared {
            SHARED.fetch_add(1, Ordering::Relaxed);
        }
        let keep = std::env::var("KEEP").is_ok_and(|keep| !keep.is_empty());
        let (namespace, delete) = (self.namespace.clone(), !keep && (failed || !self.shared));
        // A thread of its own: the story's runtime may be ending.
        let end = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = cluster::client().await;
                if failed {
                    trouble::tell(client.clone(), &namespace).await;
                }
                if delete {
                    let _ = Api::<Namespace>::all(client).delete(&namespace, &DeleteParams::default()).await;
                }
            });
        });
        let _ = end.join();
    }
}
