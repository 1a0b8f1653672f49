//! Content in a bucket, which the instance's own Secret opens.

use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use futures::{StreamExt, TryStreamExt};
use object_store::{Error as Fault, ObjectStore, ObjectStoreExt, PutPayload, path::Path as Key};
use reconcile::{BackupContent, bucket};
use serde::{Deserialize, Serialize};

use super::{Error, Spec, mounted};
use crate::{
    engine::source::Listed,
    gateway::storage::{Azure, Config, Gcs, Patience, S3, build, trouble},
};

/// A bucket that is filled is marked first, so that it is known again: what is in it besides is what was put there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mark {
    /// By a restore, for as long as it goes on: after a pod was lost, the next one goes on too.
    Restore,
    /// By a drill of this name, for good: the next one empties it.
    Drill(String),
}

/// The bucket of a content.
#[derive(Clone)]
pub struct Bucket {
    /// What is in it.
    pub store: Arc<dyn ObjectStore>,
    /// What paths are relative to.
    pub prefix: Key,
    /// For people.
    name: String,
}

impl Bucket {
    /// The bucket that holds a content, if it is one: its Secret is mounted into a folder of `mounts`, by the content's name. Connects to
    /// nothing.
    pub fn mounted(content: &BackupContent, mounts: &Path) -> Result<Option<Self>, Error> {
        let (None, Some(secret)) = (&content.volume, &content.bucket_secret) else { return Ok(None) };
        let wrong = |why: &dyn std::fmt::Display| {
            Error::other(format!(
                "status.backup.content {}: its bucketSecret {secret} does not say which bucket: {why}",
                content.name
            ))
        };
        let values = values(&mounts.join(&content.name)).map_err(|error| wrong(&error))?;
        let found = bucket::Bucket::of(values).map_err(|why| wrong(&why))?;
        let (config, name) = config(found).map_err(|why| wrong(&why))?;
        let store = build(&config, Patience::default()).map_err(|why| wrong(&why))?;
        Ok(Some(Self { store, prefix: Key::from(content.path.as_str()), name }))
    }

    /// Everything that is in it now, in order; for content that nothing lists.
    pub async fn walk(&self) -> Result<Vec<Listed>, Error> {
        let all = self.store.list(Some(&self.prefix)).map_err(|error| self.error(&error));
        let mut files: Vec<_> = all
            .map_ok(|object| {
                let parts = object.location.prefix_match(&self.prefix);
                let path = parts.map(Iterator::collect::<Key>).unwrap_or(object.location);
                Listed { path: path.as_ref().into(), size: Some(object.size), sha256: None }
            })
            .try_collect()
            .await?;
        files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        Ok(files)
    }

    /// Makes sure that what comes next writes over nothing: the bucket is empty, or what is in it was put there by the same hand.
    pub async fn claim(&self, spec: &Spec, mark: &Mark) -> Result<(), Error> {
        let key = mark.key(spec);
        match (self.store.head(&key).await, mark) {
            (Ok(_), Mark::Restore) => Ok(()),
            (Ok(_), Mark::Drill(_)) => {
                let others = self.store.list(None).map_ok(|object| object.location);
                let others = others.try_filter(move |other| std::future::ready(*other != key)).boxed();
                let gone = self.store.delete_stream(others).try_for_each(|_| std::future::ready(Ok(())));
                gone.await.map_err(|error| self.error(&error))
            }
            (Err(Fault::NotFound { .. }), _) => {
                let first = self.store.list(None).try_next().await.map_err(|error| self.error(&error))?;
                if let Some(first) = first {
                    return Err(Error::other(format!(
                        "spec.mapping.buckets: {} is not empty, it has {}; name one for {} that is empty and that nobody else uses",
                        self.name, first.location, spec.instance
                    )));
                }
                let empty = PutPayload::default();
                self.store.put(&key, empty).await.map(drop).map_err(|error| self.error(&error))
            }
            (Err(error), _) => Err(self.error(&error)),
        }
    }

    /// All of it is there.
    pub async fn release(&self, spec: &Spec, mark: &Mark) -> Result<(), Error> {
        match mark {
            Mark::Restore => match self.store.delete(&mark.key(spec)).await {
                Ok(()) | Err(Fault::NotFound { .. }) => Ok(()),
                Err(error) => Err(self.error(&error)),
            },
            Mark::Drill(_) => Ok(()),
        }
    }

    fn error(&self, error: &Fault) -> Error {
        let why = trouble(error).map_or_else(|| error.to_string(), |trouble| trouble.to_string());
        Error::other(format!("{}: {why}", self.name))
    }
}

impl Mark {
    fn key(&self, spec: &Spec) -> Key {
        Key::from(match self {
            Self::Restore => format!("restore-{}", spec.run),
            Self::Drill(drill) => format!("restore-drill-{drill}"),
        })
    }
}

/// The values of a Secret that is mounted, which are text.
fn values(folder: &Path) -> io::Result<BTreeMap<String, String>> {
    let text = |(key, value): (String, Vec<u8>)| {
        let text = String::from_utf8(value).map_err(|error| io::Error::other(format!("{key}: {error}")))?;
        Ok((key, text.trim_end_matches('\n').to_owned()))
    };
    mounted(folder)?.into_iter().map(text).collect()
}

/// How it is reached, and what it is called.
fn config(bucket: bucket::Bucket) -> Result<(Config, String), String> {
    let bytes = |ca: Option<String>| ca.map(String::into_bytes);
    Ok(match bucket {
        bucket::Bucket::S3(s3) => {
            let name = format!("bucket \"{}\"", s3.bucket);
            let key = match (s3.access_key_id, s3.secret_access_key) {
                (Some(id), Some(secret)) => Some((id, secret)),
                (None, None) => None,
                (Some(_), None) => return Err("missing field `secretAccessKey`".into()),
                (None, Some(_)) => return Err("missing field `accessKeyId`".into()),
            };
            let config = S3 {
                endpoint: s3.endpoint,
                region: s3.region,
                bucket: s3.bucket,
                prefix: s3.prefix,
                key,
                ca: bytes(s3.ca),
                path_style: s3.addressing_style == bucket::AddressingStyle::Path,
            };
            (Config::S3(config), name)
        }
        bucket::Bucket::Azure(azure) => {
            let name = format!("container \"{}\" of account \"{}\"", azure.container, azure.account);
            let config = Azure {
                account: azure.account,
                container: azure.container,
                prefix: azure.prefix,
                key: azure.account_key,
                endpoint: azure.endpoint,
                ca: bytes(azure.ca),
            };
            (Config::Azure(config), name)
        }
        bucket::Bucket::Gcs(gcs) => {
            let name = format!("bucket \"{}\"", gcs.bucket);
            let config = Gcs {
                bucket: gcs.bucket,
                prefix: gcs.prefix,
                service_account: gcs.key_file,
                endpoint: gcs.endpoint,
                ca: bytes(gcs.ca),
            };
            (Config::Gcs(config), name)
        }
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use object_store::memory::InMemory;

    use super::*;
    use crate::{crd::Reference, mover::Task};

    fn spec(run: &str) -> Spec {
        Spec {
            task: Task::Maintain { part: 0, of: 1, prune: true },
            run: run.into(),
            attempt: 1,
            instance: Reference { kind: "Pulp".into(), namespace: "n".into(), name: "p".into() },
            storage: String::new(),
            repository: String::new(),
            gateway: String::new(),
            ca: String::new(),
            databases: vec![],
            content: vec![],
            secrets: vec![],
            config_maps: vec![],
        }
    }

    fn bucket() -> Bucket {
        Bucket { store: Arc::new(InMemory::new()), prefix: Key::default(), name: "bucket \"b\"".into() }
    }

    async fn put(bucket: &Bucket, key: &str) {
        bucket.store.put(&Key::from(key), PutPayload::from("x")).await.unwrap();
    }

    async fn names(bucket: &Bucket) -> Vec<String> {
        let files = bucket.walk().await.unwrap().into_iter();
        files.map(|file| file.path.display().to_string()).collect()
    }

    #[tokio::test]
    async fn a_restore_fills_an_empty_bucket_and_goes_on_only_with_its_own() {
        let bucket = bucket();
        bucket.claim(&spec("one"), &Mark::Restore).await.unwrap();
        put(&bucket, "artifact/ab/cd").await;
        bucket.claim(&spec("one"), &Mark::Restore).await.unwrap();
        let other = bucket.claim(&spec("two"), &Mark::Restore).await.unwrap_err().to_string();
        assert!(other.starts_with("spec.mapping.buckets: bucket \"b\" is not empty, it has "), "{other}");
        bucket.release(&spec("one"), &Mark::Restore).await.unwrap();
        assert_eq!(names(&bucket).await, ["artifact/ab/cd"], "nothing of the restore is left");
        assert!(bucket.claim(&spec("one"), &Mark::Restore).await.is_err(), "it is somebody's now");
    }

    #[tokio::test]
    async fn a_drill_empties_what_a_drill_of_its_name_has_filled_and_nothing_else() {
        let bucket = bucket();
        let (weekly, other) = (Mark::Drill("weekly".into()), Mark::Drill("other".into()));
        put(&bucket, "artifact/ab/cd").await;
        assert!(bucket.claim(&spec("one"), &weekly).await.is_err(), "a living instance's");
        assert_eq!(names(&bucket).await, ["artifact/ab/cd"]);
        bucket.store.delete(&Key::from("artifact/ab/cd")).await.unwrap();

        bucket.claim(&spec("one"), &weekly).await.unwrap();
        put(&bucket, "artifact/ab/cd").await;
        bucket.release(&spec("one"), &weekly).await.unwrap();
        assert!(bucket.claim(&spec("two"), &other).await.is_err());
        assert!(bucket.claim(&spec("two"), &Mark::Restore).await.is_err());
        bucket.claim(&spec("two"), &weekly).await.unwrap();
        assert_eq!(names(&bucket).await, ["restore-drill-weekly"]);
    }

    #[tokio::test]
    async fn paths_are_relative_to_the_folder_of_the_content() {
        let bucket = Bucket { prefix: Key::from("media"), ..bucket() };
        for key in ["media/b/1", "media/a", "mediator/c"] {
            put(&bucket, key).await;
        }
        assert_eq!(names(&bucket).await, ["a", "b/1"]);
    }

    #[test]
    fn a_mounted_secret_says_which_bucket_or_what_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        let write = |key: &str, text: &str| fs::write(folder.path().join(key), text).unwrap();
        let read = || bucket::Bucket::of(values(folder.path()).unwrap()).and_then(config);
        fs::create_dir(folder.path().join("..data")).unwrap();
        assert!(read().err().unwrap().contains("`kind`"));
        write("kind", "s3\n");
        write("bucket", "b");
        write("addressingStyle", "virtual");
        let (Config::S3(s3), name) = read().unwrap() else { panic!("not S3") };
        assert_eq!((s3.key, s3.path_style, name.as_str()), (None, false, "bucket \"b\""));
        write("accessKeyId", "id");
        assert_eq!(read().err().unwrap(), "missing field `secretAccessKey`");
        write("secretAccessKey", "secret");
        let (Config::S3(s3), _) = read().unwrap() else { panic!("not S3") };
        assert_eq!(s3.key, Some(("id".into(), "secret".into())));
        write("kind", "azure");
        write("account", "acc");
        write("container", "con");
        write("prefix", "x");
        let (Config::Azure(azure), name) = read().unwrap() else { panic!("not Azure") };
        assert_eq!((azure.prefix.as_str(), azure.key), ("x", None));
        assert_eq!(name, "container \"con\" of account \"acc\"");
        write("kind", "gcs");
        write("key.json", "{}");
        write("ca.crt", "PEM");
        let (Config::Gcs(gcs), _) = read().unwrap() else { panic!("not Google's") };
        assert_eq!((gcs.service_account, gcs.ca), (Some("{}".into()), Some(b"PEM".to_vec())));
    }
}
