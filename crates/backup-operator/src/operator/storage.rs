//! The controller of `BackupStorage`: opens it, tries it, counts what is in it, and looks after it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt, runtime::controller::Action};
use object_store::ObjectStore;
use reconcile::{Error, call};

use super::{Term, controller::report, found, maintenance, sets};
use crate::{
    crd::{BackupStorage, BackupStorageSpec, SecretName, condition},
    gateway::{
        Stores,
        storage::{Azure, Config, Gcs, Patience, S3, Trouble, build, probe},
    },
};

/// How often a storage is tried.
const TRIED: Duration = Duration::from_mins(1);
/// How often it is tried while it does not work.
const WAITED: Duration = Duration::from_secs(15);

/// How often its sets are listed: each is a request to it.
const LISTED: Duration = Duration::from_mins(2);

/// Storages that work.
#[derive(Default)]
pub struct Storages(Mutex<BTreeMap<String, Open>>);

struct Open {
    store: Arc<dyn ObjectStore>,
    key: Vec<u8>,
    /// When its sets were last listed.
    listed: Option<Instant>,
    /// Whether it did when it was last tried. What waits for one that does not would keep others from working.
    works: bool,
    /// Whether nothing in it may be deleted.
    keeps: bool,
}

impl Storages {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over a storage as it is now; what is known of its sets stays.
    fn put(&self, name: &str, open: Open) {
        let mut all = self.lock();
        let listed = all.get(name).filter(|old| old.key == open.key).and_then(|old| old.listed);
        all.insert(name.to_owned(), Open { listed, ..open });
    }

    /// Whether it is time to list the sets of a storage.
    fn due(&self, name: &str) -> bool {
        let mut all = self.lock();
        let Some(open) = all.get_mut(name) else { return false };
        let due = open.listed.is_none_or(|last| last.elapsed() > LISTED);
        if due {
            open.listed = Some(Instant::now());
        }
        due
    }

    /// Whether nothing in it may be deleted, as far as is known of it.
    pub fn keeps(&self, name: &str) -> bool {
        self.lock().get(name).is_some_and(|open| open.keeps)
    }

    /// The key of a storage that works.
    pub fn key(&self, name: &str) -> Option<Vec<u8>> {
        self.lock().get(name).filter(|open| open.works).map(|open| open.key.clone())
    }
}

#[async_trait]
impl Stores for Storages {
    async fn named(&self, storage: &str) -> Option<Arc<dyn ObjectStore>> {
        self.lock().get(storage).map(|open| open.store.clone())
    }
}

/// What is wrong: reason and words.
type Wrong = (&'static str, String);

/// One pass.
pub async fn reconcile(storage: Arc<BackupStorage>, term: Arc<Term>) -> Result<Action, Error> {
    let name = storage.name_any();
    if storage.metadata.deletion_timestamp.is_some() {
        term.storages.lock().remove(&name);
        return Ok(Action::await_change());
    }
    let mut status = storage.status.clone().unwrap_or_default();
    status.observed_generation = storage.metadata.generation;
    let generation = storage.metadata.generation;
    let opened = open(&storage.spec, &term).await?;
    let (ready, reason, message) = match opened {
        Ok((open, location)) => {
            status.location = location;
            match probe(&*open.store).await {
                Ok(()) => {
                    term.storages.put(&name, Open { works: true, ..open });
                    (true, "Works", "it can be written, read, listed and deleted from".to_owned())
                }
                Err(trouble) => {
                    // What runs through it learns by its own requests whether it lasts.
                    let mut all = term.storages.lock();
                    all.entry(name.clone()).and_modify(|open| open.works = false).or_insert(open);
                    (false, reason(&trouble), trouble.to_string())
                }
            }
        }
        Err((reason, message)) => {
            term.storages.lock().remove(&name);
            (false, reason, message)
        }
    };
    condition(&mut status.conditions, generation, "Ready", ready, reason, message);
    if ready && term.storages.due(&name) {
        match sets::list(&term, &name).await? {
            Ok(found) => {
                status.sets = i64::try_from(found.len()).ok();
                found::tell(&term, &name, found).await?;
            }
            Err(words) => {
                condition(
                    &mut status.conditions,
                    generation,
                    "Ready",
                    false,
                    "Unreadable",
                    words.to_string(),
                );
            }
        }
    }
    if ready {
        maintenance::step(&storage, &term, &mut status).await?;
    }
    report(&term, &*storage, storage.status.as_ref(), &status).await?;
    Ok(Action::requeue(if ready { TRIED } else { WAITED }))
}

fn reason(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::Refused(_) => "Refused",
        Trouble::Hung(_) => "NoAnswer",
        Trouble::Tls(_) => "Untrusted",
        Trouble::WrongKey(_) => "WrongCredentials",
        Trouble::Forbidden(_) => "Forbidden",
        Trouble::NoBucket(_) => "NoBucket",
        Trouble::Skew(_) => "ClockSkew",
        Trouble::Full(_) => "Full",
        Trouble::Other(_) => "Failed",
    }
}

/// The storage as its spec says, and where it is for people; connects to nothing.
async fn open(spec: &BackupStorageSpec, term: &Term) -> Result<Result<(Open, String), Wrong>, Error> {
    let mut secrets = Secrets { term, wrong: None };
    let key = secrets.value("spec.key", &spec.key, "key").await?;
    let (config, location) = config(spec, &mut secrets).await?;
    if let Some(wrong) = secrets.wrong {
        return Ok(Err(wrong));
    }
    if key.len() < 32 {
        let what = format!(
            "spec.key: Secret \"{}\" has {} bytes under key, needs 32 random ones or more; make it with: kubectl create secret generic {} --from-file=key=<(openssl rand 32)",
            spec.key.name,
            key.len(),
            spec.key.name
        );
        return Ok(Err(("BadKey", what)));
    }
    Ok(match build(&config, Patience::default()) {
        Ok(store) => Ok((Open { store, key, listed: None, works: false, keeps: spec.append_only }, location)),
        Err(words) => Err(("Invalid", words)),
    })
}

async fn config(spec: &BackupStorageSpec, secrets: &mut Secrets<'_>) -> Result<(Config, String), Error> {
    if let Some(s3) = &spec.s3 {
        let key = match &s3.credentials {
            Some(name) => Some((
                secrets.text("spec.s3.credentials", name, "accessKeyId").await?,
                secrets.text("spec.s3.credentials", name, "secretAccessKey").await?,
            )),
            None => None,
        };
        let ca = match &s3.ca {
            Some(name) => Some(secrets.value("spec.s3.ca", name, "ca.crt").await?),
            None => None,
        };
        let location =
            format!("s3:{}/{}/{}", s3.endpoint.as_deref().unwrap_or("amazonaws.com"), s3.bucket, s3.prefix);
        let config = Config::S3(S3 {
            endpoint: s3.endpoint.clone(),
            region: s3.region.clone(),
            bucket: s3.bucket.clone(),
            prefix: s3.prefix.clone(),
            key,
            ca,
            path_style: !s3.virtual_hosted,
        });
        return Ok((config, location.trim_end_matches('/').into()));
    }
    if let Some(azure) = &spec.azure {
        let key = match &azure.credentials {
            Some(name) => Some(secrets.text("spec.azure.credentials", name, "accountKey").await?),
            None => None,
        };
        let config = Config::Azure(Azure {
            account: azure.account.clone(),
            container: azure.container.clone(),
            prefix: azure.prefix.clone(),
            key,
            endpoint: azure.endpoint.clone(),
            ca: None,
        });
        return Ok((config, format!("azure:{}/{}/{}", azure.account, azure.container, azure.prefix)));
    }
    if let Some(gcs) = &spec.gcs {
        let service_account = match &gcs.credentials {
            Some(name) => Some(secrets.text("spec.gcs.credentials", name, "key.json").await?),
            None => None,
        };
        let config = Config::Gcs(Gcs {
            bucket: gcs.bucket.clone(),
            prefix: gcs.prefix.clone(),
            service_account,
            endpoint: gcs.endpoint.clone(),
            ca: None,
        });
        return Ok((config, format!("gs://{}/{}", gcs.bucket, gcs.prefix)));
    }
    let volume = spec.volume.clone().unwrap_or_default();
    let root = secrets.term.home.claims.join(&volume.claim);
    if !root.is_dir() {
        secrets.wrong("NotMounted", format!("spec.volume.claim: \"{0}\" is not mounted into the operator; name it in the chart: --set storageClaims={{{0}}}", volume.claim));
    }
    Ok((Config::Folder(root.join(&volume.prefix)), format!("volume:{}/{}", volume.claim, volume.prefix)))
}

/// Secrets of the operator's namespace, and the first thing that is wrong with one.
struct Secrets<'a> {
    term: &'a Term,
    wrong: Option<Wrong>,
}

impl Secrets<'_> {
    fn wrong(&mut self, reason: &'static str, words: String) {
        self.wrong.get_or_insert((reason, words));
    }

    async fn value(&mut self, field: &str, secret: &SecretName, key: &str) -> Result<Vec<u8>, Error> {
        let namespace = &self.term.home.namespace;
        let api: Api<Secret> = Api::namespaced(self.term.client.clone(), namespace);
        let what = format!("Secret {namespace}/{}", secret.name);
        let Some(found) = call("get", &what, api.get_opt(&secret.name)).await? else {
            self.wrong("SecretMissing", format!("{field}: there is no {what}"));
            return Ok(vec![]);
        };
        let value = found.data.and_then(|mut data| data.remove(key));
        if value.is_none() {
            self.wrong("SecretMissing", format!("{field}: {what} has no key \"{key}\""));
        }
        Ok(value.map(|value| value.0).unwrap_or_default())
    }

    async fn text(&mut self, field: &str, secret: &SecretName, key: &str) -> Result<String, Error> {
        let value = self.value(field, secret, key).await?;
        Ok(String::from_utf8_lossy(&value).trim().to_owned())
    }
}
