//! Values that are drawn once: passwords, keys, authorities.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose};
use rand::{Rng, SeedableRng, TryRngCore, distr::Alphanumeric, rngs::OsRng, rngs::StdRng};

use crate::certificate;

/// What to draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Generate {
    /// So many letters and digits: safe in URLs, shells and configuration files alike.
    Alphanumeric(usize),
    /// So many hexadecimal digits.
    Hex(usize),
    /// This text, and after it so many hexadecimal digits.
    Name(&'static str, usize),
    /// So many random bytes, in URL-safe base64.
    Base64(usize),
    /// This very text; for what belongs to a generated Secret but is no secret, such as a user's name.
    Text(String),
    /// A private key on the curve P-256, PEM; also gives its public key, under the same name with `public` for `private`.
    EllipticKey,
    /// A key pair of SSH (RSA 3072) with this comment; also gives its public key, under the same name with `public` for `private`.
    SshKey(String),
    /// A certificate authority (RSA 4096) with this common name; also draws its private key, as `<stem>.key` beside `<stem>.crt`.
    Authority(String),
}

impl Generate {
    /// Keys that the value has in a Secret.
    pub fn keys(&self, key: &str) -> Vec<String> {
        let other = match self {
            Self::Authority(_) => Some(key.replace(".crt", ".key")),
            Self::EllipticKey | Self::SshKey(_) => Some(key.replace("private", "public")),
            _ => None,
        };
        [Some(key.to_owned()), other].into_iter().flatten().collect()
    }
}

/// Draws all values of a Secret. Slow when there is an authority among them (seconds): call it off the async threads.
pub fn draw(wanted: &[(&'static str, Generate)]) -> Result<BTreeMap<String, Vec<u8>>, certificate::Error> {
    let mut seed = [0; 32];
    OsRng.try_fill_bytes(&mut seed).map_err(|_| certificate::Error::Random)?;
    let mut random = StdRng::from_seed(seed);
    let mut values = BTreeMap::new();
    for (key, what) in wanted {
        let value = match what {
            Generate::Alphanumeric(length) => (&mut random).sample_iter(Alphanumeric).take(*length).collect(),
            Generate::Hex(length) => hex(*length, &mut random),
            Generate::Name(begin, length) => [begin.as_bytes(), &hex(*length, &mut random)].concat(),
            Generate::Base64(length) => {
                let bytes: Vec<u8> = (0..*length).map(|_| random.random()).collect();
                general_purpose::URL_SAFE.encode(bytes).into_bytes()
            }
            Generate::Text(text) => text.clone().into_bytes(),
            Generate::EllipticKey => {
                let (private, public) = certificate::elliptic_key()?;
                values.insert(key.replace("private", "public"), public.into_bytes());
                private.into_bytes()
            }
            Generate::SshKey(comment) => {
                let (private, public) = certificate::ssh_key(comment)?;
                values.insert(key.replace("private", "public"), public.into_bytes());
                private.into_bytes()
            }
            Generate::Authority(name) => {
                let (certificate, private) = certificate::authority(name)?;
                values.insert(key.replace(".crt", ".key"), private.into_bytes());
                certificate.into_bytes()
            }
        };
        values.insert((*key).to_owned(), value);
    }
    Ok(values)
}

fn hex(length: usize, random: &mut impl Rng) -> Vec<u8> {
    (0..length).map(|_| b"0123456789abcdef"[random.random_range(0..16)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_length_asked_for_and_never_repeat() {
        let wanted = vec![
            ("a", Generate::Alphanumeric(32)),
            ("h", Generate::Hex(64)),
            ("b", Generate::Base64(32)),
            ("t", Generate::Text("foreman".into())),
        ];
        let first = draw(&wanted).unwrap();
        let second = draw(&wanted).unwrap();
        assert_eq!(first["a"].len(), 32);
        assert!(first["a"].iter().all(u8::is_ascii_alphanumeric));
        assert_eq!(first["h"].len(), 64);
        assert!(first["h"].iter().all(u8::is_ascii_hexdigit));
        assert_eq!(general_purpose::URL_SAFE.decode(&first["b"]).unwrap().len(), 32);
        assert_eq!(first["t"], b"foreman");
        for key in ["a", "h", "b"] {
            assert_ne!(first[key], second[key]);
        }
    }
}
