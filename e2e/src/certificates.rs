//! Certificates as users bring them: right, or wrong in one respect.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use k8s_openapi::api::core::v1::Secret;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose as Usage, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize,
};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::story::{Life, Served};

/// Whoever issues certificates.
pub struct Authority {
    /// Its own certificate, PEM.
    pub certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate that is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Common name.
    pub common_name: String,
    /// DNS names.
    pub names: Vec<String>,
    /// What it may be used for; all if it is empty.
    pub usages: Vec<Usage>,
    /// From when to when it is valid, in days from now.
    pub days: (i64, i64),
}

impl Wanted {
    /// A right one for this host, for servers and clients.
    pub fn of(host: &str) -> Self {
        let usages = vec![Usage::ServerAuth, Usage::ClientAuth];
        Self { common_name: host.into(), names: vec![host.into()], usages, days: (-1, 30) }
    }
}

fn rsa() -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key")
}

impl Authority {
    /// One that nobody knows.
    pub fn stranger() -> Self {
        let mut own = CertificateParams::default();
        own.distinguished_name.push(DnType::CommonName, "Authority of somebody else");
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        own.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = rsa();
        Self {
            certificate: own.self_signed(&key).expect("an authority").pem(),
            issuer: Issuer::new(own, key),
        }
    }

    /// That of an instance, from its Secret.
    pub async fn of<K: Served>(story: &Life<K>) -> Self {
        let (certificate, key) = (story.secret("ca", "ca.crt").await, story.secret("ca", "ca.key").await);
        let key = KeyPair::from_pem(&key).expect("a key");
        let issuer = Issuer::from_ca_cert_pem(&certificate, key).expect("an authority");
        Self { certificate, issuer }
    }

    /// Another authority below this one.
    #[must_use]
    pub fn below(&self) -> Self {
        let mut own = CertificateParams::default();
        own.distinguished_name.push(DnType::CommonName, "Authority in between");
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        own.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = rsa();
        let certificate = own.signed_by(&key, &self.issuer).expect("an authority").pem();
        Self { certificate, issuer: Issuer::new(own, key) }
    }

    /// A certificate and its key, PEM.
    pub fn issue(&self, wanted: &Wanted) -> (String, String) {
        let mut made = CertificateParams::new(wanted.names.clone()).expect("names");
        made.distinguished_name = DistinguishedName::new();
        made.distinguished_name.push(DnType::CommonName, wanted.common_name.as_str());
        made.extended_key_usages.clone_from(&wanted.usages);
        made.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        let day = |days| OffsetDateTime::now_utc() + Duration::days(days);
        (made.not_before, made.not_after) = (day(wanted.days.0), day(wanted.days.1));
        let key = rsa();
        (made.signed_by(&key, &self.issuer).expect("a certificate").pem(), key.serialize_pem())
    }
}

/// A key of RSA 2048 in the older form that cert-manager writes by default, `BEGIN RSA PRIVATE KEY`.
pub fn pkcs1(key: &str) -> String {
    let text: String = key.lines().filter(|line| !line.starts_with("-----")).collect();
    let whole = STANDARD.decode(text).expect("PEM");
    // The newer form wraps the older one in 26 bytes that say what kind of key it is.
    let inner = STANDARD.encode(&whole[26..]);
    let lines: Vec<_> = inner.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n", lines.join("\n"))
}

impl<K: Served> Life<K> {
    /// Creates or changes a Secret with these values.
    pub async fn keeps(&self, name: &str, values: &[(&str, &str)]) {
        let values: BTreeMap<_, _> = values.iter().copied().collect();
        let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": values });
        self.apply::<Secret>(name, &secret).await;
    }
}
