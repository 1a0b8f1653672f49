//! A story: a namespace with an instance of a kind in it, what a user does with it, and what is true afterwards.

use std::{
    fmt::Debug,
    marker::PhantomData,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use k8s_openapi::{
    api::{
        core::v1::{Namespace, Secret},
        events::v1::Event,
        rbac::v1::RoleBinding,
    },
    apimachinery::pkg::apis::meta::v1::Condition,
};
use kube::{
    Api, Client, Config, Resource, ResourceExt,
    api::{
        ApiResource, AttachParams, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams,
    },
    core::{NamespaceResourceScope, object::HasSpec},
};
use rand::Rng;
use reconcile::Managed;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use tokio::io::AsyncReadExt;

use crate::{LONG, cluster, trouble, wait};

/// A kind that stories are told of.
pub trait Served: Managed + Serialize + HasSpec<Spec: Clone + PartialEq> {
    /// The stages of an installation, as the reasons of its conditions, and its end.
    const STAGES: &'static [&'static str];
    /// The Secret that holds the administrator's `password`, as the name of its part.
    const ADMIN: &'static str;
}

/// Marks the namespaces of stories, for `e2e/run` to remove what an interrupted run has left.
const LABEL: &str = "e2e.theforeman.org/story";

/// Label with the program that the stories of a namespace are in.
const PROGRAM: &str = "e2e.theforeman.org/program";

/// Whether this program has looked for what others have left.
static BEGUN: AtomicBool = AtomicBool::new(false);

/// Names the shared story anew when one that used it has failed: the next one shall not suffer from that.
static SHARED: AtomicU32 = AtomicU32::new(1);

/// A namespace with an instance in it. What it holds is printed if the story fails; the namespace goes with it, unless it is shared
/// or `KEEP` is set.
pub struct Life<K: Served> {
    /// With the rights of the cluster's administrator.
    pub client: Client,
    /// The story's namespace.
    pub namespace: String,
    /// The instance's name, `myforeman` for a Foreman.
    pub name: String,
    pub(crate) shared: bool,
    /// Of the cluster that it is in.
    config: Config,
    kind: PhantomData<K>,
}

impl<K: Served> Life<K> {
    /// An empty namespace that enforces the restricted Pod Security Standard and in which the operator may work.
    pub async fn new(title: &str) -> Self {
        let number: u16 = rand::rng().random();
        let story = Self::ungranted(&format!("{title}-{number:04x}")).await;
        story.grant().await;
        story
    }

    /// The same, but the operator has not been given any right in it.
    pub async fn ungranted(namespace: &str) -> Self {
        Self::on(cluster::here().await, namespace).await
    }

    /// The same, on another cluster.
    pub async fn on(config: Config, namespace: &str) -> Self {
        let client = cluster::connect(config.clone());
        if !BEGUN.swap(true, Ordering::Relaxed) {
            end_others(&client).await;
        }
        let labels =
            json!({ LABEL: "true", PROGRAM: program(), "pod-security.kubernetes.io/enforce": "restricted" });
        let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace, "labels": labels } });
        let api: Api<Namespace> = Api::all(client.clone());
        wait(LONG, &format!("the last namespace {namespace} is gone"), async || {
            let there = api.get_opt(namespace).await.map_err(said)?;
            let ending = there.is_some_and(|there| there.metadata.deletion_timestamp.is_some());
            if ending { Err("it still ends".into()) } else { Ok(()) }
        })
        .await;
        api.patch(namespace, &manager(), &Patch::Apply(object)).await.expect("a namespace");
        let name = format!("my{}", Self::title().to_lowercase());
        Self { client, namespace: namespace.into(), name, shared: false, config, kind: PhantomData }
    }

    /// An instance of this name in the namespace of another kind's, and with it gone; its operator may work there too.
    pub async fn of<O: Served>(other: &Life<O>, name: &str) -> Self {
        let mut story = Self::on(other.config.clone(), &other.namespace).await;
        story.grant().await;
        story.shared = true;
        story.name = name.into();
        story
    }

    /// Another instance in the same namespace.
    #[must_use]
    pub fn beside(&self, name: &str) -> Self {
        let (client, namespace) = (self.client.clone(), self.namespace.clone());
        let config = self.config.clone();
        Self { client, namespace, name: name.into(), shared: self.shared, config, kind: PhantomData }
    }

    /// One instance for all stories that leave it as they found it: Ready, with this manifest. Installed by the first of them.
    pub async fn shared_as(manifest: &str) -> Self {
        Self::shared_under(&format!("shared-{}", Self::title().to_lowercase()), manifest).await
    }

    /// The same, in a namespace whose name begins with this: for stories that want another manifest than the others.
    pub async fn shared_under(title: &str, manifest: &str) -> Self {
        let name = format!("{title}-{}", SHARED.load(Ordering::Relaxed));
        let mut story = Self::ungranted(&name).await;
        story.shared = true;
        story.grant().await;
        let wanted: K = serde_yaml_ng::from_str(manifest).expect("a manifest");
        match story.now().await {
            None => story.create(manifest).await.expect("the API server takes the manifest"),
            Some(there) if there.spec() == wanted.spec() => {}
            Some(_) => story.edit(|spec| *spec = wanted.spec().clone()).await,
        }
        story.ready().await;
        story.settled().await;
        story
    }

    /// The kind, as manifests name it.
    pub fn title() -> String {
        K::kind(&()).into_owned()
    }

    /// What the API server knows the operator as.
    pub fn user() -> String {
        format!("system:serviceaccount:{0}:{0}", K::ABOUT.operator)
    }

    /// Gives the operator the right to work here, as its condition says how.
    pub async fn grant(&self) {
        let operator = K::ABOUT.operator;
        let role = format!("{operator}-namespace");
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": { "name": operator },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role },
            "subjects": [{ "kind": "ServiceAccount", "name": operator, "namespace": operator }],
        });
        let api: Api<RoleBinding> = self.api();
        api.patch(operator, &manager(), &Patch::Apply(binding)).await.expect("a RoleBinding");
    }

    /// The API of a kind in this namespace.
    pub fn api<T>(&self) -> Api<T>
    where
        T: Resource<Scope = NamespaceResourceScope>,
        T::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Creates an instance from a manifest without a namespace; `Err` is what the API server says against it.
    pub async fn create(&self, manifest: &str) -> Result<(), String> {
        let mut wanted: DynamicObject = serde_yaml_ng::from_str(manifest).expect("YAML");
        wanted.metadata.namespace = Some(self.namespace.clone());
        let resource = ApiResource::erase::<K>(&());
        let api = Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        api.create(&PostParams::default(), &wanted).await.map(drop).map_err(said)
    }

    /// The instance as it is now.
    pub async fn now(&self) -> Option<K> {
        self.api().get_opt(&self.name).await.expect("the instance can be read")
    }

    /// Changes the spec as `kubectl edit` does; the API server must agree.
    pub async fn edit(&self, change: impl Fn(&mut K::Spec)) {
        self.try_edit(change).await.expect("the API server takes the change");
    }

    /// The same; `Err` is what the API server says against it.
    pub async fn try_edit(&self, change: impl Fn(&mut K::Spec)) -> Result<(), String> {
        let api: Api<K> = self.api();
        loop {
            let mut wanted = api.get(&self.name).await.map_err(said)?;
            change(wanted.spec_mut());
            match api.replace(&self.name, &PostParams::default(), &wanted).await {
                Err(kube::Error::Api(status)) if status.is_conflict() => {}
                other => return other.map(drop).map_err(said),
            }
        }
    }

    /// Waits until the instance as it is stated now is Ready.
    pub async fn ready(&self) {
        self.condition(LONG, "Ready", "True", "").await;
    }

    /// Waits until a condition speaks of the present spec and has this status and, unless it is empty, this reason; returns its message.
    pub async fn condition(&self, limit: Duration, type_: &str, status: &str, reason: &str) -> String {
        let what = format!("{type_}={status} {reason}");
        let wanted = |it: &Condition| it.status == status && (reason.is_empty() || it.reason == reason);
        self.says(limit, type_, &what, wanted).await
    }

    /// Waits until a condition speaks of the present spec and is as wanted; returns its message.
    pub async fn says(
        &self,
        limit: Duration,
        type_: &str,
        what: &str,
        wanted: impl Fn(&Condition) -> bool,
    ) -> String {
        wait(limit, &format!("{}/{}: {what}", self.namespace, self.name), async || {
            let instance = self.now().await.ok_or_else(|| format!("there is no {}", Self::title()))?;
            let found =
                condition(&instance, type_).ok_or_else(|| format!("there is no condition {type_}"))?;
            if wanted(found) && found.observed_generation == instance.meta().generation {
                return Ok(found.message.clone());
            }
            Err(format!("it is {} {}: {}", found.status, found.reason, found.message))
        })
        .await
    }

    /// Deletes the instance and waits until it is gone; what it owned goes after it.
    pub async fn delete(&self) {
        let api: Api<K> = self.api();
        let _ = api.delete(&self.name, &DeleteParams::default()).await;
        wait(LONG, &format!("{}/{} is gone", self.namespace, self.name), async || {
            self.now().await.map_or(Ok(()), |_| Err("it is still there".into()))
        })
        .await;
    }

    /// Events about the instance with this reason, oldest first, as their texts.
    pub async fn events(&self, reason: &str) -> Vec<String> {
        let fields = format!("reason={reason},regarding.kind={},regarding.name={}", Self::title(), self.name);
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

    /// Creates or changes any object in this namespace, as `kubectl apply` does.
    pub async fn apply<T>(&self, name: &str, object: &(impl Serialize + Debug))
    where
        T: Resource<Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
        T::DynamicType: Default,
    {
        let done = self.api::<T>().patch(name, &manager(), &Patch::Apply(object)).await;
        done.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// A condition of an instance.
pub fn condition<'a>(instance: &'a impl Managed, type_: &str) -> Option<&'a Condition> {
    instance.status()?.conditions.iter().find(|condition| condition.type_ == type_)
}

fn manager() -> PatchParams {
    PatchParams::apply("e2e").force()
}

/// The program's name without what cargo adds to it.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    name.rsplit_once('-').map_or(name.clone(), |(name, _)| name.to_owned())
}

/// What programs before this one have shared among their stories is in the way now: a small cluster has no room for all of it.
async fn end_others(client: &Client) {
    let api: Api<Namespace> = Api::all(client.clone());
    let others = ListParams::default().labels(&format!("{LABEL},{PROGRAM}!={}", program()));
    for namespace in api.list(&others).await.expect("the namespaces").items {
        let _ = api.delete(&namespace.name_any(), &DeleteParams::default()).await;
    }
}

fn said(error: kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message,
        other => other.to_string(),
    }
}

impl<K: Served> Drop for Life<K> {
    fn drop(&mut self) {
        let failed = std::thread::panicking();
        if failed && self.shared {
            SHARED.fetch_add(1, Ordering::Relaxed);
        }
        let keep = std::env::var("KEEP").is_ok_and(|keep| !keep.is_empty());
        let (namespace, delete) = (self.namespace.clone(), !keep && (failed || !self.shared));
        let config = self.config.clone();
        // A thread of its own: the story's runtime may be ending.
        let end = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = cluster::connect(config);
                if failed {
                    trouble::tell::<K>(client.clone(), &namespace).await;
                }
                if delete {
                    let _ = Api::<Namespace>::all(client).delete(&namespace, &DeleteParams::default()).await;
                }
            });
        });
        let _ = end.join();
    }
}
