//! What is done outside the API server, against a proxy and a Foreman that say what the test wants.

use reconcile::{Leave, Outside};
use serde_json::json;

use super::{fake::Fake, *};
use crate::outside::{leave, reach};

fn manifest(fake: &Fake, more: &str) -> SmartProxy {
    with("{bmc: {}}", &format!(", port: {}{more}", fake.port))
}

/// One look, with what earlier ones remembered; it remembers too.
async fn look(proxy: &SmartProxy, seen: &mut Observed) -> Outside {
    let Ok(checked) = proxy.check(seen) else { panic!("a manifest without faults") };
    let outside = reach(&checked, seen).await;
    seen.status.achieved.extend(outside.achieved.clone());
    seen.status.achieved.reverse();
    seen.status.achieved.truncate(1);
    outside
}

fn said<'a>(outside: &'a Outside, type_: &str) -> (bool, &'a str, &'a str) {
    let found = outside.conditions.iter().find(|news| news.type_ == type_);
    let news = found.unwrap_or_else(|| panic!("no {type_}: {:?}", outside.conditions));
    (news.status, news.reason, news.message.as_str())
}

fn writes(fake: &Fake) -> Vec<String> {
    std::mem::take(&mut fake.world().writes)
}

#[tokio::test]
async fn a_proxy_is_registered_once_and_told_of_only_when_something_changes() {
    let fake = Fake::start().await;
    let (proxy, mut seen) = (manifest(&fake, ""), fake.seen());
    let first = look(&proxy, &mut seen).await;
    assert_eq!(first.waiting, None, "{:?}", first.conditions);
    let (status, reason, message) = said(&first, "Registered");
    assert!(status && reason == "Registered" && message.contains("with Logs"), "{message}");
    assert_eq!(said(&first, "FeaturesReady").1, "Running");
    assert_eq!(said(&first, "VersionsMatch").1, "Same", "5.0.1 and 5.0.0 are of one release");
    assert_eq!(writes(&fake), ["POST /smart_proxies"]);

    look(&proxy, &mut seen).await;
    assert_eq!(writes(&fake), [""; 0]);

    let more = json!({ "state": "running", "capabilities": ["x"], "settings": {} });
    fake.world().features["dns"] = more;
    look(&proxy, &mut seen).await;
    assert_eq!(writes(&fake), ["PUT /smart_proxies/8/refresh"]);

    fake.world().known.clear();
    look(&proxy, &mut seen).await;
    assert_eq!(writes(&fake), ["POST /smart_proxies"], "deleted by hand");

    fake.world().known[0]["url"] = "https://elsewhere:8443".into();
    look(&proxy, &mut seen).await;
    assert_eq!(writes(&fake).len(), 1, "edited by hand");
    assert_eq!(fake.world().known[0]["url"], format!("https://p.n.svc:{}", fake.port));
}

#[tokio::test]
async fn a_module_that_fails_is_named_with_its_field_and_reason_and_stops_nothing_else() {
    let fake = Fake::start().await;
    fake.world().features["bmc"]["state"] = "failed".into();
    fake.world().reasons = json!({ "bmc": "cannot load such file -- rubyipmi" });
    let mut seen = fake.seen();
    let outside = look(&manifest(&fake, ""), &mut seen).await;
    let words = "bmc (spec.modules.bmc) is failed: cannot load such file -- rubyipmi";
    assert_eq!(said(&outside, "FeaturesReady"), (false, "FeaturesFailed", words));
    assert_eq!(outside.waiting, Some(("Features", words.into())));
    assert!(said(&outside, "Registered").0);
    let states: Vec<_> = outside.features.iter().map(|it| format!("{} {}", it.name, it.state)).collect();
    assert_eq!(states, ["bmc failed", "logs running"]);

    fake.world().features.as_object_mut().unwrap().remove("bmc");
    let outside = look(&manifest(&fake, ""), &mut seen).await;
    assert!(
        said(&outside, "FeaturesReady")
            .2
            .contains("bmc (spec.modules.bmc) is absent: the image does not know it")
    );
}

#[tokio::test]
async fn what_foreman_says_against_it_is_told_in_its_own_words() {
    let fake = Fake::start().await;
    let (proxy, mut seen) = (manifest(&fake, ""), fake.seen());
    let refused = json!({ "error": { "errors": { "base": ["Unable to communicate with the proxy: certificate verify failed"] } } });
    let cases = [
        (
            422,
            refused,
            "Refused",
            "Foreman refuses: Unable to communicate with the proxy: certificate verify failed",
        ),
        (
            401,
            json!({ "error": { "message": "Unable to authenticate user" } }),
            "Unauthorized",
            "check key and secret",
        ),
        (503, json!("There are migrations pending"), "ForemanAway", "Foreman is away"),
    ];
    for (code, answer, reason, words) in &cases {
        fake.world().instead = Some((*code, answer.clone()));
        let outside = look(&proxy, &mut seen).await;
        let (status, why, message) = said(&outside, "Registered");
        assert_eq!((status, why), (false, *reason));
        assert!(message.contains(words), "{message}");
        assert_eq!(outside.waiting.as_ref().map(|(stage, _)| *stage), Some("Registration"));
    }
    fake.world().instead = None;
    look(&proxy, &mut seen).await;
    // Once it knows us, its absence is told and harms nothing.
    fake.world().instead = Some((503, json!({})));
    let outside = look(&proxy, &mut seen).await;
    assert_eq!((said(&outside, "Registered").0, said(&outside, "Registered").1), (true, "ForemanAway"));
    assert_eq!((outside.waiting, outside.unsaid), (None, vec!["VersionsMatch"]));
}

#[tokio::test]
async fn somebody_elses_proxy_of_that_name_is_left_alone_unless_the_manifest_says_otherwise() {
    let fake = Fake::start().await;
    let mut seen = fake.seen();
    fake.world()
        .known
        .push(json!({ "id": 3, "name": "p.n.svc", "url": "https://theirs:8443", "features": [] }));
    let outside = look(&manifest(&fake, ""), &mut seen).await;
    assert_eq!(said(&outside, "Registered").1, "NameTaken");
    assert_eq!(writes(&fake), [""; 0]);
    look(&manifest(&fake, ", registration: {takeOver: true}"), &mut seen).await;
    assert_eq!(writes(&fake), ["PUT /smart_proxies/3"]);
}

#[tokio::test]
async fn foreman_is_told_of_a_change_when_nobody_is_left_who_would_say_otherwise() {
    let fake = Fake::start().await;
    let (proxy, mut seen) = (manifest(&fake, ""), fake.seen());
    look(&proxy, &mut seen).await;
    writes(&fake);
    fake.world().features["dns"] = json!({ "state": "running", "capabilities": [], "settings": {} });
    seen.ending = Some(seen.now + jiff::SignedDuration::from_secs(20));
    let outside = look(&proxy, &mut seen).await;
    assert_eq!((writes(&fake), said(&outside, "Registered").1), (vec![], "Changing"));
    assert_eq!(outside.waiting.map(|(stage, _)| stage), Some("Registration"));
    // A node that is lost may never say that its pod is gone.
    seen.ending = Some(seen.now - jiff::SignedDuration::from_secs(1));
    look(&proxy, &mut seen).await;
    assert_eq!(writes(&fake), ["PUT /smart_proxies/8/refresh"]);

    // What Foreman knows of another time is read again, until it is what runs.
    fake.world().known[0]["features"] = json!([{ "name": "Logs" }, { "name": "TFTP" }]);
    let outside = look(&proxy, &mut seen).await;
    assert_eq!(outside.waiting.map(|(stage, _)| stage), Some("Registration"));
    look(&proxy, &mut seen).await;
    assert_eq!(writes(&fake).len(), 2);
    fake.world().known[0]["features"] = json!([{ "name": "Logs" }]);
    look(&proxy, &mut seen).await;
    assert_eq!(writes(&fake).len(), 1, "what is remembered is put right");
    look(&proxy, &mut seen).await;
    assert_eq!(writes(&fake), [""; 0]);
}

#[tokio::test]
async fn a_content_proxy_is_two_of_one_host_and_goes_as_two() {
    let fake = Fake::start().await;
    let mut seen = fake.seen();
    let content = format!(", content: {{pulp: {{name: mypulp}}, port: {}}}", fake.port);
    let proxy = manifest(&fake, &content);
    let first = look(&proxy, &mut seen).await;
    assert_eq!((first.waiting.clone(), said(&first, "ContentRegistered").0), (None, true), "{first:?}");
    assert_eq!(writes(&fake), ["POST /smart_proxies", "POST /smart_proxies"]);
    let known: Vec<_> =
        fake.world().known.iter().map(|known| (known["name"].clone(), known["url"].clone())).collect();
    let origin = format!("https://p.n.svc:{}", fake.port);
    let pulp = format!("{origin}/pulp/api/v3/smart_proxy");
    assert_eq!(known, [(json!("p.n.svc"), json!(origin)), (json!("p.n.svc-pulp"), json!(pulp))]);
    look(&proxy, &mut seen).await;
    assert_eq!(writes(&fake), [""; 0]);

    // A Pulp without the plugin is told, and harms the proxy itself in nothing.
    let modules = std::mem::replace(&mut fake.world().pulp, json!("not found"));
    let outside = look(&proxy, &mut seen).await;
    let (status, reason, message) = said(&outside, "ContentRegistered");
    assert!(!status && reason == "NoAnswer" && message.contains("the plugin smart_proxy"), "{message}");
    assert!(said(&outside, "Registered").0);
    fake.world().pulp = modules;

    // No longer asked for, it alone is taken out; with all, both are.
    let without = manifest(&fake, "");
    look(&without, &mut seen).await;
    assert_eq!(writes(&fake), ["DELETE /smart_proxies/9"]);
    look(&proxy, &mut seen).await;
    writes(&fake);
    assert!(matches!(leave(&proxy, &seen).await, Leave::Gone(_)));
    assert_eq!(writes(&fake).len(), 2);
    assert_eq!(fake.world().known, [json!(null); 0]);
}

#[tokio::test]
async fn another_release_than_foremans_is_told_before_it_is_an_outage() {
    let fake = Fake::start().await;
    fake.world().foreman_version = "5.1.0";
    let outside = look(&manifest(&fake, ""), &mut fake.seen()).await;
    let (status, reason, message) = said(&outside, "VersionsMatch");
    assert_eq!((status, reason), (false, "Skew"));
    assert!(
        message.contains("the proxy is 5.0.1 and its Foreman 5.1.0")
            && message.contains("spec.images.smartProxy")
    );
    assert!(said(&outside, "Registered").0 && outside.waiting.is_none());
}

#[tokio::test]
async fn a_process_that_shows_another_certificate_is_not_believed() {
    let (fake, other) = (Fake::start().await, Fake::start().await);
    let mut seen = fake.seen();
    seen.secrets.extend(other.seen().secrets.into_iter().filter(|(name, _)| name == "p-server-tls"));
    let outside = look(&manifest(&fake, ""), &mut seen).await;
    let (_, reason, message) = said(&outside, "FeaturesReady");
    assert!(reason == "NoAnswer" && message.contains("another certificate"), "{message}");
    assert_eq!(writes(&fake), [""; 0]);
}

#[tokio::test]
async fn a_proxy_that_is_deleted_is_taken_out_of_foreman_or_says_why_not() {
    let fake = Fake::start().await;
    let (proxy, mut seen) = (manifest(&fake, ""), fake.seen());
    look(&proxy, &mut seen).await;
    writes(&fake);
    fake.world().instead = Some((422, json!({ "error": { "errors": { "base": ["p is used by lan"] } } })));
    let Leave::Blocked(news, _) = leave(&proxy, &seen).await else { panic!("in use") };
    assert!(news.message.contains("p is used by lan") && news.message.contains("registration.deregister"));
    fake.world().instead = None;
    assert!(matches!(leave(&proxy, &seen).await, Leave::Gone(_)));
    assert_eq!(writes(&fake), ["DELETE /smart_proxies/8"]);
    assert!(matches!(leave(&proxy, &seen).await, Leave::Gone(_)), "it is gone already");

    let orphan = manifest(&fake, ", registration: {deregister: false}");
    fake.world().instead = Some((503, json!({})));
    assert!(matches!(leave(&proxy, &seen).await, Leave::Blocked(..)), "Foreman is away");
    assert!(matches!(leave(&orphan, &seen).await, Leave::Gone(_)));
    seen.secrets.remove("myforeman-oauth");
    assert!(matches!(leave(&proxy, &seen).await, Leave::Gone(_)), "nobody could ever do it");
}

#[tokio::test]
async fn a_foreman_out_of_sight_has_a_minute_to_come_back() {
    let fake = Fake::start().await;
    let mut proxy = manifest(&fake, "");
    let mut seen = fake.seen();
    seen.foreman = None;
    let deleted = |at| Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(at));
    proxy.metadata.deletion_timestamp = deleted(seen.now);
    assert!(matches!(leave(&proxy, &seen).await, Leave::Blocked(..)));
    proxy.metadata.deletion_timestamp = deleted(seen.now - jiff::SignedDuration::from_secs(61));
    assert!(matches!(leave(&proxy, &seen).await, Leave::Gone(_)));
}
