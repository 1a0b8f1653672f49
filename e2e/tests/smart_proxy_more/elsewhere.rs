//! A proxy whose Foreman is somewhere else, known by its URL, with certificates that were made for it there.

use e2e::{
    ProxyStory, Story,
    certificates::{Authority, Wanted, pkcs1},
    smart_proxy::features,
};
use rcgen::ExtendedKeyUsagePurpose as Usage;
use smart_proxy_operator::crd::{Certificates, Credentials, SecretKey, SecretName};

/// Certificates for one use each, as both tools make them: for the server and for the client.
fn pair(authority: &Authority, host: &str) -> [(String, String); 2] {
    [Usage::ServerAuth, Usage::ClientAuth]
        .map(|usage| authority.issue(&Wanted { usages: vec![usage], ..Wanted::of(host) }))
}

async fn bundle(proxy: &ProxyStory, secret: &str, values: &[(String, &str)]) {
    let values: Vec<_> = values.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    proxy.keeps(secret, &values).await;
}

#[tokio::test]
async fn a_bundle_of_either_tool_and_secrets_of_cert_manager_register_it_with_a_foreman_by_url() {
    let (foreman, _) = ProxyStory::shared("far").await;
    let (authority, admin) = (Authority::of(&foreman).await, foreman.admin().await);
    let mut proxy = ProxyStory::new("branch").await;
    proxy.name = "branch".into();
    let (host, ours) = (proxy.registered_name(), authority.certificate.clone());

    // foremanctl auth-bundle: the OAuth key is in it.
    let [server, client] = pair(&authority, &host);
    let (key, secret) = (foreman.secret("oauth", "key").await, foreman.secret("oauth", "secret").await);
    let files = [
        ("ca.crt".into(), ours.as_str()),
        ("server-ca.crt".into(), &ours),
        (format!("{host}.crt"), &server.0),
        (format!("{host}.key"), &server.1),
        (format!("{host}-client.crt"), &client.0),
        (format!("{host}-client.key"), &client.1),
        ("foreman-oauth-consumer-key".into(), &key),
        ("foreman-oauth-consumer-secret".into(), &secret),
    ];
    let url = format!("https://{}", foreman.host(&foreman.name));
    let with = format!(
        "foreman: {{url: '{url}'}}, certificates: {{bundle: {{name: bundle}}}}, modules: {{bmc: {{}}}}"
    );
    proxy.state(&format!("{{{with}, host: other.example.com}}")).await;
    proxy.told("SecretMissing", &["spec.certificates.bundle"]).await;
    bundle(&proxy, "bundle", &files).await;
    proxy
        .told("CertificateInvalid", &["a bundle of foremanctl auth-bundle for", "make one for that host"])
        .await;
    proxy.edit(|spec| spec.host = Some(host.clone())).await;
    proxy.ready().await;
    let known = proxy.known(&admin).await.expect("Foreman knows it");
    assert_eq!(features(&known), ["BMC", "Logs"]);

    // foreman-proxy-certs-generate: with a user and his password.
    let [server, client] = pair(&authority, &host);
    let files = [
        ("katello-default-ca.crt".into(), ours.as_str()),
        ("katello-server-ca.crt".into(), &ours),
        (format!("{host}-foreman-proxy.crt"), &server.0),
        (format!("{host}-foreman-proxy.key"), &server.1),
        (format!("{host}-foreman-proxy-client.crt"), &client.0),
        (format!("{host}-foreman-proxy-client.key"), &client.1),
    ];
    bundle(&proxy, "older", &files).await;
    let password = foreman.secret("admin", "password").await;
    proxy.keeps("login", &[("username", "admin"), ("password", &password)]).await;
    proxy
        .edit(|spec| {
            let bundle = Some(SecretName { name: "older".into() });
            spec.certificates = Some(Certificates { bundle, ..Certificates::default() });
            let keys = ["username", "password"].map(str::to_owned);
            let [username_key, password_key] = keys;
            spec.foreman.login = Some(Credentials { name: "login".into(), username_key, password_key });
        })
        .await;
    proxy.ready().await;
    assert_eq!(proxy.known(&admin).await.expect("Foreman knows it")["id"], known["id"]);

    cert_manager(&foreman, &proxy, &authority, &host).await;
    assert_eq!(proxy.known(&admin).await.expect("Foreman knows it")["id"], known["id"]);
    proxy.delete().await;
    assert_eq!(proxy.known(&admin).await, None);
}

/// Its Secrets hold a chain, an older form of keys, and as `ca.crt` the authority of the certificate itself.
async fn cert_manager(foreman: &Story, proxy: &ProxyStory, authority: &Authority, host: &str) {
    let between = authority.below();
    let filled = async |issuer: &Authority, chain: &str| {
        let [server, client] = pair(issuer, host);
        for (name, (certificate, key)) in [("server", server), ("client", client)] {
            let values = [
                ("tls.crt", &*format!("{certificate}{chain}")),
                ("tls.key", &*pkcs1(&key)),
                ("ca.crt", issuer.certificate.as_str()),
            ];
            proxy.keeps(name, &values).await;
        }
    };
    filled(&between, &between.certificate).await;
    proxy.keeps("trust", &[("ca.crt", &authority.certificate)]).await;
    proxy.keeps("foreman-ca", &[("ca.crt", &foreman.secret("server-tls", "ca.crt").await)]).await;
    proxy
        .edit(|spec| {
            let named = |name: &str| Some(SecretName { name: name.into() });
            let key = |name: &str| Some(SecretKey { name: name.into(), key: "ca.crt".into() });
            spec.certificates = Some(Certificates {
                server: named("server"),
                client: named("client"),
                trust: key("trust"),
                ..Certificates::default()
            });
            spec.foreman.ca = key("foreman-ca");
        })
        .await;
    // The process sends no certificate of an authority in between, and Foreman does not know it.
    let said = proxy
        .says(e2e::LONG, "Registered", "cannot be asked", |it| it.message.contains("verify failed"))
        .await;
    println!("{said}");
    filled(authority, "").await;
    proxy.ready().await;
}
