//! What hosts fetch content from: an Apache httpd in the pod of the proxy, because Katello pairs a proxy and a Pulp by their one host name, and
//! one Service leads to one pod. TLS ends in it, because it checks client certificates.

use k8s_openapi::api::core::v1::{Container, ContainerPort, VolumeMount};
use reconcile::{
    Object,
    field::Amounts,
    pod::{every, http, mount, mount_file, read_only_root},
};

use crate::{
    checked::Checked,
    names::{CRT, ETC, KEY},
    service::proxy::{CLIENT_CA, FOREMAN_CA},
};

/// Key of its configuration among the settings: it names a header that only the Pulp and it may know.
pub const CONFIG: &str = "content.conf";
/// Volume that ends with the pod: what it needs at run time, the proxy's certificate and key in one file among it.
pub const RUN: &str = "content-run";
const RUN_PATH: &str = "/run/content";
const TEMPLATE: &str = include_str!("content/httpd.conf");
/// Paths that are Foreman's.
const FOREMANS: [&str; 5] = [
    "/rhsm",
    "/redhat_access",
    "/api/lightspeed",
    "/api/registration_commands",
    "/katello/api/v2/repositories/",
];

/// Its configuration; nothing without content.
pub fn configuration(proxy: &Checked) -> Option<(&'static str, String)> {
    let content = proxy.content.as_ref()?;
    let claims = spellings("X_RHSM_SSL_CLIENT_CERT");
    let claims: Vec<_> = claims.iter().map(|name| format!("  RequestHeader unset {name}")).collect();
    let text = TEMPLATE
        .replace("@host@", &proxy.host)
        .replace("@inside@", &content.inside().to_string())
        .replace("@header@", &content.header)
        .replace("@claims@", &claims.join("\n"))
        .replace("@foreman@", &proxy.foreman.common_name)
        .replace("@api@", &content.api)
        .replace("@content@", &content.content)
        .replace("@routes@", &routes(proxy));
    Some((CONFIG, text))
}

/// Every name that an application cannot tell from this one: it sees underscores for dashes.
fn spellings(name: &str) -> Vec<String> {
    name.chars().fold(vec![String::new()], |all, character| {
        let next: &[char] = if character == '_' { &['_', '-'] } else { &[character] };
        all.iter().flat_map(|begin| next.iter().map(move |next| format!("{begin}{next}"))).collect()
    })
}

fn routes(proxy: &Checked) -> String {
    let foreman = &proxy.foreman.url;
    let mut lines: Vec<_> = FOREMANS
        .iter()
        .flat_map(|path| {
            [
                format!("  ProxyPass {path} {foreman}{path} retry=0 timeout=600 disablereuse=On"),
                format!("  ProxyPassReverse {path} {foreman}{path}"),
            ]
        })
        .collect();
    if proxy.modules.iter().any(|module| module.name == "container_gateway") {
        // In the same pod: nobody can come between.
        let gateway = format!("https://127.0.0.1:{}", proxy.spec.port);
        lines.push(format!("  <Proxy \"{gateway}/*\">"));
        lines.extend(["    SSLProxyVerify none".into(), "    SSLProxyCheckPeerName off".into()]);
        lines.push("  </Proxy>".into());
        lines.extend(["/v1/", "/v2/", "/index/"].map(|path| {
            format!(
                "  ProxyPass {path} {gateway}/container_gateway{path} retry=0 timeout=600 disablereuse=On"
            )
        }));
    }
    lines.join("\n")
}

/// By this a Pulp knows the URL under which its clients come.
pub fn objects(proxy: &Checked) -> Vec<Object> {
    let Some(content) = &proxy.content else { return vec![] };
    let origin = crate::check::origin(&proxy.host, content.port);
    let mut front = proxy.part("front").config_map([("url", origin)]);
    front.body.metadata.name = Some(format!("{}-front", content.pulp));
    vec![front]
}

/// Puts certificate and key into one file, as httpd wants it: a key of the older form, which Ruby writes.
pub fn identity(proxy: &Checked) -> Option<Container> {
    proxy.content.as_ref()?;
    let script = format!(
        "client = '{ETC}/client'; \
         pem = File.read(\"#{{client}}/{CRT}\") + OpenSSL::PKey.read(File.read(\"#{{client}}/{KEY}\")).to_pem; \
         File.write('{RUN_PATH}/client.pem', pem, perm: 0o600)"
    );
    Some(Container {
        name: "identity".into(),
        image: Some(proxy.images.smart_proxy.clone()),
        command: Some(["ruby", "-ropenssl", "-e", &script].map(Into::into).into()),
        resources: Some(Amounts::or(None, ["10m", "32Mi"], ["500m", "128Mi"])),
        security_context: Some(read_only_root()),
        volume_mounts: Some(vec![read_only("client"), mount(RUN, RUN_PATH)]),
        ..Default::default()
    })
}

/// Nothing without content.
pub fn container(proxy: &Checked) -> Option<Container> {
    let content = proxy.content.as_ref()?;
    let ready = || http("HTTPS", "content", "/proxy-ready", &[]);
    let settings = |key: &str| mount_file("settings", key, &format!("{ETC}/{key}"));
    Some(Container {
        name: "content".into(),
        image: Some(proxy.images.httpd.clone()),
        command: Some(["httpd", "-D", "FOREGROUND", "-f", &format!("{ETC}/{CONFIG}")].map(Into::into).into()),
        ports: Some(vec![ContainerPort {
            name: Some("content".into()),
            container_port: content.inside(),
            ..Default::default()
        }]),
        resources: Some(Amounts::or(None, ["25m", "64Mi"], ["2", "512Mi"])),
        readiness_probe: Some(every(ready(), 5, 5, 3)),
        liveness_probe: Some(every(ready(), 15, 10, 6)),
        security_context: Some(read_only_root()),
        volume_mounts: Some(vec![
            settings(CONFIG),
            settings(CLIENT_CA),
            settings(FOREMAN_CA),
            mount_file("settings", FOREMAN_CA, &format!("{ETC}/pub/katello-server-ca.crt")),
            read_only("server"),
            mount(RUN, RUN_PATH),
            mount("tmp", "/tmp"),
        ]),
        ..Default::default()
    })
}

fn read_only(volume: &str) -> VolumeMount {
    VolumeMount { read_only: Some(true), ..mount(volume, &format!("{ETC}/{volume}")) }
}
