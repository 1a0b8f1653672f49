//! A manifest is changed: what it no longer asks for goes, what it asks for besides comes, and all else stays as it is.

use base64::{Engine, engine::general_purpose::STANDARD};
use reconcile::rehearsal::Rehearsal;
use serde_json::{Value, json};

use super::*;

fn fresh(spec: &Value) -> Rehearsal<Pulp> {
    let mut manifest = serde_json::to_value(pulp(MANIFEST)).unwrap();
    change(&mut manifest["spec"], spec);
    let rehearsal = Rehearsal::new(serde_json::from_value(manifest).unwrap());
    rehearsal.memory.says(r#"{"versions": {"core": "1"}, "gates": []}"#);
    rehearsal
}

async fn installed(spec: &Value) -> Rehearsal<Pulp> {
    let rehearsal = fresh(spec);
    rehearsal.settle().await.unwrap();
    rehearsal
}

fn change(into: &mut Value, fields: &Value) {
    for (key, value) in fields.as_object().unwrap() {
        into[key] = value.clone();
    }
}

/// Changes fields of the spec, and lets the operator come to rest.
async fn edited(rehearsal: &Rehearsal<Pulp>, fields: Value) {
    rehearsal.memory.edit(
        &rehearsal.of("/apis/app.theforeman.org/v1alpha1", "pulps/mypulp"),
        |mut object| {
            change(&mut object["spec"], &fields);
            Some(object)
        },
    );
    rehearsal.settle().await.unwrap();
    let status = rehearsal.object().status.unwrap();
    assert!(status.is("Ready"), "{fields}: {status:#?}");
}

fn there(rehearsal: &Rehearsal<Pulp>, api: &str, name: &str) -> Value {
    let path = rehearsal.of(api, name);
    rehearsal.memory.object(&path).unwrap_or_else(|| panic!("no {path}"))
}

/// Paths of all that serves, without what is remembered: Secrets, Jobs, Events.
fn serves(rehearsal: &Rehearsal<Pulp>) -> Vec<String> {
    let remembered =
        |path: &String| ["/secrets/", "/jobs/", "/events/"].iter().any(|kind| path.contains(kind));
    rehearsal.memory.objects().into_keys().filter(|path| !remembered(path)).collect()
}

#[tokio::test]
async fn from_any_exposure_to_any_other_without_a_trace_of_the_one_before() {
    let types = ["ClusterIP", "NodePort", "LoadBalancer", "Ingress", "Gateway", "Route", "None"];
    let exposure = |type_: &str| match type_ {
        "Gateway" => {
            json!({ "ingress": { "type": type_, "host": "pulp.example.com", "gateway": { "name": "front" } } })
        }
        "Ingress" | "Route" => json!({ "ingress": { "type": type_, "host": "pulp.example.com" } }),
        _ => json!({ "ingress": { "type": type_ } }),
    };
    // Drawn once for all: that takes seconds.
    let authority = installed(&exposure("ClusterIP")).await;
    let authority = there(&authority, "/api/v1", "secrets/mypulp-ca");
    let mut all = vec![];
    for type_ in types {
        let pulp = fresh(&exposure(type_));
        pulp.memory.add(&pulp.of("/api/v1", "secrets/mypulp-ca"), authority.clone());
        pulp.settle().await.unwrap();
        all.push(pulp);
    }
    for (from, before) in types.iter().zip(&all) {
        for (to, wanted) in types.iter().zip(&all) {
            let pulp = before.fork();
            edited(&pulp, exposure(to)).await;
            assert_eq!(serves(&pulp), serves(wanted), "from {from} to {to}");
            if let Some(service) = pulp.memory.object(&pulp.of("/api/v1", "services/mypulp")) {
                assert_eq!(service["spec"]["type"], *to, "from {from} to {to}");
            }
        }
    }
}

#[tokio::test]
async fn somebody_elses_cache_takes_the_place_of_the_own_and_gives_it_back() {
    let pulp = installed(&json!({})).await;
    let (own, key) = (serves(&pulp), there(&pulp, "/api/v1", "secrets/mypulp-cache")["data"].clone());
    let url = |pulp: &Rehearsal<Pulp>| {
        let settings = there(pulp, "/api/v1", "secrets/mypulp-settings")["data"]["settings.py"].clone();
        let text = String::from_utf8(STANDARD.decode(settings.as_str().unwrap()).unwrap()).unwrap();
        text.lines().find(|line| line.starts_with("REDIS_URL")).map(str::to_owned)
    };
    edited(&pulp, json!({ "cache": { "external": { "host": "redis.example.com" } } })).await;
    let gone: Vec<_> = own.iter().filter(|path| !serves(&pulp).contains(path)).collect();
    assert_eq!(gone.len(), 2, "Deployment and Service: {gone:?}");
    assert!(gone.iter().all(|path| path.ends_with("/mypulp-cache")), "{gone:?}");
    assert!(url(&pulp).unwrap().starts_with("REDIS_URL = \"redis://redis.example.com:6379/0?"));
    edited(&pulp, json!({ "cache": { "enabled": false } })).await;
    assert_eq!(url(&pulp), None);
    edited(&pulp, json!({ "cache": {} })).await;
    assert_eq!(serves(&pulp), own);
    assert!(url(&pulp).unwrap().contains("@mypulp-cache.content.svc:6379/0"));
    assert_eq!(there(&pulp, "/api/v1", "secrets/mypulp-cache")["data"], key);
}

#[tokio::test]
async fn volumes_grow_and_nothing_restarts() {
    let pulp = installed(&json!({})).await;
    let size = |claim: &str| {
        let claim = there(&pulp, "/api/v1", &format!("persistentvolumeclaims/{claim}"));
        claim["spec"]["resources"]["requests"]["storage"].as_str().unwrap().to_owned()
    };
    assert_eq!([size("mypulp-file-storage"), size("mypulp-database")], ["10Gi", "20Gi"]);
    let before = pulp.memory.objects();
    let database = json!({ "embedded": { "volume": { "size": "30Gi" } } });
    edited(&pulp, json!({ "storage": { "file": { "size": "15Gi" } }, "database": database })).await;
    assert_eq!([size("mypulp-file-storage"), size("mypulp-database")], ["15Gi", "30Gi"]);
    for (path, object) in pulp.memory.objects() {
        if path.contains("/deployments/") || path.contains("/statefulsets/") {
            assert_eq!(object["spec"], before[&path]["spec"], "{path}");
        }
    }
}

#[tokio::test]
async fn labels_and_annotations_of_what_clients_reach_arrive_later_too() {
    for (type_, api, path) in [
        ("LoadBalancer", "/api/v1", "services/mypulp"),
        ("Ingress", "/apis/networking.k8s.io/v1", "ingresses/mypulp"),
        ("Route", "/apis/route.openshift.io/v1", "routes/mypulp-pulp-content"),
    ] {
        let ingress = |value: &str| json!({ "ingress": { "type": type_, "host": "pulp.example.com", "labels": { "l": value }, "annotations": { "a": value } } });
        let pulp = installed(&ingress("first")).await;
        edited(&pulp, ingress("later")).await;
        let metadata = there(&pulp, api, path)["metadata"].clone();
        assert_eq!(
            (&metadata["labels"]["l"], &metadata["annotations"]["a"]),
            (&json!("later"), &json!("later")),
            "{type_}"
        );
    }
}

#[tokio::test]
async fn keys_that_are_there_beforehand_are_used_and_nothing_is_written_into_the_spec() {
    let pulp = fresh(&json!({}));
    let spec = serde_json::to_value(pulp.object().spec).unwrap();
    let brought: [(&str, &[&str]); 4] = [
        ("mypulp-secret-key", &["secret_key"]),
        ("mypulp-db-fields-encryption", &["database_fields.symmetric.key"]),
        ("mypulp-admin-password", &["password"]),
        ("mypulp-container-auth", &["container_auth_private_key.pem", "container_auth_public_key.pem"]),
    ];
    let mine = |name: &str, keys: &[&str]| -> Value {
        let value = STANDARD.encode(format!("mine of {name}"));
        keys.iter()
            .map(|key| ((*key).to_owned(), value.clone().into()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    for (name, keys) in brought {
        let type_ = if keys == ["password"] { "kubernetes.io/basic-auth" } else { "Opaque" };
        let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "type": type_, "data": mine(name, keys) });
        pulp.memory.add(&pulp.of("/api/v1", &format!("secrets/{name}")), secret);
    }
    pulp.settle().await.unwrap();
    assert!(pulp.object().status.unwrap().is("Ready"));
    for (name, keys) in brought {
        let secret = there(&pulp, "/api/v1", &format!("secrets/{name}"));
        assert_eq!(secret["data"], mine(name, keys), "{name}");
        assert_eq!(secret["metadata"]["ownerReferences"], Value::Null, "{name}");
    }
    let settings = there(&pulp, "/api/v1", "secrets/mypulp-settings")["data"]["settings.py"].clone();
    let settings = String::from_utf8(STANDARD.decode(settings.as_str().unwrap()).unwrap()).unwrap();
    assert!(settings.contains("SECRET_KEY = \"mine of mypulp-secret-key\""), "{settings}");
    assert_eq!(serde_json::to_value(pulp.object().spec).unwrap(), spec);
}
