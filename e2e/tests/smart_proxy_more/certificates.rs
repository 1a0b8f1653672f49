//! Certificates of the user's: each way in which one is of no use is said, before anything stumbles over it.

use e2e::{
    LONG, ProxyStory,
    certificates::{Authority, Wanted, pkcs1},
};
use k8s_openapi::api::core::v1::Secret;
use rcgen::ExtendedKeyUsagePurpose as Usage;

#[tokio::test]
async fn each_fault_of_a_certificate_is_a_condition_and_a_right_one_is_used() {
    let (foreman, proxy) = ProxyStory::shared("own").await;
    let (authority, host) = (Authority::of(&foreman).await, proxy.registered_name());
    let right = Wanted::of(&host);
    let put = async |(certificate, key): (String, String), trust: &str| {
        proxy.keeps("own", &[("tls.crt", &certificate), ("tls.key", &key), ("ca.crt", trust)]).await;
    };
    let ours = authority.certificate.as_str();
    // One that an earlier run has left.
    let _ = proxy.api::<Secret>().delete("own", &Default::default()).await;
    proxy.with("{bmc: {}}", ", certificates: {server: {name: own}}").await;
    let said = proxy.told("SecretMissing", &["spec.certificates.server", "\"own\" does not exist"]).await;
    assert_eq!(said.matches("spec.").count(), 1, "one Secret is one fault: {said}");

    let expired = Wanted { days: (-30, -1), ..right.clone() };
    put(authority.issue(&expired), ours).await;
    proxy.told("CertificateInvalid", &["tls.crt expired on", "renew it"]).await;

    let server_only = Wanted { usages: vec![Usage::ServerAuth], ..right.clone() };
    put(authority.issue(&server_only), ours).await;
    proxy.told("CertificateInvalid", &["may not be used as a client", "\"client auth\""]).await;

    put(authority.issue(&Wanted::of("other.example.com")), ours).await;
    proxy.told("CertificateInvalid", &["is for other.example.com, not for", &host]).await;

    let short =
        Wanted { common_name: "own".into(), names: vec!["own".into(), host.clone()], ..right.clone() };
    put(authority.issue(&short), ours).await;
    proxy.told("CertificateInvalid", &["\"own\" of tls.crt is a short name"]).await;

    let (certificate, _) = authority.issue(&right);
    put((certificate, authority.issue(&right).1), ours).await;
    proxy.told("CertificateInvalid", &["tls.key is not the key of tls.crt"]).await;

    put(authority.issue(&right), "no certificate").await;
    proxy.told("CertificateInvalid", &["ca.crt holds no certificate in PEM"]).await;

    // The authority of those who ask is another one than that of whoever will.
    let stranger = Authority::stranger();
    put(authority.issue(&right), &stranger.certificate).await;
    proxy.told("CertificateInvalid", &["ca.crt", "does not hold the authority"]).await;
    assert_eq!(proxy.pods().await.0, [], "nothing was started with any of them");

    // Issued by somebody whom Foreman does not know: it alone can say so.
    let both = format!("{ours}{}", stranger.certificate);
    put(stranger.issue(&right), &both).await;
    proxy.told("Registration", &["Foreman refuses", "certificate verify failed"]).await;
    proxy.condition(LONG, "Registered", "False", "Refused").await;

    // A right one, in the form that cert-manager writes.
    let (certificate, key) = authority.issue(&right);
    put((certificate, pkcs1(&key)), ours).await;
    proxy.ready().await;

    // What is put there later and is of no use stops nothing that runs.
    let pods = proxy.settled().await;
    put(authority.issue(&expired), ours).await;
    proxy.told("CertificateInvalid", &["tls.crt expired on"]).await;
    assert_eq!(proxy.settled().await.gone_or_restarted_since(&pods), [""; 0]);
    assert_eq!(
        foreman.admin().await.json(&format!("/api/v2/smart_proxies/{host}?include_status=true")).await["status"],
        "ok"
    );
    proxy.delete().await;
}
