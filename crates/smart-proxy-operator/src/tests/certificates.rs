//! Certificates of the user's: each way in which one is of no use has its own words.

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize,
};

use super::*;

const HOST: &str = "proxy.example.com";

/// A certificate that is right, to be made wrong.
struct Made {
    issuer: &'static str,
    common_name: &'static str,
    names: Vec<String>,
    usages: Vec<ExtendedKeyUsagePurpose>,
    days: (i64, i64),
    authority: bool,
    rsa: bool,
}

impl Default for Made {
    fn default() -> Self {
        use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
        Self {
            issuer: "Test",
            common_name: HOST,
            names: vec![HOST.into()],
            usages: vec![ServerAuth, ClientAuth],
            days: (-1, 30),
            authority: false,
            rsa: true,
        }
    }
}

fn rsa() -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()
}

impl Made {
    /// One of another authority.
    fn named(authority: &'static str) -> Self {
        Self { issuer: authority, ..Self::default() }
    }

    fn values(&self) -> Values {
        let mut authority = CertificateParams::default();
        authority.distinguished_name = rcgen::DistinguishedName::new();
        authority.distinguished_name.push(DnType::CommonName, self.issuer);
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(authority, rsa()).unwrap();
        let key = if self.rsa { rsa() } else { KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap() };
        let mut wanted = CertificateParams::new(self.names.clone()).unwrap();
        wanted.distinguished_name = rcgen::DistinguishedName::new();
        if !self.common_name.is_empty() {
            wanted.distinguished_name.push(DnType::CommonName, self.common_name);
        }
        wanted.extended_key_usages.clone_from(&self.usages);
        if self.authority {
            wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let now = now().as_second();
        let day = |days: i64| time::OffsetDateTime::from_unix_timestamp(now + days * 86400).unwrap();
        (wanted.not_before, wanted.not_after) = (day(self.days.0), day(self.days.1));
        let certificate = wanted.signed_by(&key, &*issuer).unwrap();
        secret(&[
            ("tls.crt", &certificate.pem()),
            ("tls.key", &key.serialize_pem()),
            ("ca.crt", &issuer.as_ref().pem()),
        ])
    }
}

/// One for this host that is right today as well.
pub fn lasting(host: &'static str) -> Values {
    Made { common_name: host, names: vec![host.into()], days: (-9000, 9000), ..Made::default() }.values()
}

fn now() -> jiff::Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

/// What is said to these values of the one Secret for both uses.
fn said(values: Values) -> Vec<String> {
    let mut seen = Observed { now: now(), ..seen() };
    seen.secrets.insert("own".into(), values);
    let proxy = with("{}", ", host: proxy.example.com, certificates: {server: {name: own}}");
    proxy.check(&seen).err().unwrap_or_default().into_iter().map(|fault| fault.message).collect()
}

#[test]
fn each_fault_of_a_certificate_has_its_own_words() {
    use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
    let mut other_key = Made::default().values();
    other_key.insert("tls.key".into(), Made::default().values()["tls.key"].clone());
    let mut no_authority = Made::default().values();
    no_authority.insert("ca.crt".into(), b"nothing".to_vec());
    let mut binary = Made::default().values();
    binary.insert("tls.crt".into(), b"DER".to_vec());
    let cases = [
        (binary, "tls.crt holds no certificate in PEM"),
        (Made { authority: true, ..Made::default() }.values(), "is an authority's certificate"),
        (Made { rsa: false, ..Made::default() }.values(), "tls.key is no RSA key"),
        (other_key, "tls.key is not the key of tls.crt"),
        (Made { days: (-10, -2), ..Made::default() }.values(), "tls.crt expired on 2026-05-30; renew it"),
        (Made { days: (2, 10), ..Made::default() }.values(), "valid only from 2026-06-03 on"),
        (Made { common_name: "", ..Made::default() }.values(), "has no common name"),
        (
            Made { common_name: "other.example.com", ..Made::default() }.values(),
            "is not among its names (proxy.example.com)",
        ),
        (
            Made { common_name: "proxy", names: vec!["proxy".into(), HOST.into()], ..Made::default() }
                .values(),
            "is a short name",
        ),
        (
            Made { common_name: "a.example.com", names: vec!["a.example.com".into()], ..Made::default() }
                .values(),
            "is for a.example.com, not for \"proxy.example.com\"",
        ),
        (Made { usages: vec![ClientAuth], ..Made::default() }.values(), "may not be used as a server"),
        (
            Made { usages: vec![ServerAuth], ..Made::default() }.values(),
            "may not be used as a client, which it is towards Foreman",
        ),
        (no_authority, "ca.crt holds no certificate in PEM; without it the process answers nobody by HTTPS"),
    ];
    for (values, words) in cases {
        let said = said(values);
        assert!(said.iter().any(|said| said.contains(words)), "{words}: {said:#?}");
    }
    assert_eq!(said(Made::default().values()), [""; 0]);
    let proxy = with("{}", ", host: proxy.example.com, certificates: {server: {name: absent}}");
    assert_eq!(faults(&proxy, &seen()).len(), 1, "one Secret that is missing is one fault");
    assert_eq!(said(Made { usages: vec![], ..Made::default() }.values()), [""; 0], "none means all");
    let wild = Made { names: vec!["*.example.com".into(), HOST.into()], ..Made::default() };
    assert_eq!(said(wild.values()), [""; 0]);
}

#[test]
fn whoever_asks_must_be_trusted_by_an_authority_that_is_named() {
    let (own, other) = (Made::default().values(), Made::named("Other").values());
    let mut mixed = own.clone();
    mixed.insert("ca.crt".into(), other["ca.crt"].clone());
    let faults = said(mixed.clone());
    assert_eq!(faults.len(), 1);
    assert!(faults[0].contains("ca.crt does not hold the authority of the client certificate (CN=Test)"));
    // As with cert-manager: what it puts beside the certificate is not who is trusted.
    let mut seen = Observed { now: now(), ..seen() };
    seen.secrets.insert("own".into(), mixed);
    seen.secrets.insert("trust".into(), secret(&[("ca.crt", &String::from_utf8_lossy(&own["ca.crt"]))]));
    let proxy =
        with("{}", ", host: proxy.example.com, certificates: {server: {name: own}, trust: {name: trust}}");
    let plan = plan(&proxy, &seen);
    let settings = &object(&plan, "Secret", "p-settings").body.data["data"];
    let trusted = STANDARD.decode(settings["client-ca.crt"].as_str().unwrap()).unwrap();
    assert_eq!(trusted, own["ca.crt"].trim_ascii_end());
}

/// The files of a bundle for the host, as either tool names them, in one Secret.
fn bundle(clients: &str, foreman: &str, server: &str, client: &str) -> Values {
    let made = Made::default().values();
    let files = [
        (clients.to_owned(), "ca.crt"),
        (foreman.to_owned(), "ca.crt"),
        (format!("{HOST}{server}.crt"), "tls.crt"),
        (format!("{HOST}{server}.key"), "tls.key"),
        (format!("{HOST}{client}.crt"), "tls.crt"),
        (format!("{HOST}{client}.key"), "tls.key"),
    ];
    files.into_iter().map(|(file, key)| (file, made[key].clone())).collect()
}

#[test]
fn a_bundle_of_either_tool_is_all_that_a_proxy_far_away_needs() {
    let installer =
        bundle("katello-default-ca.crt", "katello-server-ca.crt", "-foreman-proxy", "-foreman-proxy-client");
    let mut foremanctl = bundle("ca.crt", "server-ca.crt", "", "-client");
    foremanctl.insert("foreman-oauth-consumer-key".into(), b"k".to_vec());
    foremanctl.insert("foreman-oauth-consumer-secret".into(), b"s".to_vec());
    let manifest = |host: &str, more: &str| {
        proxy(&format!(
            "{{metadata: {{name: p, namespace: n}}, spec: {{foreman: {{url: 'https://foreman.example.com'{more}}}, host: {host}, certificates: {{bundle: {{name: bundle}}}}}}}}"
        ))
    };
    for (values, more, shown) in [
        (installer.clone(), ", oauth: {name: myforeman-oauth}", "proxy.example.com-foreman-proxy.crt"),
        (foremanctl, "", "proxy.example.com.crt"),
    ] {
        let mut seen = Observed { now: now(), ..seen() };
        seen.secrets.insert("bundle".into(), values);
        let plan = plan(&manifest(HOST, more), &seen);
        let pod = &object(&plan, "Deployment", "p-proxy").body.data["spec"]["template"]["spec"];
        let volumes = pod["volumes"].as_array().unwrap();
        let server = volumes.iter().find(|volume| volume["name"] == "server").unwrap();
        assert_eq!(server["secret"]["secretName"], "bundle");
        assert_eq!(server["secret"]["items"][0], serde_json::json!({ "key": shown, "path": "tls.crt" }));

        let other = manifest("other.example.com", more);
        let words =
            "for proxy.example.com, not for \"other.example.com\" (spec.host); make one for that host";
        assert!(
            faults(&other, &seen).iter().any(|fault| fault.contains(words)),
            "{:?}",
            faults(&other, &seen)
        );
    }
    let mut seen = Observed { now: now(), ..seen() };
    let said = |seen: &Observed| faults(&manifest(HOST, ", oauth: {name: myforeman-oauth}"), seen).join("; ");
    assert!(said(&seen).contains("spec.certificates.bundle: Secret \"bundle\" does not exist"));
    seen.secrets.insert("bundle".into(), secret(&[("bundle.tar", "x")]));
    assert!(said(&seen).contains("holds no bundle that is known"), "{}", said(&seen));
    seen.secrets.insert("bundle".into(), installer);
    assert!(faults(&manifest(HOST, ""), &seen)[0].contains("a registration needs oauth or login"));
}

#[test]
fn whoever_shows_a_certificate_of_the_users_is_trusted_by_its_common_name() {
    let mut seen = Observed { now: now(), ..seen() };
    seen.secrets.insert(
        "own".into(),
        Made { common_name: "Proxy.Example.com", names: vec!["Proxy.Example.com".into()], ..Made::default() }
            .values(),
    );
    let proxy = with("{}", ", host: proxy.example.com, certificates: {server: {name: own}}");
    let plan = plan(&proxy, &seen);
    assert!(settings(&plan, "settings").contains("\"proxy.example.com\""));
    assert!(plan.objects().all(|object| !object.body.name_any().ends_with("-tls")), "nothing is issued");
}

#[test]
fn what_cert_manager_issues_is_waited_for_and_what_is_wrong_with_it_is_said_when_it_is_done() {
    let proxy = with(
        "{}",
        ", host: proxy.example.com, certificates: {certManager: {issuer: {name: foreman-ca, kind: ClusterIssuer}}}",
    );
    assert!(
        faults(&proxy, &seen())[0].starts_with(
            "CertManagerMissing: spec.certificates.certManager: this cluster has no cert-manager"
        )
    );
    assert!(proxy.references().contains(&("Secret", "p-tls".into())), "it wakes its proxy");
    let mut seen = Observed { now: now(), cert_manager: true, ..seen() };
    let first = plan(&proxy, &seen);
    golden(DIRECTORY, "cert-manager.yaml", &text(&first));
    assert!(first.partial && first.objects().count() == 1, "nothing is pruned meanwhile");

    // What is there is for another name: it is being changed.
    let other = Made { common_name: "a.example.com", names: vec!["a.example.com".into()], ..Made::default() };
    seen.secrets.insert("p-tls".into(), other.values());
    let mut live = serde_json::to_value(&object(&first, "Certificate", "p-tls").body).unwrap();
    live["metadata"]["generation"] = 2.into();
    let condition = |generation: i64| serde_json::json!({ "conditions": [{ "type": "Ready", "status": "True", "observedGeneration": generation }] });
    live["status"] = condition(1);
    seen.certificate = Some(live.clone());
    assert!(plan(&proxy, &seen).partial, "cert-manager has not looked at it yet");
    live["status"] = condition(2);
    live["spec"]["commonName"] = "a.example.com".into();
    seen.certificate = Some(live.clone());
    assert!(plan(&proxy, &seen).partial, "it has done what it was asked for before");
    live["spec"]["commonName"] = HOST.into();
    seen.certificate = Some(live);
    let said = &faults(&proxy, &seen)[0];
    assert!(
        said.contains("spec.certificates.certManager: Secret \"p-tls\": tls.crt is for a.example.com"),
        "{said}"
    );

    seen.secrets.insert("p-tls".into(), Made::default().values());
    let whole = plan(&proxy, &seen);
    assert!(!whole.partial);
    let pod = &object(&whole, "Deployment", "p-proxy").body.data["spec"]["template"]["spec"];
    let shown = pod["volumes"].as_array().unwrap().iter().find(|volume| volume["name"] == "server").unwrap();
    assert_eq!(shown["secret"]["secretName"], "p-tls");
    assert!(settings(&whole, "settings").contains("\"proxy.example.com\""));
    assert!(
        whole.objects().all(|object| !object.body.name_any().ends_with("-server-tls")),
        "nothing is issued"
    );
}
