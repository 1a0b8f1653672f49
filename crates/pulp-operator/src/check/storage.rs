//! Where artifacts are kept, as Django has it.

use reconcile::{
    Fault,
    bucket::{self, Bucket},
    field::{self},
};
use serde_json::{Value, json};

use crate::{
    checked::Artifacts,
    crd::{AddressingStyle, Azure, Storage},
    names,
    read::Observed,
};

/// The Secret that opens it.
pub fn secret(storage: &Storage) -> Option<String> {
    let s3 = storage.s3.as_ref().and_then(|s3| s3.credentials.as_ref()).map(|at| at.name.clone());
    let azure = storage.azure.as_ref().and_then(|azure| azure.credentials.as_ref()).map(|at| at.name.clone());
    let gcs = storage.gcs.as_ref().and_then(|gcs| gcs.credentials.as_ref()).map(|at| at.name.clone());
    s3.or(azure).or(gcs)
}

/// Where artifacts are kept, with what its Secret says; `ca`: authorities that are trusted besides those of the image.
pub fn artifacts(
    storage: &Storage,
    pulp: &str,
    ca: Option<String>,
    seen: &Observed,
    faults: &mut Vec<Fault>,
) -> Artifacts {
    if let Some(s3) = &storage.s3 {
        let mut options = json!({
            "bucket_name": s3.bucket,
            "signature_version": "s3v4",
            "addressing_style": match s3.addressing_style {
                AddressingStyle::Path => "path",
                AddressingStyle::Virtual => "virtual",
                AddressingStyle::Auto => "auto",
            },
            // Another bucket than Pulp's own may have the same name for something else.
            "default_acl": null,
        });
        if let Some(endpoint) = &s3.endpoint {
            options["endpoint_url"] = endpoint.trim_end_matches('/').into();
        }
        if let Some(region) = &s3.region {
            options["region_name"] = region.clone().into();
        }
        let in_host = match s3.addressing_style {
            AddressingStyle::Path => false,
            AddressingStyle::Virtual => true,
            // As Pulp's client has it: only where the host is Amazon's, and its certificate one for such a name.
            AddressingStyle::Auto => s3.endpoint.is_none() && !s3.bucket.contains('.'),
        };
        let mut place = bucket::S3 {
            bucket: s3.bucket.clone(),
            endpoint: s3.endpoint.as_deref().map(bare),
            region: s3.region.clone(),
            addressing_style: if in_host {
                bucket::AddressingStyle::Virtual
            } else {
                bucket::AddressingStyle::Path
            },
            ca,
            ..bucket::S3::default()
        };
        if let Some(at) = &s3.credentials {
            let mut value =
                |key: &str| field::value("spec.storage.s3.credentials", &at.name, key, &seen.secrets, faults);
            let (id, secret) = (value(&at.access_key_id_key), value(&at.secret_access_key_key));
            options["access_key"] = id.clone().into();
            options["secret_key"] = secret.clone().into();
            (place.access_key_id, place.secret_access_key) = (Some(id), Some(secret));
        }
        return Artifacts::Bucket {
            // The older name of the class: the container plugin knows no other.
            storage: django("storages.backends.s3boto3.S3Boto3Storage", options),
            redirect: s3.redirect,
            key_file: None,
            place: Box::new(Bucket::S3(place)),
        };
    }
    if let Some(azure) = &storage.azure {
        let (options, key) = container(azure, seen, faults);
        return Artifacts::Bucket {
            storage: django("storages.backends.azure_storage.AzureStorage", options),
            redirect: azure.redirect,
            key_file: None,
            place: Box::new(Bucket::Azure(bucket::Azure {
                account: azure.account.clone(),
                container: azure.container.clone(),
                endpoint: azure.endpoint.as_deref().map(bare),
                prefix: azure.path.clone().unwrap_or_default(),
                account_key: key,
                ca,
            })),
        };
    }
    if let Some(gcs) = &storage.gcs {
        let mut options = json!({ "bucket_name": gcs.bucket, "file_overwrite": true });
        let (mut key_file, mut content) = (None, None);
        if let Some(at) = &gcs.credentials {
            let field = "spec.storage.gcs.credentials";
            content = Some(field::value(field, &at.name, &at.key_file_key, &seen.secrets, faults));
            key_file = Some((at.name.clone(), at.key_file_key.clone()));
        } else {
            // Without a private key at hand, Google signs the URLs that clients are sent to.
            options["iam_sign_blob"] = true.into();
        }
        return Artifacts::Bucket {
            storage: django("storages.backends.gcloud.GoogleCloudStorage", options),
            redirect: gcs.redirect,
            key_file,
            place: Box::new(Bucket::Gcs(bucket::Gcs {
                bucket: gcs.bucket.clone(),
                endpoint: gcs.endpoint.as_deref().map(bare),
                prefix: String::new(),
                key_file: content,
                ca,
            })),
        };
    }
    if let Some(claim) = &storage.claim {
        if !seen.volumes.contains(&claim.name) {
            faults.push(Fault::new(
                "VolumeMissing",
                format!(
                    "spec.storage.claim: PersistentVolumeClaim \"{}\" does not exist; create it, or let the operator make one with spec.storage.file",
                    claim.name
                ),
            ));
        }
        return Artifacts::Volume(claim.name.clone());
    }
    Artifacts::Volume(names::of(pulp, names::STORAGE))
}

/// A container, its account, and how both are reached; and the account's key.
fn container(azure: &Azure, seen: &Observed, faults: &mut Vec<Fault>) -> (Value, Option<String>) {
    let mut options = json!({
        "account_name": azure.account,
        "azure_container": azure.container,
        "expiration_secs": 3600,
        // An artifact's name is its hash: what is there already is the same, and another name would not be found.
        "overwrite_files": true,
    });
    if let Some(path) = &azure.path {
        options["location"] = path.clone().into();
    }
    let key = azure.credentials.as_ref().map(|at| {
        let field = "spec.storage.azure.credentials";
        let key = field::value(field, &at.name, &at.account_key_key, &seen.secrets, faults);
        // Also, nothing else may get into the connection string below.
        if !key.chars().all(|letter| letter.is_ascii_alphanumeric() || "+/=".contains(letter)) {
            let (name, key) = (&at.name, &at.account_key_key);
            faults.push(Fault::new(
                "Invalid",
                format!("{field}: the key \"{key}\" of Secret \"{name}\" is no key of a storage account, which is written in base64; copy it anew"),
            ));
        }
        key
    });
    if let Some(endpoint) = &azure.endpoint {
        let endpoint = endpoint.trim_end_matches('/');
        let (scheme, place) = endpoint.split_once("://").unwrap_or(("https", endpoint));
        match (place.strip_prefix(&format!("{}.blob.", azure.account)), &key) {
            (Some(suffix), _) if !suffix.contains('/') => {
                options["endpoint_suffix"] = suffix.into();
                options["azure_ssl"] = (scheme == "https").into();
            }
            (_, Some(key)) => {
                let account = &azure.account;
                options["connection_string"] =
                    format!("AccountName={account};AccountKey={key};BlobEndpoint={endpoint}").into();
            }
            // The API server takes no such endpoint without credentials.
            (_, None) => {}
        }
    }
    if let Some(key) = &key {
        options["account_key"] = key.clone().into();
    }
    (options, key)
}

/// A storage as Django has it.
fn django(class: &str, options: Value) -> Value {
    json!({ "BACKEND": class, "OPTIONS": options })
}

/// An endpoint without the slash that may end it.
fn bare(endpoint: &str) -> String {
    endpoint.trim_end_matches('/').to_owned()
}
