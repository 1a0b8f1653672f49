//! From a manifest to a proxy that Foreman knows.

use std::time::Instant;

use e2e::{LONG, ProxyStory, SMALL, Story, cluster::image, smart_proxy::features, story::condition, wait};
use k8s_openapi::api::core::v1::Service;
use reqwest::Method;
use tokio::net::UdpSocket;

#[tokio::test]
async fn three_proxies_wait_for_their_foreman_and_are_registered_and_what_fails_is_named_with_its_reason() {
    let foreman = Story::new("proxies").await;
    foreman.create(SMALL).await.expect("the API server takes the manifest");
    let boot = ProxyStory::of(&foreman, "boot").await;
    let (names, broken) = (boot.beside("names"), boot.beside("broken"));
    let rndc = "key \"rndc\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; };";
    boot.keeps("rndc", &[("rndc.key", rndc), ("keytab", "k"), ("default.conf", "[global]")]).await;
    boot.with(
        "{tftp: {serverName: 192.0.2.10, daemon: Dnsmasq}, httpboot: {}, templates: {}, registration: {}}",
        &format!(", images: {{dnsmasq: '{}'}}", image("dnsmasq")),
    )
    .await;
    names.with("{dns: {server: 192.0.2.53, key: {name: rndc, key: rndc.key}}, bmc: {}}", "").await;
    let realm = "{realm: {principal: 'r@EXAMPLE.COM', keytab: {name: rndc, key: keytab}, ipaConfig: {name: rndc, key: default.conf}}}";
    broken.with(realm, "").await;
    // Not up yet: they wait, and go on by themselves.
    boot.told("ForemanNotReady", &["this goes on by itself"]).await;

    foreman.ready().await;
    let (up, admin) = (Instant::now(), foreman.admin().await);
    for (proxy, wanted) in [
        (&boot, vec!["HTTPBoot", "Logs", "Registration", "TFTP", "Templates"]),
        (&names, vec!["BMC", "DNS", "Logs"]),
    ] {
        proxy.ready().await;
        println!("{}: registered {:.1?} after its Foreman was Ready", proxy.name, up.elapsed());
        let known = proxy.known(&admin).await.expect("Foreman knows it");
        assert_eq!(features(&known), wanted);
        assert_eq!(known["url"], format!("https://{}:8443", proxy.registered_name()));
    }
    // One module that fails stops no other, and is told with its field and the reason of the process.
    let said = broken.condition(LONG, "FeaturesReady", "False", "FeaturesFailed").await;
    println!("named {:.1?} after Foreman was Ready: {said}", up.elapsed());
    assert!(said.starts_with("realm (spec.modules.realm) is failed: Disabling all modules"), "{said}");
    assert!(said.contains("rkerberos"), "{said}");
    broken.condition(LONG, "Registered", "True", "Registered").await;
    assert_eq!(features(&broken.known(&admin).await.expect("Foreman knows it")), ["Logs"]);
    let same = condition(&broken.now().await.expect("it is there"), "VersionsMatch").cloned();
    assert_eq!(same.map(|it| it.status).as_deref(), Some("True"));

    boots_by_udp(&foreman, &boot).await;
    deleted_by_hand(&boot, &admin).await;
    name_taken(&broken, &names, &admin).await;
}

/// Foreman writes a menu by HTTPS with its certificate; a machine fetches it by TFTP through the Service.
async fn boots_by_udp(foreman: &Story, proxy: &ProxyStory) {
    let identity = foreman.identity().await;
    let as_foreman = proxy.visitor_of("", 8443, |builder| builder.identity(identity)).await;
    let menu = as_foreman.request(Method::POST, "/tftp/syslinux/52:54:00:12:34:56").body("pxeconfig=MENU");
    let sent = menu.header("content-type", "application/x-www-form-urlencoded").send().await;
    assert!(sent.is_ok_and(|sent| sent.status().is_success()), "Foreman may write menus");
    let service: Service = proxy.api().get(&proxy.name).await.expect("the Service");
    let address = service.spec.and_then(|spec| spec.cluster_ip).expect("an address");
    wait(LONG, "the menu comes by TFTP", async || {
        let got = tftp(&address, "pxelinux.cfg/01-52-54-00-12-34-56").await?;
        if got == "MENU" { Ok(()) } else { Err(got) }
    })
    .await;
}

/// The first block of a file. The answer must come from the port that was asked: else no Service could lead it back.
async fn tftp(address: &str, file: &str) -> Result<String, String> {
    let said = |error: std::io::Error| error.to_string();
    let socket = UdpSocket::bind("0.0.0.0:0").await.map_err(said)?;
    socket.connect((address, 69)).await.map_err(said)?;
    let request = [b"\0\x01".as_slice(), file.as_bytes(), b"\0octet\0"].concat();
    socket.send(&request).await.map_err(said)?;
    let mut answer = [0; 600];
    let length = tokio::time::timeout(std::time::Duration::from_secs(2), socket.recv(&mut answer));
    let length = length.await.map_err(|_| "no answer".to_owned())?.map_err(said)?;
    match answer[..length].split_at_checked(4) {
        Some(([0, 3, 0, 1], data)) => Ok(String::from_utf8_lossy(data).into_owned()),
        _ => Err(format!("no data: {:?}", String::from_utf8_lossy(&answer[..length]))),
    }
}

async fn deleted_by_hand(proxy: &ProxyStory, admin: &e2e::Visitor) {
    let before = proxy.known(admin).await.expect("Foreman knows it")["id"].clone();
    let gone = admin.request(Method::DELETE, &format!("/api/v2/smart_proxies/{before}")).send().await;
    assert!(gone.is_ok_and(|gone| gone.status().is_success()));
    let since = Instant::now();
    wait(LONG, "it is registered again", async || {
        let known = proxy.known(admin).await.ok_or("Foreman does not know it")?;
        if known["id"] == before { Err("it is still the old one".into()) } else { Ok(()) }
    })
    .await;
    println!("registered again {:.1?} after it was deleted in Foreman", since.elapsed());
}

/// Somebody else's proxy of that name is left alone.
async fn name_taken(other: &ProxyStory, owner: &ProxyStory, admin: &e2e::Visitor) {
    let taken = other.beside("taken");
    taken.with("{}", &format!(", registration: {{name: {}}}", owner.registered_name())).await;
    let said = taken.condition(LONG, "Registered", "False", "NameTaken").await;
    assert!(said.contains("spec.registration.takeOver"), "{said}");
    let known = owner.known(admin).await.expect("Foreman knows it");
    assert_eq!(known["url"], format!("https://{}:8443", owner.registered_name()));
    // It was never its own: nothing is taken out of Foreman with it.
    taken.delete().await;
    assert_eq!(owner.known(admin).await.expect("Foreman knows it")["id"], known["id"]);
}
