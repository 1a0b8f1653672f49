//! What the API server refuses, checked without one.

use kube::CustomResourceExt;

use super::*;

/// What the API server says to a manifest; `old`: to a change.
fn refused(spec: &str, old: Option<&str>) -> String {
    let said = match old {
        None => of(spec).validate_cel(),
        Some(old) => of(spec).validate_cel_update(&of(old)),
    };
    said.err().map(|error| error.to_string()).unwrap_or_default()
}

/// A spec with this of LDAP; users are found somewhere unless it says otherwise.
fn ldap(file: &str, fields: &str) -> String {
    let users = if fields.contains("users:") { "" } else { ", users: {search: [{base: b}]}" };
    format!("{{{file}, authentication: {{ldap: {{{fields}{users}}}}}}}")
}

#[test]
fn the_schema_refuses_with_the_field_and_the_mend() {
    let file = "storage: {file: {size: 1Gi}}";
    let cases = [
        ("{storage: {}}", None, "give exactly one of file, claim, s3, azure, gcs"),
        (
            "{storage: {file: {size: 1Gi}, s3: {bucket: b}}}",
            None,
            "give exactly one of file, claim, s3, azure, gcs",
        ),
        ("{storage: {s3: {bucket: b}}}", Some("{storage: {file: {size: 1Gi}}}"), "artifacts do not move"),
        (
            "{storage: {s3: {bucket: b, endpoint: s3.example.com}}}",
            None,
            "must be a URL such as https://s3.example.com",
        ),
        (
            &format!("{{{file}, database: {{embedded: {{}}, cloudNativePG: {{name: x}}}}}}"),
            None,
            "exclude each other; keep one",
        ),
        (
            &format!("{{{file}, database: {{cloudNativePG: {{name: x}}}}}}"),
            Some(&format!("{{{file}, database: {{embedded: {{}}}}}}")),
            "cannot be moved between inside and outside",
        ),
        (
            &format!("{{{file}, database: {{cloudNativePG: {{name: x}}}}}}"),
            Some(&format!("{{{file}, web: {{}}}}")),
            "cannot be moved between inside and outside",
        ),
        (&format!("{{{file}, ingress: {{type: Ingress}}}}"), None, "needs the host name that clients use"),
        (&format!("{{{file}, ingress: {{type: Gateway, host: a.b}}}}"), None, "name the Gateway"),
        (
            &format!("{{{file}, ingress: {{nodePort: 30000}}}}"),
            None,
            "spec.ingress.nodePort: only with type NodePort",
        ),
        (
            &format!("{{{file}, ingress: {{type: Ingress, host: Pulp}}}}"),
            None,
            "fully qualified host name in lower case",
        ),
        (
            &format!("{{{file}, maintenance: {{repair: {{schedule: nightly12}}}}}}"),
            None,
            "schedule must have five fields",
        ),
        (
            &format!("{{{file}, signing: {{key: {{name: k}}}}}}"),
            None,
            "say what is signed by at least one of rpm, container, deb, collection",
        ),
        (
            &format!("{{{file}, signing: {{key: {{name: k}}, rpm: {{script: {{}}}}}}}}"),
            None,
            "script: give either configMap or secret",
        ),
        (
            &format!("{{{file}, signing: {{key: {{name: k}}, fingerprint: '0dbd d5d5', rpm: {{}}}}}}"),
            None,
            "the whole fingerprint of a key, in capitals and without spaces",
        ),
        (&format!("{{{file}, allowedContentChecksums: [md5, sha512]}}"), None, "sha256 must be among them"),
        (&format!("{{{file}, allowedContentChecksums: [sha256, md5, md5]}}"), None, "name each only once"),
        (&format!("{{{file}, settingsFrom: [{{}}]}}"), None, "give each entry either configMap or secret"),
        (
            &format!("{{{file}, api: {{autoscaling: {{minReplicas: 3, maxReplicas: 2}}}}}}"),
            None,
            "minReplicas must not be larger",
        ),
        (
            &format!("{{{file}, trustedCertificates: [{{}}]}}"),
            None,
            "give each entry either configMap or secret",
        ),
        (&ldap(file, "servers: ['ldap://a']"), None, "passwords would cross the network in clear"),
        (&ldap(file, "servers: ['ldaps://a'], startTls: true"), None, "only with ldap://"),
        (
            &ldap(file, "servers: ['ldaps://a'], users: {}"),
            None,
            "spec.authentication.ldap.users: give either search or dnTemplate",
        ),
        (
            &ldap(file, "servers: ['ldaps://a'], groups: {search: [{base: b}], type: MemberDN}"),
            None,
            "types MemberDN and NestedMemberDN need it",
        ),
        (
            &ldap(
                file,
                "servers: ['ldaps://a'], groups: {search: [{base: b}], mirror: {all: true, only: [a]}}",
            ),
            None,
            "give one of all: true, only, except",
        ),
        (
            &format!("{{{file}, worker: {{autoscaling: {{minReplicas: 3, maxReplicas: 2}}}}}}"),
            None,
            "spec.worker.autoscaling: minReplicas must not be larger than maxReplicas",
        ),
        (
            &format!("{{{file}, worker: {{autoscaling: {{maxReplicas: 2}}}}, metrics: {{enabled: false}}}}"),
            None,
            "spec.worker.autoscaling needs spec.metrics.enabled",
        ),
        (
            &format!("{{{file}, telemetry: {{endpoint: 'collector:4317'}}}}"),
            None,
            "spec.telemetry.endpoint must be a URL such as http://collector.monitoring.svc:4318",
        ),
        ("{storage: {file: {size: 1Gi}}}", Some("{storage: {file: {size: 2Gi}}}"), "a volume cannot shrink"),
        (
            "{storage: {claim: {name: a}}}",
            Some("{storage: {claim: {name: b}}}"),
            "spec.storage.claim.name cannot be changed",
        ),
        (
            "{storage: {azure: {account: acc, container: con, endpoint: acc.blob.example.com, credentials: {name: a}}}}",
            None,
            "must be a URL such as https://myaccount.blob.core.usgovcloudapi.net",
        ),
        (
            "{storage: {azure: {account: acc, container: con, endpoint: 'http://emulator:10000/acc'}}}",
            None,
            "without credentials it must be of the form https://<account>.blob.<domain>",
        ),
        ("{storage: {azure: {account: a.b, container: con}}}", None, "only lower-case letters and digits"),
        (
            "{storage: {gcs: {bucket: buc, endpoint: 'https://a.example.com/storage'}}}",
            None,
            "must be a URL such as https://storage-mine.p.googleapis.com",
        ),
    ];
    for (spec, old, mend) in cases {
        let said = refused(spec, old);
        assert!(said.contains(mend), "{spec}: {said}");
    }
    for spec in [
        ldap(file, "servers: ['ldap://a', 'ldap://b'], startTls: true, users: {dnTemplate: 'uid=%(user)s'}"),
        ldap(
            file,
            "servers: ['ldap://a'], insecure: true, groups: {search: [{base: b}], mirror: {all: true}}",
        ),
        format!("{{{file}, settings: {{A: [1, {{b: c}}], TASK_GRACE_INTERVAL: 5}}}}"),
        format!("{{{file}, ingress: {{type: Route, host: pulp.example.com}}}}"),
        "{storage: {azure: {account: acc, container: con, endpoint: 'http://emulator:10000/acc', credentials: {name: a}}}}".into(),
        "{storage: {azure: {account: acc, container: con, endpoint: 'https://acc.blob.core.usgovcloudapi.net/'}}}".into(),
        "{storage: {gcs: {bucket: buc, endpoint: 'http://gcs.example.com:4443'}}}".into(),
        format!(
            "{{{file}, allowedContentChecksums: [md5, sha256], signing: {{key: {{name: k}}, rpm: {{}}}}}}"
        ),
        format!("{{{file}, worker: {{autoscaling: {{minReplicas: 0, maxReplicas: 1}}}}}}"),
        format!("{{{file}, telemetry: {{endpoint: 'https://[fd00::1]:4318/otlp'}}}}"),
    ] {
        assert_eq!(refused(&spec, None), "", "{spec}");
    }
}

#[test]
fn the_crd_is_small_enough_for_a_client_side_apply() {
    let crd = serde_json::to_string(&Pulp::crd()).unwrap();
    // kubectl keeps the whole manifest in an annotation, and all annotations together may have 262144 bytes.
    assert!(crd.len() < 200_000, "{} bytes", crd.len());
}

#[test]
fn every_test_that_the_comparison_names_exists() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let read = |path: &str| std::fs::read_to_string(format!("{root}/{path}")).expect(path);
    let text = read("docs/reference/pulp-operator-comparison.md");
    let named = text.split('`').filter(|word| word.starts_with("crates/") || word.starts_with("e2e/tests/"));
    for name in named {
        let (path, function) = name.split_once("::").unwrap_or((name, ""));
        assert!(read(path).contains(&format!("fn {function}")), "{name}");
    }
}
