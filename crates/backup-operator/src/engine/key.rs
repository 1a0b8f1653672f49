//! One key per storage; every repository's keys follow from it, so that who holds a repository's can read no other.

use std::fmt;

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use rustic_core::{Credentials, repofile::MasterKey};
use serde_json::{Value, json};

use super::Error;

/// Another derivation has another text here, or repositories cannot be opened any more.
const DERIVATION: &[u8] = b"backup.theforeman.org/v1";
/// Bytes of a storage's key at least.
const ENOUGH: usize = 32;

/// What opens one repository: the key that encrypts it, and for people with plain restic a password.
#[derive(Clone)]
pub struct Key {
    encrypt: [u8; 32],
    k: [u8; 16],
    r: [u8; 16],
    password: String,
}

struct Bytes(usize);

impl KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

impl Key {
    /// The key of a repository of a storage. The same every time: an empty cluster needs only the storage's key.
    pub fn of(storage: &[u8], repository: &str) -> Result<Self, Error> {
        if storage.len() < ENOUGH {
            return Err(Error::BadKey(format!(
                "the key of the storage has {} bytes, needs {ENOUGH} random ones or more; make one with `openssl rand 32`",
                storage.len()
            )));
        }
        let mut r: [u8; 16] = derive(storage, repository, b"poly1305 r")?;
        // Poly1305 ignores these bits; cleared, the key is the same for every implementation that shows it.
        for top in [3, 7, 11, 15] {
            r[top] &= 0x0f;
        }
        for bottom in [4, 8, 12] {
            r[bottom] &= 0xfc;
        }
        Ok(Self {
            encrypt: derive(storage, repository, b"aes-256")?,
            k: derive(storage, repository, b"poly1305 k")?,
            r,
            password: URL_SAFE_NO_PAD.encode(derive::<32>(storage, repository, b"password")?),
        })
    }

    /// For `restic`: opens the repository without this program.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// For the Secret of a mover, which must not have the storage's key.
    pub fn to_secret(&self) -> Vec<u8> {
        json!({
            "encrypt": STANDARD.encode(self.encrypt),
            "k": STANDARD.encode(self.k),
            "r": STANDARD.encode(self.r),
            "password": self.password,
        })
        .to_string()
        .into_bytes()
    }

    /// What [`Key::to_secret`] made.
    pub fn from_secret(secret: &[u8]) -> Result<Self, Error> {
        let wrong = |what: &str| {
            Error::BadKey(format!(
                "the key of the repository has no valid {what}; delete its Secret, the operator makes it again"
            ))
        };
        let value: Value = serde_json::from_slice(secret).map_err(|_| wrong("JSON"))?;
        let text = |name: &str| value[name].as_str().ok_or_else(|| wrong(name));
        Ok(Self {
            encrypt: bytes(text("encrypt")?).ok_or_else(|| wrong("encrypt"))?,
            k: bytes(text("k")?).ok_or_else(|| wrong("k"))?,
            r: bytes(text("r")?).ok_or_else(|| wrong("r"))?,
            password: text("password")?.to_owned(),
        })
    }

    pub(super) fn credentials(&self) -> Result<Credentials, Error> {
        let key = json!({
            "mac": { "k": STANDARD.encode(self.k), "r": STANDARD.encode(self.r) },
            "encrypt": STANDARD.encode(self.encrypt),
        });
        let key: MasterKey = serde_json::from_value(key).map_err(|error| Error::BadKey(error.to_string()))?;
        Ok(Credentials::Masterkey(key))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

fn derive<const N: usize>(storage: &[u8], repository: &str, purpose: &[u8]) -> Result<[u8; N], Error> {
    // The length before the name: no name can be read as another name and a purpose.
    let length = (repository.len() as u64).to_be_bytes();
    let info = [&length[..], repository.as_bytes(), purpose];
    let mut out = [0; N];
    Salt::new(HKDF_SHA256, DERIVATION)
        .extract(storage)
        .expand(&info, Bytes(N))
        .and_then(|okm| okm.fill(&mut out))
        .map_err(|_| Error::BadKey("the key of the storage cannot be derived from".to_owned()))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_for_ever() {
        let key = Key::of(&[7; 32], "tenant").unwrap();
        assert_eq!(key.password(), "2CUwrm6nzZQJlxDmpSck8lgjnR4gBtG70fflgsOnP_U");
        assert_eq!(key.encrypt[..4], [104, 137, 36, 95]);
        for (top, bottom) in [(3, 4), (7, 8), (11, 12)] {
            assert_eq!((key.r[top] & 0xf0, key.r[bottom] & 0x03), (0, 0));
        }
        assert_ne!(key.password(), Key::of(&[7; 32], "tenant2").unwrap().password());
        assert_ne!(key.password(), Key::of(&[8; 32], "tenant").unwrap().password());
    }
}
