//! References to values in Secrets, and what is wrong with them.

use std::collections::BTreeMap;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{status::Fault, world::Values};

/// Secrets that were seen, by name. Absent: there is no such Secret.
pub type Secrets = BTreeMap<String, Values>;

/// A value in a Secret of the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecretKey {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key in it.
    #[serde(default = "ca_key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

impl SecretKey {
    /// The value; empty if it is not there, with a fault that says so.
    pub fn value(&self, field: &str, seen: &Secrets, faults: &mut Vec<Fault>) -> String {
        value(field, &self.name, &self.key, seen, faults)
    }
}

/// User name and password in a Secret of the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Key of the user name.
    #[serde(default = "username_key")]
    #[schemars(length(min = 1, max = 253))]
    pub username_key: String,
    /// Key of the password.
    #[serde(default = "password_key")]
    #[schemars(length(min = 1, max = 253))]
    pub password_key: String,
}

impl Credentials {
    /// User name and password; empty if they are not there, with a fault that says so.
    pub fn login(&self, field: &str, seen: &Secrets, faults: &mut Vec<Fault>) -> (String, String) {
        let mut take = |key: &str| value(field, &self.name, key, seen, faults);
        (take(&self.username_key), take(&self.password_key))
    }
}

/// A value of a Secret that the spec refers to; empty if it is not there, with a fault that says so.
pub fn value(field: &str, secret: &str, key: &str, seen: &Secrets, faults: &mut Vec<Fault>) -> String {
    take(field, ("Secret", secret), key, seen, faults)
}

/// The same of a `ConfigMap`.
pub fn config_value(
    field: &str,
    config_map: &str,
    key: &str,
    seen: &BTreeMap<String, Values>,
    faults: &mut Vec<Fault>,
) -> String {
    take(field, ("ConfigMap", config_map), key, seen, faults)
}

fn take(
    field: &str,
    (kind, name): (&str, &str),
    key: &str,
    seen: &BTreeMap<String, Values>,
    faults: &mut Vec<Fault>,
) -> String {
    let fault = match seen.get(name) {
        None => format!("{field}: {kind} \"{name}\" does not exist; create it with the key \"{key}\""),
        Some(values) => match values.get(key).map(|value| std::str::from_utf8(value)) {
            Some(Ok(text)) if !text.trim().is_empty() => {
                return text.trim_end_matches(['\r', '\n']).to_owned();
            }
            Some(Ok(_)) => format!("{field}: the key \"{key}\" of {kind} \"{name}\" is empty"),
            Some(Err(_)) => format!("{field}: the key \"{key}\" of {kind} \"{name}\" is no UTF-8 text"),
            None => {
                let has = values.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                format!("{field}: {kind} \"{name}\" has no key \"{key}\"; it has: {has}")
            }
        },
    };
    // One fault per object that is missing, not one per key.
    let known = format!("{field}: {kind} \"{name}\" does not exist");
    if !faults.iter().any(|fault| fault.message.starts_with(&known)) {
        let reason = if kind == "Secret" { "SecretMissing" } else { "ConfigMapMissing" };
        faults.push(Fault::new(reason, fault));
    }
    String::new()
}

fn ca_key() -> String {
    "ca.crt".into()
}

fn username_key() -> String {
    "username".into()
}

fn password_key() -> String {
    "password".into()
}
