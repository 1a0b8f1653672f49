//! A directory of people and a server of files, both of somebody else's, with certificates of an authority of their own.

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use serde_json::json;

use crate::{PulpStory, bystander::certificates, cluster, told::image};

/// The password that the directory is read with: ends a string or begins an expansion in Python, LDAP, the shell and the library that
/// reads Pulp's settings.
pub const PASSWORD: &str = r#"@int q"u\o't$(id){0}%(user)s*)é"#;

/// People, who all have the password `<name>'s secret`: Ann is an administrator, Bob may use Pulp, Eve may not.
const PEOPLE: &str = "
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: cn=reader,dc=example,dc=com
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: PASSWORD

dn: cn=admins,dc=example,dc=com
objectClass: groupOfNames
cn: admins
member: uid=ann,dc=example,dc=com

dn: cn=pulp,dc=example,dc=com
objectClass: groupOfNames
cn: pulp
member: uid=ann,dc=example,dc=com
member: uid=bob,dc=example,dc=com
";

/// What the server of files does.
const NGINX: &str = "
pid /tmp/nginx.pid;
error_log stderr warn;
events {}
http {
  access_log /dev/stdout;
  client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi; uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  server {
    listen 8443 ssl;
    ssl_certificate /tls/tls.crt;
    ssl_certificate_key /tls/tls.key;
    root /files;
  }
}";

/// Where people are found, as LDAP; where files are, as the URL of their list; and the authority that both have their certificates from.
pub struct Directory {
    /// URL of the directory.
    pub people: String,
    /// URL of a `PULP_MANIFEST` with one file in it.
    pub files: String,
    /// Certificate of the authority.
    pub authority: String,
}

impl Directory {
    /// Starts both.
    pub async fn start(pulp: &PulpStory) -> Self {
        let (people, files) = (pulp.host("openldap"), pulp.host("files"));
        let (authority, certificate, key) = certificates(&[people.clone(), files.clone()]);
        let tls = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "tls" },
            "stringData": { "tls.crt": certificate, "tls.key": key } });
        pulp.apply::<Secret>("tls", &tls).await;
        let map = |name: &str, data| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": data });
        let hello = "hello, PULP_MANIFEST\n";
        let list = format!("hello.txt,{},{}\n", crate::content::sha256(hello.as_bytes()), hello.len());
        let served = json!({ "nginx.conf": NGINX, "PULP_MANIFEST": list, "hello.txt": hello });
        pulp.apply::<ConfigMap>("files", &map("files", served)).await;
        pulp.apply::<ConfigMap>("people", &map("people", json!({ "people.ldif": ldif() }))).await;

        let ready = |port: u16| json!({ "tcpSocket": { "port": port }, "periodSeconds": 1 });
        let secret = json!({ "secret": { "secretName": "tls", "defaultMode": 0o440 } });
        let from = |name: &str| json!({ "configMap": { "name": name } });
        let empty = || json!({ "emptyDir": {} });
        let openldap = json!({ "image": cluster::image("openldap"), "readinessProbe": ready(1636) });
        let volumes =
            [("/data", empty()), ("/tmp", empty()), ("/tls", secret.clone()), ("/entries", from("people"))];
        pulp.bystander("openldap", 1001, 1636, openldap, &volumes).await;
        let nginx = json!({ "image": image(pulp, "NGINX").await, "readinessProbe": ready(8443),
            "command": ["nginx", "-c", "/files/nginx.conf", "-g", "daemon off;"] });
        pulp.bystander(
            "files",
            101,
            8443,
            nginx,
            &[("/tmp", empty()), ("/tls", secret), ("/files", from("files"))],
        )
        .await;
        Self {
            people: format!("ldaps://{people}:1636"),
            files: format!("https://{files}:8443/PULP_MANIFEST"),
            authority,
        }
    }
}

fn ldif() -> String {
    let person = |name| {
        format!(
            "\ndn: uid={name},dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {name}\nsn: Example\n\
             mail: {name}@example.com\nuserPassword: {name}'s secret\n"
        )
    };
    [PEOPLE.replace("PASSWORD", PASSWORD)].into_iter().chain(["ann", "bob", "eve"].map(person)).collect()
}
