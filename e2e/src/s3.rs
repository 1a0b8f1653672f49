//! An object store of somebody else's, in the story's own namespace.

use std::net::SocketAddr;

use k8s_openapi::api::core::v1::{Secret, Service};
use serde_json::{Value, json};

use crate::{PulpStory, cluster, told::image};

/// The key that opens the store: ends a string or begins an expansion in Python, YAML, the shell, `str.format` and the library that
/// reads Pulp's settings.
pub const KEY: &str = r#"@int s"e\c'r$HOME$(id){0}%s/+="#;

/// What the store's owner does with it.
const OWNER: &str = "
import boto3, botocore.config, hashlib, os, sys
path = botocore.config.Config(s3={'addressing_style': 'path'})
s3 = boto3.client('s3', endpoint_url=os.environ['URL'], region_name='us-east-1', config=path,
                  aws_access_key_id='owner', aws_secret_access_key=os.environ['KEY'])
what, bucket = sys.argv[1:]
if what == 'make':
    s3.create_bucket(Bucket=bucket)
else:
    for object in s3.list_objects_v2(Bucket=bucket).get('Contents', []):
        body = s3.get_object(Bucket=bucket, Key=object['Key'])['Body'].read()
        print(object['Key'], hashlib.sha256(body).hexdigest())
";

/// Takes connections and says nothing.
const MUTE: &str = "import socket, time; taken = socket.create_server(('', 7070)); time.sleep(1e9)";

/// A store that speaks S3. Its keys are in the Secret `s3` once [`Store::keys`] has put them there.
pub struct Store<'a> {
    pulp: &'a PulpStory,
}

impl<'a> Store<'a> {
    /// Starts one, without a bucket.
    pub async fn start(pulp: &'a PulpStory) -> Self {
        let store = Self { pulp };
        store.secret("s3-owner", json!({ "key": KEY })).await;
        let url = json!({ "name": "URL", "value": store.url() });
        let server = json!({ "image": cluster::image("s3"), "env": [
            { "name": "ROOT_ACCESS_KEY", "value": "owner" }, key("ROOT_SECRET_KEY")],
            "readinessProbe": { "httpGet": { "path": "/health", "port": 7070 } } });
        let owner = json!({ "image": image(pulp, "PULP").await, "command": ["python3", "-c", MUTE],
            "env": [url, key("KEY")] });
        for (name, user, container) in [("s3", 1001, server), ("owner", 700, owner)] {
            pulp.bystander(name, user, 7070, container, &[("/data", json!({ "emptyDir": {} }))]).await;
        }
        store
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}:7070", self.pulp.host("s3"))
    }

    /// Where something takes connections and never answers.
    pub fn mute(&self) -> String {
        format!("http://{}:7070", self.pulp.host("owner"))
    }

    /// Its host name, and the address that this has inside of the cluster.
    pub async fn address(&self) -> (String, SocketAddr) {
        let service: Service = self.pulp.api().get("s3").await.expect("the Service");
        let address = service.spec.and_then(|spec| spec.cluster_ip).unwrap_or_default();
        (self.pulp.host("s3"), SocketAddr::new(address.parse().expect("an address"), 7070))
    }

    /// Puts keys where a Pulp finds them.
    pub async fn keys(&self, key: &str) {
        self.secret("s3", json!({ "accessKeyId": "owner", "secretAccessKey": key })).await;
    }

    /// States a Secret.
    pub async fn secret(&self, name: &str, values: Value) {
        let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": values });
        self.pulp.apply::<Secret>(name, &secret).await;
    }

    /// Makes a bucket.
    pub async fn make(&self, bucket: &str) {
        self.pulp.exec("owner", &["python3", "-c", OWNER, "make", bucket]).await;
    }

    /// The objects in a bucket: name and SHA-256 of what the store hands out.
    pub async fn objects(&self, bucket: &str) -> Vec<String> {
        let listed = self.pulp.exec("owner", &["python3", "-c", OWNER, "list", bucket]).await;
        listed.lines().map(str::to_owned).collect()
    }
}

/// The owner's key as a variable.
fn key(name: &str) -> Value {
    json!({ "name": name, "valueFrom": { "secretKeyRef": { "name": "s3-owner", "key": "key" } } })
}
