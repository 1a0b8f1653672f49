//! An API server in memory: enough of one to apply objects to, count its requests, and fail any of them.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::body::{Body, Bytes};
use kube::Client;
use serde_json::{Value, json};

use super::state::{State, stays};

/// An API server in memory.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<State>>);

impl Memory {
    /// A client of it.
    pub fn client(&self) -> Client {
        let memory = self.clone();
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let memory = memory.clone();
            async move { Ok::<_, Infallible>(memory.answer(request).await) }
        });
        Client::new(service, "default")
    }

    /// Another server with the same in it.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self(Arc::new(Mutex::new(self.state(|state| state.clone()))))
    }

    fn state<T>(&self, ask: impl FnOnce(&mut State) -> T) -> T {
        ask(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The writes since the last time.
    pub fn writes(&self) -> Vec<String> {
        self.state(|state| std::mem::take(&mut state.writes))
    }

    /// What Jobs that end from now on say last.
    pub fn says(&self, last: &str) {
        self.state(|state| last.clone_into(&mut state.says));
    }

    /// Where pods that start from now on are reached; nowhere if nothing is said.
    pub fn pods_at(&self, address: &str) {
        self.state(|state| state.address = Some(address.into()));
    }

    /// Carries out so many writes and then fails all, as if the operator had died at that point; `None`: never.
    pub fn die_after(&self, writes: Option<usize>) {
        self.state(|state| state.left = writes);
    }

    /// Lets writes wait for their answer, but for those to Leases, until it is told otherwise.
    pub fn stall(&self, stalls: bool) {
        self.state(|state| state.stalls = stalls);
    }

    /// Serves nothing until it is told otherwise.
    pub fn refuse(&self, down: bool) {
        self.state(|state| state.down = down);
    }

    /// Lets nobody read Secrets until it is told otherwise.
    pub fn forbid(&self, forbidden: bool) {
        self.state(|state| state.forbidden = forbidden);
    }

    /// All objects but pods: those are the cluster's own.
    pub fn objects(&self) -> BTreeMap<String, Value> {
        let mut objects = self.state(|state| state.objects.clone());
        objects.retain(|path, _| !path.contains("/pods/"));
        objects
    }

    /// One object.
    pub fn object(&self, path: &str) -> Option<Value> {
        self.state(|state| state.objects.get(path).cloned())
    }

    /// Changes an object behind the operator's back; `None` deletes it. A change of the spec is another generation.
    pub fn edit(&self, path: &str, edit: impl FnOnce(Value) -> Option<Value>) {
        self.state(|state| {
            let Some(before) = state.objects.remove(path) else { return };
            let spec = before["spec"].clone();
            let generation = before["metadata"]["generation"].as_i64().unwrap_or_default();
            let Some(mut edited) = edit(before) else { return };
            if edited["spec"] != spec {
                edited["metadata"]["generation"] = (generation + 1).into();
            }
            state.put(path, edited);
        });
    }

    /// Adds an object as a user would.
    pub fn add(&self, path: &str, object: Value) -> Value {
        self.state(|state| state.put(path, object))
    }

    /// Lets the cluster do its part: workloads become ready, Jobs end well, but for those that are asked whether they are ready.
    /// Says whether anything came of it.
    pub fn settle(&self) -> bool {
        let before = self.statuses();
        self.state(|state| {
            let paths: Vec<_> = state.objects.keys().cloned().collect();
            for path in paths {
                let Some(mut object) = state.objects.remove(&path) else { continue };
                let (generation, wanted) = (object["metadata"]["generation"].clone(), object["spec"]["replicas"].clone());
                let status = match object["kind"].as_str() {
                    Some("Deployment" | "StatefulSet") => {
                        json!({ "observedGeneration": generation, "replicas": wanted, "readyReplicas": wanted, "updatedReplicas": wanted })
                    }
                    Some("Job") if stays(&object) => object["status"].clone(),
                    Some("Job") => json!({ "conditions": [{ "type": "Complete", "status": "True" }], "succeeded": 1 }),
                    Some("Service") if object["spec"]["type"] == "LoadBalancer" => {
                        json!({ "loadBalancer": { "ingress": [{ "ip": "192.0.2.1" }] } })
                    }
                    Some("HTTPRoute" | "TLSRoute") => json!({ "parents": [{ "conditions": [{ "type": "Accepted", "status": "True" }] }] }),
                    Some("Certificate") => {
                        json!({ "conditions": [{ "type": "Ready", "status": "True", "observedGeneration": generation }] })
                    }
                    Some("Route") => json!({ "ingress": [{ "conditions": [{ "type": "Admitted", "status": "True" }] }] }),
                    _ => object["status"].clone(),
                };
                if !status.is_null() {
                    object["status"] = status;
                }
                match object["kind"].as_str() {
                    Some("Job") if stays(&object) => {
                        state.pod(&path, &object, "Running", json!({ "running": {} }));
                    }
                    Some("Job") => {
                        let ended = json!({ "terminated": { "exitCode": 0, "message": state.says } });
                        state.pod(&path, &object, "Succeeded", ended);
                    }
                    Some("Deployment" | "StatefulSet") if wanted == 0 => state.end(&object["metadata"]["uid"]),
                    Some("Deployment" | "StatefulSet") => {
                        state.pod(&path, &object, "Running", json!({ "running": {} }));
                    }
                    _ => {}
                }
                state.put(&path, object);
            }
        });
        self.statuses() != before
    }

    fn statuses(&self) -> BTreeMap<String, Value> {
        self.objects().into_iter().map(|(path, mut object)| (path, object["status"].take())).collect()
    }

    async fn answer(&self, request: http::Request<kube::client::Body>) -> http::Response<Body> {
        let (parts, body) = request.into_parts();
        let body: Value = body
            .collect_bytes()
            .await
            .ok()
            .and_then(|body| serde_json::from_slice(&body).ok())
            .unwrap_or_default();
        let query = parts.uri.query().unwrap_or_default();
        if query.contains("watch=true") {
            // Nothing ever happens: a rehearsal reads the world anew at each pass.
            let silence = futures::stream::pending::<Result<Bytes, std::io::Error>>();
            return http::Response::new(Body::from_stream(silence));
        }
        let path = parts.uri.path().to_owned();
        let labels = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("labelSelector="))
            .unwrap_or_default()
            .replace("%3D", "=")
            .replace("%2F", "/");
        while parts.method != http::Method::GET
            && !path.contains("/leases")
            && self.state(|state| state.stalls)
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let apply = query.contains("force=true");
        let (code, answer) =
            self.state(|state| state.serve(parts.method.as_str(), &path, &labels, body, apply));
        let answer = serde_json::to_vec(&answer).unwrap_or_default();
        let mut response = http::Response::new(Body::from(answer));
        *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
        response
    }
}
