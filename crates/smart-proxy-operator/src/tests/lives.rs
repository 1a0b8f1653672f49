//! Whole reconciles: a cluster in memory, a proxy and a Foreman outside of it, and an operator that knows only what it reads.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use reconcile::{Status, rehearsal::Rehearsal};
use serde_json::{Value, json};

use super::{fake::Fake, *};

/// A cluster with a Foreman and its Secrets in it, and a proxy that works for it; what pods and Foreman answer comes from `fake`.
pub fn begun(fake: &Fake) -> Rehearsal<SmartProxy> {
    let mut manifest = proxy(MANIFEST);
    manifest.spec.port = fake.port.into();
    manifest.spec.modules = with("{bmc: {}}", "").spec.modules;
    let rehearsal = Rehearsal::new(manifest);
    let encoded = |text: &str| Value::from(STANDARD.encode(text));
    let add = |name: &str, data: Value| {
        let secret =
            json!({ "kind": "Secret", "apiVersion": "v1", "metadata": { "name": name }, "data": data });
        rehearsal.memory.add(&rehearsal.of("/api/v1", &format!("secrets/{name}")), secret);
    };
    let (certificate, key) = &fake.authority;
    add("myforeman-ca", json!({ "ca.crt": encoded(certificate), "ca.key": encoded(key) }));
    add("myforeman-server-tls", json!({ "ca.crt": encoded(certificate) }));
    add("myforeman-oauth", json!({ "key": encoded("k"), "secret": encoded("s") }));
    let status = serde_json::to_value(fake.seen().foreman).unwrap();
    let foreman = json!({ "kind": "Foreman", "apiVersion": "app.theforeman.org/v1alpha1", "metadata": { "name": "myforeman" }, "status": status });
    rehearsal.memory.add(&rehearsal.of("/apis/app.theforeman.org/v1alpha1", "foremans/myforeman"), foreman);
    rehearsal.memory.pods_at("127.0.0.1");
    rehearsal
}

/// The pods of this cluster show what its Secret holds.
pub fn serves(fake: &Fake, rehearsal: &Rehearsal<SmartProxy>) {
    serves_from(fake, rehearsal, "proxy-server-tls");
}

fn serves_from(fake: &Fake, rehearsal: &Rehearsal<SmartProxy>, secret: &str) {
    let (memory, path) = (rehearsal.memory.clone(), rehearsal.of("/api/v1", &format!("secrets/{secret}")));
    fake.pod_shows(move || {
        let secret = memory.object(&path)?;
        let text = |key: &str| {
            let value = STANDARD.decode(secret["data"][key].as_str()?).ok()?;
            String::from_utf8(value).ok()
        };
        Some((text("tls.crt")?, text("tls.key")?))
    });
}

pub async fn installed(fake: &Fake) -> Rehearsal<SmartProxy> {
    let rehearsal = begun(fake);
    serves(fake, &rehearsal);
    rehearsal.settle().await.unwrap();
    rehearsal
}

pub fn deployment(rehearsal: &Rehearsal<SmartProxy>) -> String {
    rehearsal.of("/apis/apps/v1", "deployments/proxy-proxy")
}

pub fn itself(rehearsal: &Rehearsal<SmartProxy>) -> String {
    rehearsal.of("/apis/app.theforeman.org/v1alpha1", "smartproxies/proxy")
}

pub fn condition<'a>(status: &'a Status, type_: &str) -> (&'a str, &'a str) {
    let found = status.conditions.iter().find(|condition| condition.type_ == type_);
    found.map_or(("", ""), |it| (it.status.as_str(), it.reason.as_str()))
}

/// What is in the cluster, but for Events.
fn shape(rehearsal: &Rehearsal<SmartProxy>) -> Vec<String> {
    rehearsal.memory.objects().into_keys().filter(|path| !path.contains("/events/")).collect()
}

#[tokio::test]
async fn an_install_comes_to_rest_ready_and_registered_and_then_nothing_is_written() {
    let fake = Fake::start().await;
    let rehearsal = installed(&fake).await;
    let proxy = rehearsal.object();
    assert_eq!(proxy.finalizers(), ["app.theforeman.org/registered"]);
    let status = proxy.status.unwrap();
    assert!(status.is("Ready") && status.is("Registered") && status.is("FeaturesReady"), "{status:#?}");
    assert_eq!(status.endpoints[0].url, format!("https://proxy.foreman.svc:{}", fake.port));
    assert_eq!(std::mem::take(&mut fake.world().writes), ["POST /smart_proxies"]);

    rehearsal.memory.writes();
    for _ in 0..3 {
        rehearsal.pass().await.unwrap();
    }
    assert_eq!(rehearsal.memory.writes(), [""; 0]);
    assert_eq!(fake.world().writes, [""; 0]);
}

#[tokio::test]
async fn it_is_held_before_anything_outside_can_know_of_it() {
    let fake = Fake::start().await;
    let rehearsal = begun(&fake);
    // There is a pod, but it shows a certificate that nobody has given it.
    rehearsal.settle().await.unwrap();
    let proxy = rehearsal.object();
    assert_eq!(proxy.finalizers(), ["app.theforeman.org/registered"]);
    let status = proxy.status.unwrap();
    assert_eq!(condition(&status, "Ready"), ("False", "Features"));
    assert_eq!(condition(&status, "FeaturesReady"), ("False", "NoAnswer"));
    assert_eq!(fake.world().writes, [""; 0]);
}

#[tokio::test]
async fn death_after_any_write_leads_to_the_same_end_and_to_one_registration() {
    let fake = Fake::start().await;
    let wanted = shape(&installed(&fake).await);
    fake.world().known.clear();
    fake.world().writes.clear();
    let dying = begun(&fake);
    let mut deaths = 0;
    loop {
        let outside = fake.world().clone();
        let heir = dying.fork();
        serves(&fake, &heir);
        heir.settle().await.unwrap();
        assert_eq!(shape(&heir), wanted, "after death at write {deaths}");
        assert!(heir.object().status.unwrap().is("Ready"), "after death at write {deaths}");
        assert_eq!(fake.world().known.len(), 1, "after death at write {deaths}");
        *fake.world() = outside;
        serves(&fake, &dying);
        dying.memory.die_after(Some(1));
        let died = dying.pass().await.is_err();
        dying.memory.die_after(None);
        if dying.memory.writes().is_empty() {
            break;
        }
        deaths += 1;
        if !died {
            dying.memory.settle();
        }
    }
    assert!(deaths >= wanted.len() - 5, "{deaths} deaths for {wanted:?}");
    let posts = fake.world().writes.iter().filter(|write| write.starts_with("POST")).count();
    assert_eq!(posts, 1, "whoever dies right after a registration finds it again");
}

#[tokio::test]
async fn what_is_edited_or_deleted_is_put_back_and_nothing_else_is_touched() {
    let fake = Fake::start().await;
    let rehearsal = installed(&fake).await;
    rehearsal.memory.edit(&deployment(&rehearsal), |mut object| {
        object["spec"]["replicas"] = 3.into();
        Some(object)
    });
    rehearsal.memory.edit(&rehearsal.of("/api/v1", "services/proxy"), |_| None);
    rehearsal.memory.writes();
    rehearsal.pass().await.unwrap();
    let told = |write: &String| write.contains("/events") || write.ends_with("/status");
    let writes: Vec<_> = rehearsal.memory.writes().into_iter().filter(|write| !told(write)).collect();
    assert_eq!(writes.len(), 2, "{writes:?}");
    assert_eq!(rehearsal.memory.object(&deployment(&rehearsal)).unwrap()["spec"]["replicas"], 1);
}

/// Annotations of the pod template: a new one is a new pod.
fn template(rehearsal: &Rehearsal<SmartProxy>) -> Value {
    rehearsal.memory.object(&deployment(rehearsal)).unwrap()["spec"]["template"]["metadata"]["annotations"]
        .clone()
}

#[tokio::test]
async fn new_settings_and_new_certificates_are_a_new_pod_each_and_none_is_a_new_registration() {
    let fake = Fake::start().await;
    let rehearsal = installed(&fake).await;
    let first = template(&rehearsal);
    rehearsal.memory.edit(&itself(&rehearsal), |mut object| {
        object["spec"]["logLevel"] = "Debug".into();
        Some(object)
    });
    rehearsal.settle().await.unwrap();
    let second = template(&rehearsal);
    assert_ne!(second, first);
    rehearsal.memory.edit(&rehearsal.of("/api/v1", "secrets/proxy-server-tls"), |_| None);
    rehearsal.settle().await.unwrap();
    assert_ne!(template(&rehearsal), second);
    // Foreman looks whether it trusts the new one.
    assert_eq!(fake.world().writes, ["POST /smart_proxies", "PUT /smart_proxies/8/refresh"]);
    assert!(rehearsal.object().status.unwrap().is("Ready"));
}

#[tokio::test]
async fn what_changes_in_foreman_is_mended_there_and_nothing_is_written_here_but_the_status() {
    let fake = Fake::start().await;
    let rehearsal = installed(&fake).await;
    rehearsal.memory.writes();
    fake.world().writes.clear();
    fake.world().known.clear();
    rehearsal.settle().await.unwrap();
    assert_eq!(std::mem::take(&mut fake.world().writes), ["POST /smart_proxies"]);
    // Away for a day: said, and nothing more.
    fake.world().instead = Some((503, json!({})));
    rehearsal.settle().await.unwrap();
    let status = rehearsal.object().status.unwrap();
    assert!(status.is("Ready"));
    assert_eq!(condition(&status, "Registered"), ("True", "ForemanAway"));
    assert_eq!(
        condition(&status, "VersionsMatch"),
        ("True", "Same"),
        "what cannot be asked stays as it was said"
    );
    let others = |write: &String| !write.contains("/events") && !write.ends_with("/status");
    assert_eq!(rehearsal.memory.writes().into_iter().filter(others).collect::<Vec<_>>(), [""; 0]);
    assert_eq!(fake.world().writes, [""; 0]);
}

#[tokio::test]
async fn one_that_is_deleted_waits_for_whoever_uses_it_and_then_goes() {
    let fake = Fake::start().await;
    let rehearsal = installed(&fake).await;
    rehearsal.memory.edit(&itself(&rehearsal), |mut object| {
        object["metadata"]["deletionTimestamp"] = Timestamp::now().to_string().into();
        Some(object)
    });
    fake.world().instead =
        Some((422, json!({ "error": { "errors": { "base": ["proxy is used by lan"] } } })));
    rehearsal.pass().await.unwrap();
    let proxy = rehearsal.object();
    assert_eq!(proxy.finalizers(), ["app.theforeman.org/registered"]);
    assert_eq!(condition(&proxy.status.unwrap(), "DeregistrationBlocked"), ("True", "Refused"));
    fake.world().instead = None;
    rehearsal.pass().await.unwrap();
    assert_eq!(rehearsal.object().finalizers(), [""; 0]);
    assert_eq!(fake.world().known, [Value::Null; 0]);
}

#[tokio::test]
async fn in_a_namespace_that_is_deleted_rights_may_go_first_and_it_goes_all_the_same() {
    let fake = Fake::start().await;
    let rehearsal = installed(&fake).await;
    let deleted = |seconds: i64| {
        let at = Timestamp::now() - jiff::SignedDuration::from_secs(seconds);
        rehearsal.memory.edit(&itself(&rehearsal), |mut object| {
            object["metadata"]["deletionTimestamp"] = at.to_string().into();
            Some(object)
        });
    };
    rehearsal.memory.forbid(true);
    deleted(10);
    // They might come back.
    assert!(rehearsal.pass().await.is_err());
    assert_eq!(rehearsal.object().finalizers(), ["app.theforeman.org/registered"]);
    deleted(180);
    rehearsal.pass().await.unwrap();
    assert_eq!(rehearsal.object().finalizers(), [""; 0]);
    assert_eq!(fake.world().known.len(), 1, "nobody could take it out");
}

#[tokio::test]
async fn nothing_runs_before_cert_manager_has_issued_and_then_all_of_it_does() {
    let fake = Fake::start().await;
    let rehearsal = begun(&fake);
    serves_from(&fake, &rehearsal, "proxy-tls");
    rehearsal.memory.edit(&itself(&rehearsal), |mut object| {
        object["spec"]["certificates"] = json!({ "certManager": { "issuer": { "name": "foreman-ca" } } });
        Some(object)
    });
    let status = rehearsal.pass().await.unwrap();
    assert_eq!(condition(&status, "Ready"), ("False", "Certificates"));
    let waits = status
        .conditions
        .iter()
        .any(|it| it.message.starts_with("Certificate proxy-tls: cert-manager has not"));
    assert!(waits, "{:#?}", status.conditions);
    let made = |rehearsal: &Rehearsal<SmartProxy>| rehearsal.memory.object(&deployment(rehearsal)).is_some();
    assert!(!made(&rehearsal));

    let issued = super::certificates::lasting("proxy.foreman.svc");
    let encode = |(key, value): (&String, &Vec<u8>)| (key.clone(), STANDARD.encode(value).into());
    let data: serde_json::Map<_, Value> = issued.iter().map(encode).collect();
    let secret =
        json!({ "kind": "Secret", "apiVersion": "v1", "metadata": { "name": "proxy-tls" }, "data": data });
    rehearsal.memory.add(&rehearsal.of("/api/v1", "secrets/proxy-tls"), secret);
    rehearsal.memory.settle();
    rehearsal.settle().await.unwrap();
    let status = rehearsal.object().status.unwrap();
    assert!(made(&rehearsal) && status.is("Ready") && status.is("Registered"), "{:#?}", status.conditions);
    // The Secret is cert-manager's: it is not ours to take away.
    rehearsal.memory.edit(&itself(&rehearsal), |mut object| {
        object["spec"].as_object_mut().unwrap().remove("certificates");
        Some(object)
    });
    serves(&fake, &rehearsal);
    rehearsal.settle().await.unwrap();
    let left = shape(&rehearsal);
    assert!(!left.iter().any(|path| path.contains("/certificates/")), "{left:#?}");
    assert!(left.iter().any(|path| path.ends_with("/secrets/proxy-tls")), "{left:#?}");
}
