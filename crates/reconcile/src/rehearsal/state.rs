//! What is in an API server in memory, and what its requests do to that.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What is in it.
#[derive(Clone, Default)]
pub struct State {
    /// Objects by path.
    pub objects: BTreeMap<String, Value>,
    /// What was applied last, by path.
    applied: BTreeMap<String, Value>,
    version: u64,
    uids: u64,
    /// Every write that was asked for, as `VERB path`.
    pub writes: Vec<String>,
    /// What Jobs say last when they end.
    pub says: String,
    /// Address of pods that start.
    pub address: Option<String>,
    /// So many writes are still carried out; then nobody hears of any.
    pub left: Option<usize>,
    /// Writes are not answered, but for those to Leases.
    pub stalls: bool,
    /// Nothing is served.
    pub down: bool,
    /// Secrets may not be read.
    pub forbidden: bool,
}

impl State {
    pub fn serve(
        &mut self,
        method: &str,
        path: &str,
        labels: &str,
        body: Value,
        apply: bool,
    ) -> (u16, Value) {
        if self.down {
            return (500, refusal(500, "InternalError", "it is down"));
        }
        if self.forbidden && path.contains("/secrets") {
            return (403, refusal(403, "Forbidden", "the operator cannot read secrets"));
        }
        let collection = collection(path);
        match method {
            "GET" if self.objects.contains_key(path) => (200, self.objects[path].clone()),
            "GET" if collection => {
                let items: Vec<_> =
                    self.chosen(path, labels).iter().map(|path| self.objects[path].clone()).collect();
                (200, json!({ "metadata": { "resourceVersion": self.version.to_string() }, "items": items }))
            }
            "GET" => (404, refusal(404, "NotFound", path)),
            _ => {
                if self.left == Some(0) {
                    return (500, refusal(500, "InternalError", "the operator is dead"));
                }
                self.left = self.left.map(|left| left - 1);
                self.writes.push(format!("{method} {path}"));
                if method == "DELETE" && collection {
                    for path in self.chosen(path, labels) {
                        self.delete(&path);
                    }
                    return (200, json!({ "kind": "Status", "apiVersion": "v1", "status": "Success" }));
                }
                self.write(method, path, body, apply)
            }
        }
    }

    /// Paths of the objects of a kind, in a namespace or in all, with this label.
    fn chosen(&self, collection: &str, labels: &str) -> Vec<String> {
        let plural = collection.rsplit('/').next().unwrap_or_default();
        let everywhere = format!("{}/namespaces/", collection.trim_end_matches(plural).trim_end_matches('/'));
        let inside = |path: &str| match path.strip_prefix(collection) {
            Some(rest) => rest.starts_with('/') && rest.matches('/').count() == 1,
            None => path
                .strip_prefix(&everywhere)
                .and_then(|rest| rest.split_once('/'))
                .is_some_and(|(_, rest)| rest.split_once('/').is_some_and(|(kind, _)| kind == plural)),
        };
        let wanted = |object: &Value| match labels.split_once('=') {
            Some((key, value)) => object["metadata"]["labels"][key] == value,
            None => true,
        };
        let found = self.objects.iter().filter(|(path, object)| inside(path) && wanted(object));
        found.map(|(path, _)| path.clone()).collect()
    }

    /// Deletes an object, or lets it wait for its finalizers.
    fn delete(&mut self, path: &str) -> bool {
        let Some(mut gone) = self.objects.remove(path) else { return false };
        if gone["metadata"]["finalizers"].as_array().is_some_and(|all| !all.is_empty()) {
            gone["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
            self.put(path, gone);
        } else {
            self.applied.remove(path);
            self.end(&gone["metadata"]["uid"]);
        }
        true
    }

    /// A pod of a Job or workload, if it has none.
    pub fn pod(&mut self, owner: &str, object: &Value, phase: &str, state: Value) {
        let name = owner.rsplit('/').next().unwrap_or_default();
        let namespace = owner.split('/').skip_while(|part| *part != "namespaces").nth(1).unwrap_or_default();
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}-1");
        if self.objects.contains_key(&path) {
            return;
        }
        let mut labels = object["spec"]["template"]["metadata"]["labels"].clone();
        labels["batch.kubernetes.io/job-name"] = name.into();
        let ready = phase == "Running";
        let container = json!({ "name": "c", "image": "", "imageID": "", "ready": ready, "restartCount": 0, "state": state });
        let condition = json!({ "type": "Ready", "status": if ready { "True" } else { "False" } });
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": format!("{name}-1"), "labels": labels, "ofUid": object["metadata"]["uid"] },
            "status": { "phase": phase, "containerStatuses": [container], "conditions": [condition], "podIP": self.address },
        });
        self.put(&path, pod);
    }

    /// The pods of an object go with it.
    pub fn end(&mut self, uid: &Value) {
        self.objects
            .retain(|_, object| object["metadata"]["ofUid"].is_null() || object["metadata"]["ofUid"] != *uid);
    }

    fn write(&mut self, method: &str, path: &str, body: Value, apply: bool) -> (u16, Value) {
        match method {
            "POST" => {
                let path = format!("{path}/{}", body["metadata"]["name"].as_str().unwrap_or("event"));
                if self.objects.contains_key(&path) {
                    return (409, refusal(409, "AlreadyExists", &path));
                }
                (201, self.put(&path, body))
            }
            "PUT" => match self.objects.remove(path) {
                Some(live) if live["metadata"]["resourceVersion"] == body["metadata"]["resourceVersion"] => {
                    (200, self.put(path, body))
                }
                Some(live) => {
                    self.objects.insert(path.to_owned(), live);
                    (409, refusal(409, "Conflict", path))
                }
                None => (404, refusal(404, "NotFound", path)),
            },
            "DELETE" if self.delete(path) => {
                (200, json!({ "kind": "Status", "apiVersion": "v1", "status": "Success" }))
            }
            "DELETE" => (404, refusal(404, "NotFound", path)),
            _ => {
                let (path, status) = path.strip_suffix("/status").map_or((path, false), |path| (path, true));
                let Some(mut object) = self.objects.remove(path).or_else(|| apply.then(Value::default))
                else {
                    return (404, refusal(404, "NotFound", path));
                };
                let (known, read) =
                    (&object["metadata"]["resourceVersion"], &body["metadata"]["resourceVersion"]);
                if !read.is_null() && known != read {
                    self.objects.insert(path.to_owned(), object);
                    return (409, refusal(409, "Conflict", path));
                }
                let job = object["kind"] == "Job" && !status;
                if job && !unchanged(&object["spec"]["template"], &body["spec"]["template"]) {
                    self.objects.insert(path.to_owned(), object);
                    return (422, refusal(422, "Invalid", "spec.template: field is immutable"));
                }
                if status && !apply {
                    merge(&mut object["status"], &body["status"]);
                } else if status {
                    // All of it is ours: what is no longer stated goes.
                    object["status"] = body["status"].clone();
                } else {
                    merge(&mut object, &body);
                    if apply && let Some(before) = self.applied.insert(path.to_owned(), body.clone()) {
                        release(&mut object, &before, &body);
                    }
                }
                let metadata = &object["metadata"];
                let kept = metadata["finalizers"].as_array().is_some_and(|all| !all.is_empty());
                if !metadata["deletionTimestamp"].is_null() && !kept {
                    return (200, object);
                }
                (200, self.put(path, object))
            }
        }
    }

    /// Stores an object as the API server would, with another version for each change.
    pub fn put(&mut self, path: &str, mut object: Value) -> Value {
        let old = self.objects.get(path);
        let metadata = &mut object["metadata"];
        if metadata["uid"].is_null() {
            self.uids += 1;
            metadata["uid"] = format!("uid-{}", self.uids).into();
        }
        self.version += 1;
        metadata["resourceVersion"] = self.version.to_string().into();
        if metadata["generation"].is_null() {
            metadata["generation"] = 1.into();
        }
        // What has none is of the whole cluster.
        if let Some(namespace) = path.split('/').skip_while(|part| *part != "namespaces").nth(1) {
            metadata["namespace"] = namespace.into();
        }
        debug_assert!(old.is_none(), "an object is taken out before it is put back");
        self.objects.insert(path.to_owned(), object.clone());
        object
    }
}

/// Whether a path is that of all objects of a kind: `/api/v1/...` or `/apis/<group>/<version>/...`, with a namespace or without.
fn collection(path: &str) -> bool {
    let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
    let rest = if parts[0] == "api" { parts.get(2..) } else { parts.get(3..) };
    let rest = rest.unwrap_or_default();
    let inside = if let ["namespaces", _, inside @ ..] = rest { inside } else { rest };
    inside.len() == 1
}

/// A Job with a pod that is asked whether it is ready does not end by itself.
pub fn stays(job: &Value) -> bool {
    !job["spec"]["template"]["spec"]["containers"][0]["readinessProbe"].is_null()
}

/// Whether applying this changes nothing.
fn unchanged(live: &Value, applied: &Value) -> bool {
    let mut merged = live.clone();
    merge(&mut merged, applied);
    applied.is_null() || merged == *live
}

/// What was stated before and is no longer goes.
fn release(object: &mut Value, before: &Value, now: &Value) {
    let (Some(object), Some(before)) = (object.as_object_mut(), before.as_object()) else { return };
    for (key, before) in before {
        match (object.get_mut(key), &now[key]) {
            (Some(_), Value::Null) => drop(object.remove(key)),
            (Some(value), now) => release(value, before, now),
            (None, _) => {}
        }
    }
}

fn refusal(code: u16, reason: &str, message: &str) -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message })
}

/// What a server-side apply by the only manager comes to: stated fields win, lists are replaced.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                if value.is_null() {
                    into.remove(key);
                } else {
                    merge(into.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (into, from) => *into = from.clone(),
    }
}
