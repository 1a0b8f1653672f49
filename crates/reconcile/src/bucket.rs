//! Which bucket holds the content of a service: the values of the Secret that `content[].bucketSecret` names. A service writes it, and whoever
//! copies its content reads it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which bucket holds the content of a service and how to reach it. In the Secret each field is a key of its name, and `kind` says which of these
/// it is. Keys that nobody knows are passed over.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Bucket {
    /// S3 and what speaks it.
    S3(S3),
    /// Azure Blob Storage.
    Azure(Azure),
    /// Google Cloud Storage.
    Gcs(Gcs),
}

/// A bucket of S3, or of something compatible.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct S3 {
    /// Its name.
    pub bucket: String,
    /// URL of the server; Amazon's without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Its region; what the environment says without, or else `us-east-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Folder in it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// Where its name stands in URLs.
    #[serde(default)]
    pub addressing_style: AddressingStyle,
    /// The access key's id; workload identity without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// The secret access key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_access_key: Option<String>,
    /// Authorities that are trusted besides those of the system, PEM.
    #[serde(default, rename = "ca.crt", skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// Where a bucket's name stands in URLs.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum AddressingStyle {
    /// In the path.
    #[default]
    Path,
    /// In the host name.
    Virtual,
}

/// A container of Azure Blob Storage.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Azure {
    /// Name of the storage account.
    pub account: String,
    /// Name of the container.
    pub container: String,
    /// URL of the account's blob service, where it is not `https://<account>.blob.core.windows.net`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Folder in it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// The account's key; workload identity without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_key: Option<String>,
    /// Authorities that are trusted besides those of the system, PEM.
    #[serde(default, rename = "ca.crt", skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// A bucket of Google Cloud Storage.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Gcs {
    /// Its name.
    pub bucket: String,
    /// URL of the server, where it is not Google's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Folder in it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// The key file of a service account; workload identity without.
    #[serde(default, rename = "key.json", skip_serializing_if = "Option::is_none")]
    pub key_file: Option<String>,
    /// Authorities that are trusted besides those of the system, PEM.
    #[serde(default, rename = "ca.crt", skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

impl Bucket {
    /// The values of the Secret.
    pub fn values(&self) -> Vec<(String, String)> {
        let Ok(Value::Object(fields)) = serde_json::to_value(self) else { return vec![] };
        let text = |(key, value): (String, Value)| value.as_str().map(|value| (key, value.to_owned()));
        fields.into_iter().filter_map(text).collect()
    }

    /// From the values of the Secret; an error names the key.
    pub fn of(values: BTreeMap<String, String>) -> Result<Self, String> {
        let fields = values.into_iter().map(|(key, value)| (key, Value::String(value))).collect();
        serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())
    }

    /// Whether it has no key of its own: then the identity of a service account must open it.
    pub fn by_identity(&self) -> bool {
        match self {
            Self::S3(s3) => s3.access_key_id.is_none() && s3.secret_access_key.is_none(),
            Self::Azure(azure) => azure.account_key.is_none(),
            Self::Gcs(gcs) => gcs.key_file.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_a_service_writes_is_what_its_copier_reads() {
        let s3 = Bucket::S3(S3 {
            bucket: "b".into(),
            endpoint: Some("https://s3.example.com".into()),
            addressing_style: AddressingStyle::Virtual,
            access_key_id: Some("id".into()),
            secret_access_key: Some("secret".into()),
            ca: Some("PEM".into()),
            ..S3::default()
        });
        let written: BTreeMap<_, _> = s3.values().into_iter().collect();
        assert_eq!(
            written,
            values(&[
                ("kind", "s3"),
                ("bucket", "b"),
                ("endpoint", "https://s3.example.com"),
                ("addressingStyle", "virtual"),
                ("accessKeyId", "id"),
                ("secretAccessKey", "secret"),
                ("ca.crt", "PEM"),
            ])
        );
        assert_eq!(Bucket::of(written), Ok(s3));
        let azure = Bucket::Azure(Azure {
            account: "a".into(),
            container: "c".into(),
            prefix: "x".into(),
            ..Azure::default()
        });
        assert_eq!(Bucket::of(azure.values().into_iter().collect()), Ok(azure.clone()));
        assert!(azure.by_identity());
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        let said = |pairs: &[(&str, &str)]| Bucket::of(values(pairs)).unwrap_err();
        assert!(said(&[("settings.py", "")]).contains("`kind`"));
        assert!(said(&[("kind", "s3")]).contains("`bucket`"));
        assert!(said(&[("kind", "tape")]).contains("`tape`"));
        let more = values(&[("kind", "gcs"), ("bucket", "b"), ("colour", "blue")]);
        assert!(matches!(Bucket::of(more), Ok(Bucket::Gcs(gcs)) if gcs.bucket == "b"));
    }
}
