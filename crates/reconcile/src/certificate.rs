//! The internal authority and the certificates that it issues.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, PublicKeyData, RsaKeySize, SanType,
};
use time::{Duration, OffsetDateTime};
use x509_parser::{prelude::FromDer, public_key::PublicKey, x509::SubjectPublicKeyInfo};

const AUTHORITY_DAYS: i64 = 7300; // as long as upstream's own authority
const LEAF_DAYS: i64 = 90;

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system gave no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// The authority's Secret does not hold what it should.
    #[error("cannot issue with this authority: {0}")]
    Authority(rcgen::Error),
    /// Something else about keys or names.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
}

/// What a certificate may be used for. Servers and clients check: neither may stand in for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// TLS server.
    Server,
    /// TLS client.
    Client,
}

/// A certificate that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The issuing authority: certificate and private key, PEM.
    pub authority: (String, String),
    /// Subject; also the first of its DNS names.
    pub common_name: String,
    /// More DNS names.
    pub names: Vec<String>,
    /// What it may be used for.
    pub usage: Usage,
}

/// A self-signed authority: certificate and private key, PEM. RSA, because Candlepin and old clients read nothing else.
pub fn authority(common_name: &str) -> Result<(String, String), Error> {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_4096)?;
    let mut wanted = params(common_name, AUTHORITY_DAYS);
    wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    wanted.key_usages =
        vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    Ok((wanted.self_signed(&key)?.pem(), key.serialize_pem()))
}

/// A private and a public key on the curve P-256, PEM.
pub fn elliptic_key() -> Result<(String, String), Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}

/// A private key as PEM and a public key as a line of `authorized_keys`, for SSH. RSA, because hosts of every age take it.
pub fn ssh_key(comment: &str) -> Result<(String, String), Error> {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_3072)?;
    let unreadable = || Error::Certificate(rcgen::Error::CouldNotParseKeyPair);
    let spki = key.subject_public_key_info();
    let (_, info) = SubjectPublicKeyInfo::from_der(&spki).map_err(|_| unreadable())?;
    let Ok(PublicKey::RSA(public)) = info.parsed() else { return Err(unreadable()) };
    let mut line = vec![];
    // Numbers are written as DER has them: with a zero in front where the first bit is set.
    for part in [b"ssh-rsa".as_slice(), public.exponent, public.modulus] {
        line.extend(u32::try_from(part.len()).unwrap_or_default().to_be_bytes());
        line.extend(part);
    }
    Ok((key.serialize_pem(), format!("ssh-rsa {} {comment}\n", STANDARD.encode(line))))
}

fn params(common_name: &str, days: i64) -> CertificateParams {
    let mut wanted = CertificateParams::default();
    wanted.distinguished_name.push(DnType::CommonName, common_name);
    // Clocks differ: a certificate that is valid only from now on is refused by a pod that is a minute behind.
    wanted.not_before = OffsetDateTime::now_utc() - Duration::hours(1);
    wanted.not_after = OffsetDateTime::now_utc() + Duration::days(days);
    wanted.use_authority_key_identifier_extension = true;
    wanted
}

impl Certificate {
    fn names(&self) -> Vec<String> {
        let mut names = vec![self.common_name.clone()];
        names.extend(self.names.iter().filter(|name| **name != self.common_name).cloned());
        names
    }

    /// Issues it: `tls.crt`, `tls.key`, `ca.crt`.
    pub fn issue(&self) -> Result<BTreeMap<String, Vec<u8>>, Error> {
        let (authority, private) = &self.authority;
        let issuer = KeyPair::from_pem(private)
            .and_then(|key| Issuer::from_ca_cert_pem(authority, key))
            .map_err(Error::Authority)?;
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let mut wanted = params(&self.common_name, LEAF_DAYS);
        // Names only: an address would be compared as a name at renewal, and never be the one that is wanted.
        for name in self.names() {
            wanted.subject_alt_names.push(SanType::DnsName(name.try_into()?));
        }
        wanted.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        wanted.extended_key_usages = vec![match self.usage {
            Usage::Server => ExtendedKeyUsagePurpose::ServerAuth,
            Usage::Client => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        let certificate = wanted.signed_by(&key, &issuer)?;
        Ok([("tls.crt", certificate.pem()), ("tls.key", key.serialize_pem()), ("ca.crt", authority.clone())]
            .map(|(name, pem)| (name.to_owned(), pem.into_bytes()))
            .into())
    }

    /// Whether what is in a Secret comes from its authority, whatever its names are.
    pub fn belongs(&self, secret: &BTreeMap<String, Vec<u8>>) -> bool {
        secret.get("ca.crt").is_some_and(|ca| ca == self.authority.0.as_bytes())
    }

    /// When the certificate in a Secret has to be issued anew: at two thirds of its life; `None` if it is not the one that is wanted.
    pub fn renewal(&self, secret: &BTreeMap<String, Vec<u8>>) -> Option<Timestamp> {
        let whole = secret.get("tls.key").is_some_and(|key| !key.is_empty());
        let (_, pem) = x509_parser::pem::parse_x509_pem(secret.get("tls.crt")?).ok()?;
        let live = pem.parse_x509().ok()?;
        let mut names: Vec<_> = live.subject_alternative_name().ok()??.value.general_names.iter().collect();
        names.sort_by_key(ToString::to_string);
        let mut wanted = self.names();
        wanted.sort();
        let same_names = names.len() == wanted.len()
            && names.iter().zip(&wanted).all(|(live, wanted)| match live {
                x509_parser::extensions::GeneralName::DNSName(name) => name == wanted,
                _ => false,
            });
        if !(self.belongs(secret) && whole && same_names) {
            return None;
        }
        let (from, until) = (live.validity().not_before.timestamp(), live.validity().not_after.timestamp());
        Timestamp::from_second(from + (until - from) / 3 * 2).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(authority: &(String, String)) -> Certificate {
        Certificate {
            authority: authority.clone(),
            common_name: "foreman.example.com".into(),
            names: vec!["myforeman.foreman.svc".into(), "foreman.example.com".into()],
            usage: Usage::Server,
        }
    }

    #[test]
    fn is_renewed_at_two_thirds_of_its_life_or_when_it_is_another_one() {
        let first = authority("Test CA").unwrap();
        let certificate = wanted(&first);
        let secret = certificate.issue().unwrap();
        let days =
            (certificate.renewal(&secret).unwrap().as_second() - Timestamp::now().as_second()) / 86_400;
        assert!((59..=60).contains(&days), "{days}");

        let mut renamed = certificate.clone();
        renamed.names.push("other.example.com".into());
        assert_eq!(renamed.renewal(&secret), None);
        let mut torn = secret.clone();
        torn.remove("tls.key");
        assert_eq!(certificate.renewal(&torn), None);
        let stranger = authority("Test CA").unwrap();
        assert_eq!(wanted(&stranger).renewal(&secret), None);
    }

    #[test]
    fn the_public_key_of_ssh_is_that_of_the_private_one() {
        let (private, public) = ssh_key("foreman-proxy@proxy.example.com").unwrap();
        let words: Vec<_> = public.trim_end().split(' ').collect();
        assert_eq!((words[0], words[2]), ("ssh-rsa", "foreman-proxy@proxy.example.com"));
        let line = STANDARD.decode(words[1]).unwrap();
        let key = KeyPair::from_pem(&private).unwrap();
        let spki = key.subject_public_key_info();
        let (_, info) = SubjectPublicKeyInfo::from_der(&spki).unwrap();
        let PublicKey::RSA(rsa) = info.parsed().unwrap() else { panic!("RSA") };
        assert!(line.ends_with(rsa.modulus) && line.starts_with(b"\0\0\0\x07ssh-rsa"));
        assert_eq!(line.len(), 4 + 7 + 4 + rsa.exponent.len() + 4 + rsa.modulus.len());
    }

    #[test]
    fn says_what_is_wrong_with_an_authority() {
        let broken = wanted(&("no certificate".into(), "no key".into()));
        assert!(matches!(broken.issue(), Err(Error::Authority(_))));
    }
}
