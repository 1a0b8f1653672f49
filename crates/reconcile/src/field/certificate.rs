//! Certificates and public keys that users give as PEM: what is wrong with them is said before a service stumbles over it.

use base64::{Engine, engine::general_purpose::STANDARD};
use x509_parser::{error::PEMError, pem::Pem, prelude::FromDer, x509::SubjectPublicKeyInfo};

use crate::status::Fault;

/// A fault unless a text is certificates as PEM, at least one, and nothing secret besides. Lines around them are comments. A text that is
/// empty has its fault already.
pub fn certificates(what: &str, text: &str, faults: &mut Vec<Fault>) {
    if text.is_empty() {
        return;
    }
    let mut number = 0;
    for block in Pem::iter_from_buffer(text.as_bytes()) {
        number += 1;
        let wrong = match &block {
            Ok(pem) if pem.label != "CERTIFICATE" => {
                format!(
                    "is a {}; leave only what stands between BEGIN CERTIFICATE and END CERTIFICATE",
                    pem.label
                )
            }
            Ok(pem) => match pem.parse_x509() {
                Ok(_) => continue,
                Err(_) => "is PEM, but no certificate".into(),
            },
            Err(PEMError::IncompletePEM) => "has no END line".into(),
            Err(_) => "is no PEM".into(),
        };
        faults.push(Fault::new("Invalid", format!("{what}: block {number} {wrong}")));
        return;
    }
    if number == 0 {
        let why = "holds no certificate as PEM; it begins with -----BEGIN CERTIFICATE-----";
        faults.push(Fault::new("Invalid", format!("{what}: {why}")));
    }
}

/// A public key in base64 without anything around it, from PEM or from that itself; a fault if it is none.
pub fn public_key(field: &str, text: &str, faults: &mut Vec<Fault>) -> String {
    let inner = text.lines().filter(|line| !line.starts_with("-----")).flat_map(str::chars);
    let inner: String = inner.filter(|c| !c.is_whitespace()).collect();
    let key = STANDARD.decode(&inner).unwrap_or_default();
    if !matches!(SubjectPublicKeyInfo::from_der(&key), Ok((rest, _)) if rest.is_empty()) {
        faults
            .push(Fault::new("Invalid", format!("{field}: is no public key, as PEM or only the text in it")));
    }
    inner
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{authority, elliptic_key};

    fn said(text: &str) -> String {
        let mut faults = vec![];
        certificates("f", text, &mut faults);
        faults.into_iter().map(|fault| fault.message).collect()
    }

    #[test]
    fn only_certificates_are_certificates() {
        let (one, key) = authority("one").unwrap();
        assert_eq!(said(&one), "");
        assert_eq!(said(&format!("# a comment\n{one}\n\n{}", one.trim_end())), "");
        assert_eq!(said(""), "", "that it is empty was said before");
        for (text, wrong) in [
            ("hello".to_owned(), "holds no certificate as PEM"),
            (format!("{one}{key}"), "block 2 is a PRIVATE KEY"),
            (one.replace("-----END CERTIFICATE-----", ""), "block 1 has no END line"),
            (one.replace("MII", "M!I"), "block 1 is no PEM"),
            (key.replace("PRIVATE KEY", "CERTIFICATE"), "block 1 is PEM, but no certificate"),
        ] {
            assert!(said(&text).contains(wrong), "{wrong}: {}", said(&text));
        }
    }

    #[test]
    fn a_public_key_is_one_with_or_without_what_is_around_it() {
        let (_, pem) = elliptic_key().unwrap();
        let mut faults = vec![];
        let bare = public_key("f", &pem, &mut faults);
        assert!(bare.starts_with("MFkw") && !bare.contains('\n'), "{bare}");
        assert_eq!(public_key("f", &bare, &mut faults), bare);
        assert_eq!(faults, []);
        public_key("f", "MFkw", &mut faults);
        assert!(faults[0].message.starts_with("f: is no public key"));
    }
}
