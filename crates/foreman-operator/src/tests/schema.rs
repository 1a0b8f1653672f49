//! What the API server refuses, checked without one.

use kube::CustomResourceExt;

use super::*;

/// What the API server says to a manifest; `old`: to a change.
fn refused(spec: &str, old: Option<&str>) -> String {
    let manifest = |spec: &str| foreman(&format!("{{metadata: {{name: f, namespace: n}}, spec: {spec}}}"));
    let said = match old {
        None => manifest(spec).validate_cel(),
        Some(old) => manifest(spec).validate_cel_update(&manifest(old)),
    };
    said.err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn the_schema_refuses_with_the_field_and_the_mend() {
    let cases = [
        ("{plugins: {katelo: true}}", None, "unknown plugin; known are: tasks, remote_execution, katello"),
        ("{plugins: {rh_cloud: true}}", None, "rh_cloud needs katello; add `katello: true`"),
        (
            "{plugins: {katello: true, tasks: false}}",
            None,
            "katello always needs tasks; remove `tasks: false`",
        ),
        (
            "{database: {embedded: {}, external: {host: h, credentials: {name: c}}}}",
            None,
            "spec.database: embedded and external exclude each other; remove one",
        ),
        ("{ingress: {host: Foreman}}", None, "fully qualified host name in lower case"),
        ("{ingress: {host: 192.168.1.10}}", None, "fully qualified host name in lower case"),
        (
            "{database: {external: {host: 'pg:5432/x', credentials: {name: c}}}}",
            None,
            "must be a host name or an address, without port or scheme",
        ),
        ("{storage: {database: {size: much}}}", None, "size must be an amount such as 10Gi"),
        (
            "{storage: {database: {size: 1Gi}}}",
            Some("{storage: {database: {size: 2Gi}}}"),
            "a volume cannot shrink",
        ),
        (
            "{database: {external: {host: h, name: b, credentials: {name: c}}}}",
            Some("{database: {external: {host: h, name: a, credentials: {name: c}}}}"),
            "spec.database.external.name cannot be changed",
        ),
        (
            "{database: {external: {host: h, credentials: {name: c}}}}",
            Some("{}"),
            "a database cannot be moved between inside and outside",
        ),
        (
            "{storage: {shared: {size: 1Gi, accessMode: ReadWriteOnce}}}",
            Some("{storage: {shared: {size: 1Gi}}}"),
            "accessMode of a volume cannot be changed",
        ),
        ("{resources: {web: {limits: {memory: lots}}}}", None, "requests and limits must be amounts"),
    ];
    for (spec, old, mend) in cases {
        let said = refused(spec, old);
        assert!(said.contains(mend), "{spec}: {said}");
    }
    assert_eq!(
        refused("{storage: {database: {size: 2Gi}}}", Some("{storage: {database: {size: 1024Mi}}}")),
        ""
    );
    assert_eq!(refused("{plugins: {katello: true, rh_cloud: true}}", None), "");
    assert_eq!(refused("{resources: {web: {requests: {cpu: 1, memory: 2Gi}}}}", None), "");
}

#[test]
fn numbers_and_names_have_bounds() {
    let crd = serde_json::to_value(Foreman::crd()).unwrap();
    let at = |path: &str| {
        crd.pointer(&format!("/spec/versions/0/schema/openAPIV3Schema/properties{path}")).cloned()
    };
    assert_eq!(at("/spec/properties/dynflow_workers/minimum").unwrap().as_f64(), Some(1.0));
    assert_eq!(at("/spec/properties/dynflow_workers/maximum").unwrap().as_f64(), Some(100.0));
    let mut long = foreman(MANIFEST);
    long.metadata.name = Some("a".repeat(36));
    assert!(long.validate_cel().unwrap_err().to_string().contains("at most 35 characters"));
}
