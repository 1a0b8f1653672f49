//! The end of a proxy.

use e2e::{LONG, ProxyStory, SHORT, wait};
use reqwest::Method;
use serde_json::json;
use smart_proxy_operator::SmartProxy;

#[tokio::test]
async fn one_that_foreman_uses_waits_with_its_words_and_then_goes_from_both_sides() {
    let (foreman, proxy) = ProxyStory::shared("used").await;
    let admin = foreman.admin().await;
    proxy.with("{tftp: {serverName: 192.0.2.10}}", "").await;
    proxy.ready().await;
    let id = proxy.known(&admin).await.expect("Foreman knows it")["id"].clone();
    let subnet = admin.post("/api/v2/subnets", &json!({ "subnet": { "name": "lan", "tftp_id": id } })).await;
    let api = proxy.api::<SmartProxy>();
    api.delete(&proxy.name, &Default::default()).await.expect("it is being deleted");
    let said = proxy.says(SHORT, "DeregistrationBlocked", "in use", |it| it.status == "True").await;
    assert!(said.contains("is used by lan") && said.contains("spec.registration.deregister"), "{said}");
    // What is in use goes on serving.
    assert_eq!(proxy.settled().await.of("proxy").len(), 1);
    let visitor = proxy.visitor_of("", 8443, |builder| builder).await;
    assert_eq!(visitor.json("/features").await, json!(["logs", "tftp"]));

    let freed = admin.request(Method::DELETE, &format!("/api/v2/subnets/{}", subnet["id"])).send().await;
    assert!(freed.is_ok_and(|freed| freed.status().is_success()));
    proxy.delete().await;
    assert_eq!(proxy.known(&admin).await, None);
}

#[tokio::test]
async fn one_that_is_let_go_of_stays_in_foreman() {
    let (foreman, proxy) = ProxyStory::shared("orphan").await;
    let admin = foreman.admin().await;
    proxy.with("{}", ", registration: {deregister: false}").await;
    proxy.ready().await;
    let id = proxy.known(&admin).await.expect("Foreman knows it")["id"].clone();
    proxy.delete().await;
    assert_eq!(proxy.known(&admin).await.expect("Foreman still knows it")["id"], id);
    // Made again, it finds itself: same name, same URL.
    proxy.with("{}", "").await;
    proxy.ready().await;
    assert_eq!(proxy.known(&admin).await.expect("Foreman knows it")["id"], id);
    proxy.delete().await;
    wait(LONG, "it is out of Foreman", async || {
        proxy.known(&admin).await.map_or(Ok(()), |known| Err(known.to_string()))
    })
    .await;
}
