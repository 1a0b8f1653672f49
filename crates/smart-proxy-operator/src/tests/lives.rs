//! Whole reconciles: a cluster in memory, and an operator that knows only what it reads.

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use reconcile::rehearsal::Rehearsal;
use serde_json::{Value, json};

use super::*;

/// A cluster with a Foreman and its Secrets in it, and a proxy that works for it.
fn begun() -> Rehearsal<SmartProxy> {
    let rehearsal = Rehearsal::new(proxy(MANIFEST));
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = authority.self_signed(&key).unwrap().pem();
    let encoded = |text: &str| {
        use base64::{Engine, engine::general_purpose::STANDARD};
        Value::from(STANDARD.encode(text))
    };
    let add = |name: &str, data: Value| {
        let secret =
            json!({ "kind": "Secret", "apiVersion": "v1", "metadata": { "name": name }, "data": data });
        rehearsal.memory.add(&rehearsal.of("/api/v1", &format!("secrets/{name}")), secret);
    };
    add("myforeman-ca", json!({ "ca.crt": encoded(&certificate), "ca.key": encoded(&key.serialize_pem()) }));
    add("myforeman-server-tls", json!({ "ca.crt": encoded(&certificate) }));
    add("myforeman-oauth", json!({ "key": encoded("k"), "secret": encoded("s") }));
    let status = serde_json::to_value(seen().foreman).unwrap();
    let foreman = json!({ "kind": "Foreman", "apiVersion": "app.theforeman.org/v1alpha1", "metadata": { "name": "myforeman" }, "status": status });
    rehearsal.memory.add(&rehearsal.of("/apis/app.theforeman.org/v1alpha1", "foremans/myforeman"), foreman);
    rehearsal
}

#[tokio::test]
async fn an_install_comes_to_rest_and_is_held_before_anything_outside_can_know_of_it() {
    let rehearsal = begun();
    rehearsal.settle().await.unwrap();
    let proxy = rehearsal.object();
    assert_eq!(proxy.finalizers(), ["app.theforeman.org/registered"]);
    // There is a pod, but nothing answers at its address.
    let status = proxy.status.unwrap();
    let condition =
        |type_: &str| status.conditions.iter().find(|condition| condition.type_ == type_).unwrap();
    assert_eq!(
        (condition("Ready").status.as_str(), condition("Ready").reason.as_str()),
        ("False", "Features")
    );
    assert_eq!(condition("FeaturesReady").reason, "NoAnswer");
    assert_eq!(status.endpoints[0].url, "https://proxy.foreman.svc:8443");
}

#[tokio::test]
async fn what_is_edited_or_deleted_is_put_back_and_nothing_else_is_touched() {
    let rehearsal = begun();
    rehearsal.settle().await.unwrap();
    let deployment = rehearsal.of("/apis/apps/v1", "deployments/proxy-proxy");
    rehearsal.memory.edit(&deployment, |mut object| {
        object["spec"]["replicas"] = 3.into();
        Some(object)
    });
    rehearsal.memory.edit(&rehearsal.of("/api/v1", "services/proxy"), |_| None);
    rehearsal.memory.writes();
    rehearsal.pass().await.unwrap();
    let told = |write: &String| write.contains("/events") || write.ends_with("/status");
    let writes: Vec<_> = rehearsal.memory.writes().into_iter().filter(|write| !told(write)).collect();
    assert_eq!(writes.len(), 2, "{writes:?}");
    assert_eq!(rehearsal.memory.object(&deployment).unwrap()["spec"]["replicas"], 1);
}

#[tokio::test]
async fn new_settings_are_a_new_pod() {
    let rehearsal = begun();
    rehearsal.settle().await.unwrap();
    let deployment = rehearsal.of("/apis/apps/v1", "deployments/proxy-proxy");
    let template = || {
        rehearsal.memory.object(&deployment).unwrap()["spec"]["template"]["metadata"]["annotations"].clone()
    };
    let before = template();
    let path = rehearsal.of("/apis/app.theforeman.org/v1alpha1", "smartproxies/proxy");
    rehearsal.memory.edit(&path, |mut object| {
        object["spec"]["logLevel"] = "Debug".into();
        Some(object)
    });
    rehearsal.settle().await.unwrap();
    assert_ne!(template(), before);
}

#[tokio::test]
async fn certificates_that_were_put_back_are_kept_if_they_come_from_its_foremans_authority_and_are_for_its_name()
 {
    let from = begun();
    from.settle().await.unwrap();
    let at = |of: &Rehearsal<SmartProxy>, name: &str| {
        of.memory.object(&of.of("/api/v1", &format!("secrets/{name}"))).unwrap()
    };
    let path = from.of("/apis/app.theforeman.org/v1alpha1", "smartproxies/proxy");
    for host in ["", "other.example.com"] {
        let to = from.fork();
        to.memory.edit(&path, |mut object| {
            object["metadata"]["uid"] = "00000000-0000-0000-0000-000000000002".into();
            object["status"] = Value::Null;
            if !host.is_empty() {
                object["spec"]["host"] = host.into();
            }
            Some(object)
        });
        for (path, _) in to.memory.objects().into_iter().filter(|(path, _)| path.contains("/proxy")) {
            let certificate = path.ends_with("-tls");
            to.memory.edit(&path, |mut object| {
                // As a backup has it.
                object["metadata"].as_object_mut().unwrap().retain(|key, _| key == "name");
                (certificate || path.contains("/smartproxies/")).then_some(object)
            });
        }
        to.memory.edit(&path, |mut object| {
            object["metadata"]["uid"] = "00000000-0000-0000-0000-000000000002".into();
            object["metadata"]["namespace"] = "foreman".into();
            Some(object)
        });
        to.settle().await.unwrap();
        for name in ["proxy-server-tls", "proxy-client-tls"] {
            let (before, after) = (at(&from, name), at(&to, name));
            assert_eq!(before["data"] == after["data"], host.is_empty(), "{name} for {host}");
            assert_eq!(before["data"]["ca.crt"], after["data"]["ca.crt"]);
            assert_eq!(
                after["metadata"]["ownerReferences"][0]["uid"],
                "00000000-0000-0000-0000-000000000002"
            );
        }
    }
}

#[tokio::test]
async fn other_data_is_another_pod_and_is_acknowledged_when_all_is_up() {
    let rehearsal = begun();
    rehearsal.settle().await.unwrap();
    let deployment = rehearsal.of("/apis/apps/v1", "deployments/proxy-proxy");
    rehearsal.annotate("restore.theforeman.org/data", Some("set-1"));
    rehearsal.settle().await.unwrap();
    let template = rehearsal.memory.object(&deployment).unwrap()["spec"]["template"].clone();
    assert_eq!(template["metadata"]["annotations"]["restore.theforeman.org/data"], "set-1");
    assert_eq!(rehearsal.object().status.unwrap().data, None, "nothing answers here, so it is not up");
}

#[test]
fn a_backup_names_all_that_the_spec_refers_to_and_nothing_of_its_foremans() {
    let proxy = with(ALL, "");
    let backup = SmartProxy::report(&proxy.check(&seen()).unwrap(), &seen(), false).backup.unwrap();
    let mut wanted = proxy.secrets();
    wanted.sort();
    wanted.dedup();
    assert!(backup.secrets == wanted && !wanted.is_empty(), "{:?}", backup.secrets);
    assert!(!backup.secrets.iter().any(|name| name.starts_with("myforeman")), "{:?}", backup.secrets);
}
