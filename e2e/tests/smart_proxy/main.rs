//! Smart Proxies and the Foreman that they work for: what it knows of them is what they are.

use e2e::{LONG, ProxyStory, SHORT, SMALL, Story, smart_proxy::features, wait};
use k8s_openapi::api::core::v1::Secret;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn three_proxies_are_registered_and_what_fails_is_named_with_its_reason() {
    let foreman = Story::new("proxies").await;
    foreman.create(SMALL).await.expect("the API server takes the manifest");
    // Not up yet: the proxies wait, and go on by themselves.
    let boot = ProxyStory::of(&foreman, "boot").await;
    let (names, broken) = (boot.beside("names"), boot.beside("broken"));
    let keys = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "rndc" },
        "stringData": { "rndc.key": "key \"rndc\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; };", "keytab": "k", "default.conf": "[global]" } });
    boot.apply::<Secret>("rndc", &keys).await;
    boot.with("{tftp: {serverName: 'on'}, httpboot: {}, templates: {}, registration: {}}", "").await;
    names.with("{dns: {server: 192.0.2.53, key: {name: rndc, key: rndc.key}}, bmc: {}}", "").await;
    let realm = "{realm: {principal: 'r@EXAMPLE.COM', keytab: {name: rndc, key: keytab}, ipaConfig: {name: rndc, key: default.conf}}}";
    broken.with(realm, "").await;

    foreman.ready().await;
    let admin = foreman.admin().await;
    for (proxy, wanted) in [
        (&boot, vec!["HTTPBoot", "Logs", "Registration", "TFTP", "Templates"]),
        (&names, vec!["BMC", "DNS", "Logs"]),
    ] {
        proxy.ready().await;
        let known = proxy.known(&admin).await.expect("Foreman knows it");
        assert_eq!(features(&known), wanted);
        assert_eq!(known["url"], format!("https://{}:8443", proxy.registered_name()));
    }
    // One module that fails stops no other, and is told with its field and the reason of the process.
    let said = broken.condition(LONG, "FeaturesReady", "False", "FeaturesFailed").await;
    assert!(said.starts_with("realm (spec.modules.realm) is failed: Disabling all modules"), "{said}");
    assert!(said.contains("rkerberos"), "{said}");
    broken.condition(LONG, "Registered", "True", "Registered").await;
    assert_eq!(features(&broken.known(&admin).await.expect("Foreman knows it")), ["Logs"]);

    // A text that YAML would take for true is a text to the process, and so to Foreman.
    let shown = boot
        .exec(&boot.pods().await.of("proxy")[0].name, &["cat", "/etc/foreman-proxy/settings.d/tftp.yml"])
        .await;
    assert!(shown.contains(":tftp_servername: \"on\""), "{shown}");

    feature_added_and_removed(&names, &admin).await;
    deleted_by_hand(&boot, &admin).await;
    in_use(&boot, &admin).await;

    // Somebody else's proxy of that name is left alone.
    broken.delete().await;
    let taken = broken.beside("taken");
    taken.with("{}", &format!(", registration: {{name: {}}}", names.registered_name())).await;
    let said = taken.condition(LONG, "Registered", "False", "NameTaken").await;
    assert!(said.contains("spec.registration.takeOver"), "{said}");
    assert_eq!(
        names.known(&admin).await.expect("Foreman knows it")["url"],
        format!("https://{}:8443", names.registered_name())
    );
}

async fn feature_added_and_removed(proxy: &ProxyStory, admin: &e2e::Visitor) {
    for on in [true, false] {
        proxy.edit(|spec| spec.modules.templates = on.then(Default::default)).await;
        wait(LONG, "Foreman knows what has changed", async || {
            let known = features(&proxy.known(admin).await.ok_or("Foreman does not know it")?);
            if known.iter().any(|name| name == "Templates") == on { Ok(()) } else { Err(known.join(", ")) }
        })
        .await;
    }
    proxy.ready().await;
}

async fn deleted_by_hand(proxy: &ProxyStory, admin: &e2e::Visitor) {
    let before = proxy.known(admin).await.expect("Foreman knows it")["id"].clone();
    let gone = admin.request(Method::DELETE, &format!("/api/v2/smart_proxies/{before}")).send().await;
    assert!(gone.is_ok_and(|gone| gone.status().is_success()));
    wait(LONG, "it is registered again", async || {
        let known = proxy.known(admin).await.ok_or("Foreman does not know it")?;
        if known["id"] == before { Err("it is still the old one".into()) } else { Ok(()) }
    })
    .await;
}

async fn in_use(proxy: &ProxyStory, admin: &e2e::Visitor) {
    let id = proxy.known(admin).await.expect("Foreman knows it")["id"].clone();
    let subnet = admin.post("/api/v2/subnets", &json!({ "subnet": { "name": "lan", "tftp_id": id } })).await;
    let api = proxy.api::<smart_proxy_operator::SmartProxy>();
    api.delete(&proxy.name, &Default::default()).await.expect("it is being deleted");
    let said = proxy.says(SHORT, "DeregistrationBlocked", "in use", |it| it.status == "True").await;
    assert!(said.contains("is used by lan") && said.contains("spec.registration.deregister"), "{said}");
    let freed = admin.request(Method::DELETE, &format!("/api/v2/subnets/{}", subnet["id"])).send().await;
    assert!(freed.is_ok_and(|freed| freed.status().is_success()));
    proxy.delete().await;
    assert_eq!(proxy.known(admin).await, None);
}
