//! An object store of somebody else's, in the story's own namespace: one that speaks S3, and what stands for Azure's and Google's.

use std::net::SocketAddr;

use k8s_openapi::api::core::v1::{Secret, Service};
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

use crate::{PulpStory, cluster, told::image};

/// Opens the store that speaks S3: ends a string or begins an expansion in Python, YAML, the shell, `str.format` and the library that
/// reads Pulp's settings.
const S3_KEY: &str = r#"@int s"e\c'r$HOME$(id){0}%s/+="#;
/// Azure's keys are 64 bytes in base64.
const AZURE_KEY: &str =
    "YSBrZXkgb2YgYSBzdG9yYWdlIGFjY291bnQsIGFzIGxvbmcgYXMgdGhvc2Ugb2YgQXp1cmUgYXJlOiA2NCBieQ==";

/// What the owner of a bucket does with it: `make BUCKET`, `list BUCKET`; and of S3's `flip BUCKET OBJECT`, `move BUCKET FROM TO`,
/// `fill BUCKET OBJECT BYTES`, `free BUCKET OBJECT`.
const S3: &str = "
import boto3, botocore.config, hashlib, os, sys
path = botocore.config.Config(s3={'addressing_style': 'path'})
s3 = boto3.client('s3', endpoint_url=os.environ['URL'], region_name='us-east-1', config=path,
                  aws_access_key_id='owner', aws_secret_access_key=os.environ['KEY'])
what, bucket = sys.argv[1:3]
if what == 'make':
    if bucket not in [one['Name'] for one in s3.list_buckets()['Buckets']]:
        s3.create_bucket(Bucket=bucket)
elif what == 'flip':
    body = bytearray(s3.get_object(Bucket=bucket, Key=sys.argv[3])['Body'].read())
    body[len(body) // 2] ^= 1
    s3.put_object(Bucket=bucket, Key=sys.argv[3], Body=bytes(body))
elif what == 'move':
    body = s3.get_object(Bucket=bucket, Key=sys.argv[3])['Body'].read()
    s3.put_object(Bucket=bucket, Key=sys.argv[4], Body=body)
    s3.delete_object(Bucket=bucket, Key=sys.argv[3])
elif what == 'fill':
    s3.put_object(Bucket=bucket, Key=sys.argv[3], Body=bytes(int(sys.argv[4])))
elif what == 'free':
    s3.delete_object(Bucket=bucket, Key=sys.argv[3])
else:
    for object in s3.list_objects_v2(Bucket=bucket).get('Contents', []):
        body = s3.get_object(Bucket=bucket, Key=object['Key'])['Body'].read()
        print(object['Key'], hashlib.sha256(body).hexdigest())
";
const AZURE: &str = "
import hashlib, os, sys
from azure.storage.blob import BlobServiceClient
place = 'AccountName=azure;AccountKey={KEY};BlobEndpoint={URL}'.format(**os.environ)
what, bucket = sys.argv[1:]
container = BlobServiceClient.from_connection_string(place).get_container_client(bucket)
if what == 'make':
    container.create_container()
else:
    for blob in container.list_blobs():
        print(blob.name, hashlib.sha256(container.download_blob(blob.name).readall()).hexdigest())
";
const GOOGLE: &str = "
import hashlib, json, os, sys, urllib.parse, urllib.request
def ask(path, body=None):
    request = urllib.request.Request(os.environ['URL'] + '/storage/v1/b' + path, body, {'Content-Type': 'application/json'})
    return urllib.request.urlopen(request).read()
what, bucket = sys.argv[1:]
if what == 'make':
    ask('', json.dumps({'name': bucket}).encode())
else:
    for object in json.loads(ask(f'/{bucket}/o')).get('items', []):
        name = urllib.parse.quote(object['name'], safe='')
        print(object['name'], hashlib.sha256(ask(f'/{bucket}/o/{name}?alt=media')).hexdigest())
";

/// Stands before the store in the mood that a file says: takes connections and says nothing (`mute`, which it begins with), answers 503, passes on
/// what comes, or does that at 2 MB a second (`slow`).
const MOODY: &str = r"
import os, socket, threading, time
host, port = os.environ['URL'].removeprefix('http://').split(':')
def mood():
    try:
        return open('/data/mood').read()
    except FileNotFoundError:
        return 'mute'
def pass_on(one, other):
    try:
        while piece := one.recv(65536):
            if mood() == 'slow':
                time.sleep(len(piece) / 2e6)
            if mood() in ('mute', '503'):
                break
            other.sendall(piece)
    except OSError:
        pass
    for end in one, other:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
def serve(client):
    try:
        if mood() == 'mute':
            time.sleep(1e9)
        if mood() == '503':
            client.recv(65536)
            client.sendall(b'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
            return client.close()
        store = socket.create_connection((host, int(port)))
    except OSError:
        return client.close()
    for pair in (client, store), (store, client):
        threading.Thread(target=pass_on, args=pair, daemon=True).start()
door = socket.create_server(('', 7070), backlog=128)
while True:
    threading.Thread(target=serve, args=(door.accept()[0],), daemon=True).start()
";
/// Gives everybody a token, in the place of Google's accounts.
const TOKENS: &str = "
import http.server, json
class Accounts(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.end_headers()
        self.wfile.write(json.dumps({'access_token': 'token', 'expires_in': 3600, 'token_type': 'Bearer'}).encode())
http.server.ThreadingHTTPServer(('', 7070), Accounts).serve_forever()
";

/// Whose way of speaking a store has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// versitygw.
    S3,
    /// Azurite; its account is `azure`.
    Azure,
    /// fake-gcs-server, which believes whoever has a token.
    Google,
}

/// A store. The key that opens it is in the Secret of its name once [`Store::keys`] has put it there.
pub struct Store<'a> {
    pulp: &'a PulpStory,
    kind: Kind,
    /// What opens it.
    pub key: String,
}

impl Kind {
    /// Its Service and Secret, and its field in `spec.storage`. Azurite takes the first part of its host name for the account.
    pub fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Azure => "azure",
            Self::Google => "gcs",
        }
    }

    /// A key that does not open it, and what it or its client says of that.
    pub fn wrong(self) -> (&'static str, &'static str) {
        match self {
            Self::S3 => ("guessed", "SignatureDoesNotMatch"),
            Self::Azure => ("Z3Vlc3NlZA==", "AuthorizationFailure"),
            Self::Google => ("{}", "does not have a valid type"),
        }
    }

    fn port(self) -> u16 {
        match self {
            Self::S3 => 7070,
            Self::Azure => 10000,
            Self::Google => 4443,
        }
    }
}

impl<'a> Store<'a> {
    /// Starts one, without a bucket.
    pub async fn start(pulp: &'a PulpStory, kind: Kind) -> Self {
        Self::start_on(pulp, kind, json!({ "emptyDir": {} })).await
    }

    /// The same, with room for so many MiB, in memory.
    pub async fn sized(pulp: &'a PulpStory, kind: Kind, size: u32) -> Self {
        let volume = json!({ "emptyDir": { "medium": "Memory", "sizeLimit": format!("{size}Mi") } });
        Self::start_on(pulp, kind, volume).await
    }

    async fn start_on(pulp: &'a PulpStory, kind: Kind, volume: Value) -> Self {
        let mut store = Self { pulp, kind, key: String::new() };
        store.key = match kind {
            Kind::S3 => S3_KEY.into(),
            Kind::Azure => AZURE_KEY.into(),
            Kind::Google => store.key_file(),
        };
        store.secret("owner", json!({ "key": store.key })).await;
        let (name, port) = (kind.name(), kind.port());
        let own = match kind {
            Kind::S3 => json!([{ "name": "ROOT_ACCESS_KEY", "value": "owner" }, key("ROOT_SECRET_KEY")]),
            Kind::Azure => json!([key("KEY"), { "name": "AZURITE_ACCOUNTS", "value": "azure:$(KEY)" }]),
            Kind::Google => {
                json!([
                { "name": "FAKE_GCS_PUBLIC_HOST", "value": format!("{}:{port}", pulp.host(name)) },
                { "name": "FAKE_GCS_EXTERNAL_URL", "value": store.url() }])
            }
        };
        let server = json!({ "image": cluster::image(if kind == Kind::Azure { "azurite" } else { name }), "env": own,
            "readinessProbe": { "tcpSocket": { "port": port } } });
        let said = if kind == Kind::Google { TOKENS } else { MOODY };
        let owner = json!({ "image": image(pulp, "PULP").await, "command": ["python3", "-c", said],
            "env": [{ "name": "URL", "value": store.url() }, key("KEY")], "readinessProbe": { "tcpSocket": { "port": 7070 } } });
        for (name, user, port, container) in [(name, 1001, port, server), ("owner", 700, 7070, owner)] {
            pulp.bystander(name, user, port, container, &[("/data", volume.clone())]).await;
        }
        store
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}:{}", self.pulp.host(self.kind.name()), self.kind.port())
    }

    /// Where something stands before it that has moods; as long as nobody has said which, it takes connections and never answers.
    pub fn moody(&self) -> String {
        format!("http://{}:7070", self.pulp.host("owner"))
    }

    /// Says in which mood that is: `mute`, `503`, `slow`, `pass`.
    pub async fn mood(&self, mood: &str) {
        self.pulp.exec("owner", &["sh", "-c", &format!("printf %s {mood} > /data/mood")]).await;
    }

    /// Its host name, and the address that this has inside of the cluster.
    pub async fn address(&self) -> (String, SocketAddr) {
        let name = self.kind.name();
        let service: Service = self.pulp.api().get(name).await.expect("the Service");
        let address = service.spec.and_then(|spec| spec.cluster_ip).unwrap_or_default();
        (self.pulp.host(name), SocketAddr::new(address.parse().expect("an address"), self.kind.port()))
    }

    /// The bucket `artifacts` in it, as `spec.storage` names it.
    pub fn bucket(&self, redirect: bool) -> String {
        let name = self.kind.name();
        let which = match self.kind {
            Kind::Azure => "account: azure, container: artifacts",
            Kind::S3 | Kind::Google => "bucket: artifacts",
        };
        let place = self.url();
        format!(
            "{{{name}: {{{which}, endpoint: '{place}', credentials: {{name: {name}}}, redirect: {redirect}}}}}"
        )
    }

    /// Puts a key where a Pulp finds it.
    pub async fn keys(&self, key: &str) {
        self.secret(self.kind.name(), self.values(key)).await;
    }

    /// Lets a Pulp of another namespace in.
    pub async fn opens(&self, pulp: &PulpStory) {
        secret(pulp, self.kind.name(), self.values(&self.key)).await;
    }

    fn values(&self, key: &str) -> Value {
        match self.kind {
            Kind::S3 => json!({ "accessKeyId": "owner", "secretAccessKey": key }),
            Kind::Azure => json!({ "accountKey": key }),
            Kind::Google => json!({ "key.json": key }),
        }
    }

    /// States a Secret.
    pub async fn secret(&self, name: &str, values: Value) {
        secret(self.pulp, name, values).await;
    }

    /// Makes a bucket; in a store that speaks S3 it may be there.
    pub async fn make(&self, bucket: &str) {
        self.owner("make", &[bucket]).await;
    }

    /// The objects in a bucket: name and SHA-256 of what the store hands out.
    pub async fn objects(&self, bucket: &str) -> Vec<String> {
        self.owner("list", &[bucket]).await.lines().map(str::to_owned).collect()
    }

    /// Flips a bit of an object, in a store that speaks S3. Twice, and it is as it was.
    pub async fn flip(&self, bucket: &str, object: &str) {
        self.owner("flip", &[bucket, object]).await;
    }

    /// Gives an object another name, in a store that speaks S3.
    pub async fn rename(&self, bucket: &str, from: &str, to: &str) {
        self.owner("move", &[bucket, from, to]).await;
    }

    /// Puts an object of so many zeros into a bucket, in a store that speaks S3.
    pub async fn fill(&self, bucket: &str, object: &str, bytes: usize) {
        self.owner("fill", &[bucket, object, &bytes.to_string()]).await;
    }

    /// Takes an object out of a bucket, in a store that speaks S3.
    pub async fn free(&self, bucket: &str, object: &str) {
        self.owner("free", &[bucket, object]).await;
    }

    async fn owner(&self, what: &str, about: &[&str]) -> String {
        let script = match self.kind {
            Kind::S3 => S3,
            Kind::Azure => AZURE,
            Kind::Google => GOOGLE,
        };
        self.pulp.exec("owner", &[&["python3", "-c", script, what], about].concat()).await
    }

    /// The key file of a service account, whose tokens the owner gives.
    fn key_file(&self) -> String {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key");
        let mail = "pulp@e2e.iam.gserviceaccount.com";
        json!({ "type": "service_account", "project_id": "e2e", "private_key_id": "1", "client_id": "1", "client_email": mail,
            "private_key": key.serialize_pem(), "token_uri": format!("{}/token", self.moody()) })
        .to_string()
    }
}

async fn secret(pulp: &PulpStory, name: &str, values: Value) {
    let secret =
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": values });
    pulp.apply::<Secret>(name, &secret).await;
}

/// The owner's key as a variable.
fn key(name: &str) -> Value {
    json!({ "name": name, "valueFrom": { "secretKeyRef": { "name": "owner", "key": "key" } } })
}
