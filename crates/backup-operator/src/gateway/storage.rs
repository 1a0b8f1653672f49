//! Storages of every make, built from their configuration and probed.

use std::{path::PathBuf, sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, Certificate, ClientOptions, ObjectStore, RetryConfig, aws::AmazonS3Builder,
    azure::MicrosoftAzureBuilder, gcp::GoogleCloudStorageBuilder, local::LocalFileSystem,
    prefix::PrefixStore,
};

pub use super::probe::{Trouble, probe, trouble};

/// Where backups, or Pulp's content, are kept.
#[derive(Clone)]
pub enum Config {
    /// S3 and what speaks it.
    S3(S3),
    /// Azure Blob Storage.
    Azure(Azure),
    /// Google Cloud Storage.
    Gcs(Gcs),
    /// A folder: a PVC or NFS.
    Folder(PathBuf),
}

/// S3 and what speaks it.
#[derive(Clone, Default)]
pub struct S3 {
    /// `https://...`; AWS without.
    pub endpoint: Option<String>,
    /// What workload identity says without, or else `us-east-1`.
    pub region: Option<String>,
    /// Its name.
    pub bucket: String,
    /// Before every key; empty for none.
    pub prefix: String,
    /// Access key id and secret; workload identity (web identity token, instance role) without.
    pub key: Option<(String, String)>,
    /// PEM of an authority of one's own.
    pub ca: Option<Vec<u8>>,
    /// The bucket in the path, not in the host name.
    pub path_style: bool,
}

/// Azure Blob Storage.
#[derive(Clone, Default)]
pub struct Azure {
    /// Storage account.
    pub account: String,
    /// Its name.
    pub container: String,
    /// Before every key; empty for none.
    pub prefix: String,
    /// Access key; workload identity without.
    pub key: Option<String>,
    /// Other than `https://{account}.blob.core.windows.net`.
    pub endpoint: Option<String>,
    /// PEM of an authority of one's own.
    pub ca: Option<Vec<u8>>,
}

/// Google Cloud Storage.
#[derive(Clone, Default)]
pub struct Gcs {
    /// Its name.
    pub bucket: String,
    /// Before every key; empty for none.
    pub prefix: String,
    /// JSON of a service account; workload identity without.
    pub service_account: Option<String>,
    /// Other than Google's.
    pub endpoint: Option<String>,
    /// PEM of an authority of one's own.
    pub ca: Option<Vec<u8>>,
}

/// How long a storage may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For an answer to begin, which is after all was sent, and for its next byte.
    pub idle: Duration,
    /// After this, nothing is tried again.
    pub retries: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(20),
            retries: Duration::from_secs(12),
        }
    }
}

/// The storage of a configuration, with the prefix applied; does not connect. An error names the field.
pub fn build(config: &Config, patience: Patience) -> Result<Arc<dyn ObjectStore>, String> {
    match config {
        Config::S3(s3) => s3.build(patience),
        Config::Azure(azure) => azure.build(patience),
        Config::Gcs(gcs) => gcs.build(patience),
        Config::Folder(path) => {
            let found = LocalFileSystem::new_with_prefix(path);
            let store =
                found.map_err(|error| format!("folder {} cannot be used: {error}", path.display()))?;
            // A backup that is reported as completed outlives the node.
            Ok(Arc::new(store.with_fsync(true)))
        }
    }
}

impl S3 {
    fn build(&self, patience: Patience) -> Result<Arc<dyn ObjectStore>, String> {
        let plain = self.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        // From the environment comes only what workload identity puts there.
        let mut builder =
            if self.key.is_some() { AmazonS3Builder::new() } else { AmazonS3Builder::from_env() };
        builder = builder
            .with_bucket_name(&self.bucket)
            .with_virtual_hosted_style_request(!self.path_style)
            .with_client_options(patience.client(self.ca.as_deref(), plain)?)
            .with_retry(patience.retry());
        if let Some((id, secret)) = &self.key {
            builder = builder.with_access_key_id(id).with_secret_access_key(secret);
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = self.address() {
            builder = builder.with_endpoint(endpoint);
        }
        Ok(below(builder.build().map_err(|error| format!("s3: {error}"))?, &self.prefix))
    }

    /// The endpoint as the client wants it: with the bucket in the host name, where it is to be there.
    fn address(&self) -> Option<String> {
        let endpoint = self.endpoint.as_deref()?.trim_end_matches('/');
        Some(match endpoint.split_once("://") {
            Some((scheme, host)) if !self.path_style => format!("{scheme}://{}.{host}", self.bucket),
            _ => endpoint.to_owned(),
        })
    }
}

impl Azure {
    fn build(&self, patience: Patience) -> Result<Arc<dyn ObjectStore>, String> {
        let plain = self.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let mut builder =
            if self.key.is_some() { MicrosoftAzureBuilder::new() } else { MicrosoftAzureBuilder::from_env() };
        builder = builder
            .with_account(&self.account)
            .with_container_name(&self.container)
            .with_client_options(patience.client(self.ca.as_deref(), plain)?)
            .with_retry(patience.retry());
        if let Some(key) = &self.key {
            builder = builder.with_access_key(key);
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.clone());
        }
        Ok(below(builder.build().map_err(|error| format!("azure: {error}"))?, &self.prefix))
    }
}

impl Gcs {
    fn build(&self, patience: Patience) -> Result<Arc<dyn ObjectStore>, String> {
        let plain = self.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let mut builder = GoogleCloudStorageBuilder::new()
            .with_bucket_name(&self.bucket)
            .with_client_options(patience.client(self.ca.as_deref(), plain)?)
            .with_retry(patience.retry());
        if let Some(account) = &self.service_account {
            builder = builder.with_service_account_key(account);
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_base_url(endpoint);
        }
        Ok(below(builder.build().map_err(|error| format!("gcs: {error}"))?, &self.prefix))
    }
}

impl Patience {
    fn client(self, ca: Option<&[u8]>, plain: bool) -> Result<ClientOptions, String> {
        let mut options = ClientOptions::new()
            .with_connect_timeout(self.connect)
            .with_read_timeout(self.idle)
            // A big object takes as long as it takes; the gateway has its own patience.
            .with_timeout_disabled()
            .with_allow_http(plain);
        if let Some(pem) = ca {
            let certificates = Certificate::from_pem_bundle(pem)
                .map_err(|error| format!("ca: no certificates in PEM: {error}"))?;
            for certificate in certificates {
                options = options.with_root_certificate(certificate);
            }
        }
        Ok(options)
    }

    /// Short: the mover tries again too, and a storage that is gone must be noticed within a minute.
    fn retry(self) -> RetryConfig {
        RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(200),
                max_backoff: Duration::from_secs(2),
                base: 2.0,
            },
            max_retries: 4,
            retry_timeout: self.retries,
        }
    }
}

fn below<S: ObjectStore>(store: S, prefix: &str) -> Arc<dyn ObjectStore> {
    if prefix.trim_matches('/').is_empty() {
        Arc::new(store)
    } else {
        Arc::new(PrefixStore::new(store, prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buckets_name_stands_in_the_path_or_in_the_host_name() {
        let s3 = |path_style| S3 {
            endpoint: Some("https://s3.example.com:7070/".into()),
            bucket: "b".into(),
            path_style,
            ..S3::default()
        };
        assert_eq!(s3(true).address().as_deref(), Some("https://s3.example.com:7070"));
        assert_eq!(s3(false).address().as_deref(), Some("https://b.s3.example.com:7070"));
        assert_eq!(S3::default().address(), None);
    }
}
