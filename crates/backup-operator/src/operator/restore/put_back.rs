//! Objects of an instance as a set has them, put back where it is to be.

use std::path::{Path, PathBuf};

use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, Secret},
};
use kube::{
    Api,
    api::{DynamicObject, ObjectMeta, PostParams},
};
use reconcile::{Error, call};
use serde_json::Value;

use super::{
    super::{
        names, objects,
        services::resource,
        sets::{self, Set},
    },
    run::Run,
};
use crate::{crd::Restored, engine};

impl Run<'_> {
    /// The files of an instance's state.
    pub async fn state(
        &self,
        set: &Set,
        one: &Restored,
    ) -> Result<Result<Vec<(PathBuf, Vec<u8>)>, engine::Error>, Error> {
        let stored = set.instances.iter().find(|other| other.of == one.from);
        let Some(state) = stored.and_then(|one| one.stored.iter().find(|stored| stored.what == "state"))
        else {
            return Ok(Err(engine::Error::NotFound("the set has no state of it".into())));
        };
        let snapshot = state.snapshot.clone();
        sets::with(self.term, self.storage(), &one.from.namespace, false, move |repository| {
            let reader = repository.reader()?;
            let mut paths = Vec::new();
            reader.list(&snapshot, &mut |entry: engine::restore::Entry| {
                if entry.file {
                    paths.push(entry.path);
                }
            })?;
            let mut files = Vec::new();
            for path in paths {
                let mut text = Vec::new();
                reader.file(&snapshot, &path, &mut text, &engine::Progress::default())?;
                files.push((path, text));
            }
            Ok(files)
        })
        .await
    }

    /// Secrets and configuration first: whoever sees the custom resource finds them.
    pub async fn make(
        &self,
        one: &Restored,
        files: Vec<(PathBuf, Vec<u8>)>,
        awaits: bool,
    ) -> Result<(), Error> {
        let namespace = &one.to.namespace;
        let metadata = |name: &str| ObjectMeta {
            name: Some(name.into()),
            namespace: Some(namespace.clone()),
            labels: Some([(names::RUN.to_owned(), self.uid.to_owned())].into()),
            ..Default::default()
        };
        let custom = files.iter().find(|(path, _)| path == Path::new(objects::FILE));
        let custom: Value =
            custom.and_then(|(_, text)| serde_json::from_slice(text).ok()).unwrap_or_default();
        let called = |name: &str| objects::called(name, (&one.from.name, &one.to.name), &custom["spec"]);
        let mut secrets: Vec<Secret> = Vec::new();
        let mut maps: Vec<ConfigMap> = Vec::new();
        for (path, text) in files {
            let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            match parts.as_slice() {
                [kind, name, key] if kind == "secrets" => {
                    let name = called(name);
                    if secrets.last().is_none_or(|last| last.metadata.name.as_ref() != Some(&name)) {
                        secrets.push(Secret {
                            metadata: metadata(&name),
                            type_: Some("Opaque".into()),
                            ..Default::default()
                        });
                    }
                    if let Some(last) = secrets.last_mut() {
                        last.data.get_or_insert_default().insert(key.clone(), ByteString(text));
                    }
                }
                [kind, name, key] if kind == "configmaps" => {
                    let name = called(name);
                    if maps.last().is_none_or(|last| last.metadata.name.as_ref() != Some(&name)) {
                        maps.push(ConfigMap { metadata: metadata(&name), ..Default::default() });
                    }
                    if let Some(last) = maps.last_mut() {
                        match String::from_utf8(text) {
                            Ok(text) => last.data.get_or_insert_default().insert(key.clone(), text).map(drop),
                            Err(error) => last
                                .binary_data
                                .get_or_insert_default()
                                .insert(key.clone(), ByteString(error.into_bytes()))
                                .map(drop),
                        };
                    }
                }
                _ => {}
            }
        }
        let client = &self.term.client;
        let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
        for secret in secrets {
            made("Secret", api.create(&PostParams::default(), &secret)).await?;
        }
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
        for map in maps {
            made("ConfigMap", api.create(&PostParams::default(), &map)).await?;
        }
        let Some(kind) = resource(&one.to.kind) else { return Ok(()) };
        let awaits = awaits.then(|| names::holder(self.uid));
        let mut object = objects::restored(&custom, &one.to, &self.restore.spec.mapping, awaits);
        // Only what has it is ever taken away again.
        object["metadata"]["labels"][names::RUN] = self.uid.into();
        if self.drills() {
            // Otherwise what it consists of would stay: volumes, keys.
            object["spec"]["deletionPolicy"] = "Delete".into();
        }
        let object: DynamicObject = serde_json::from_value(object)
            .map_err(|error| Error::Slow { what: format!("{}: {error}", one.from) })?;
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind);
        made(&one.to.kind, api.create(&PostParams::default(), &object)).await
    }
}

/// Creates an object; one of that name that is there stays.
async fn made<T>(kind: &str, request: impl Future<Output = kube::Result<T>>) -> Result<(), Error> {
    match call("create", kind, request).await {
        Ok(_) | Err(Error::Api { code: Some(409), .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
