//! What is somebody else's in a story's namespace: pods that no operator knows, and certificates of an authority that nobody trusts.

use k8s_openapi::api::core::v1::{Pod, Service};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::{
    LONG,
    story::{Life, Served},
    wait,
};

/// Certificate of a new authority, and certificate and key of a server with these names.
pub fn certificates(servers: &[String]) -> (String, String, String) {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "Authority of somebody else");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let own = authority.self_signed(&key).expect("an authority").pem();
    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(servers).expect("names").signed_by(&key, &issuer);
    (own, leaf.expect("a certificate").pem(), key.serialize_pem())
}

impl<K: Served> Life<K> {
    /// Host name of a Service in the story's namespace.
    pub fn host(&self, service: &str) -> String {
        format!("{service}.{}.svc", self.namespace)
    }

    /// A pod and its Service, both of this name; ready when this returns. Volumes are given by the path at which they are mounted.
    pub async fn bystander(
        &self,
        name: &str,
        user: i64,
        port: u16,
        mut container: Value,
        volumes: &[(&str, Value)],
    ) {
        let volume = |at: usize| format!("volume{at}");
        let mounts = volumes.iter().enumerate();
        let mounts = mounts.map(|(at, (path, _))| json!({ "name": volume(at), "mountPath": path }));
        container["name"] = name.into();
        container["volumeMounts"] = mounts.collect();
        container["securityContext"] = json!({ "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"] } });
        let volumes = volumes.iter().enumerate().map(|(at, (_, source))| {
            let mut volume = json!({ "name": volume(at) });
            volume.as_object_mut().expect("a volume").extend(source.as_object().expect("a source").clone());
            volume
        });
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "labels": { "app": name } },
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "securityContext": { "runAsNonRoot": true, "runAsUser": user, "fsGroup": user, "seccompProfile": { "type": "RuntimeDefault" } },
                "containers": [container], "volumes": volumes.collect::<Value>(),
            },
        });
        let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": name },
            "spec": { "selector": { "app": name }, "ports": [{ "port": port }] } });
        self.apply::<Service>(name, &service).await;
        self.apply::<Pod>(name, &pod).await;
        wait(LONG, &format!("pod {name} is ready"), async || {
            let pod: Pod = self.api().get(name).await.map_err(|error| error.to_string())?;
            let status = pod.status.unwrap_or_default();
            let mut conditions = status.conditions.iter().flatten();
            if conditions.any(|it| it.type_ == "Ready" && it.status == "True") {
                return Ok(());
            }
            Err(format!("{status:?}"))
        })
        .await;
    }
}
