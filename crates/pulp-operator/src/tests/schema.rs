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
        (&format!("{{{file}, settingsFrom: [{{}}]}}"), None, "give each entry either configMap or secret"),
        (
            &format!("{{{file}, api: {{autoscaling: {{minReplicas: 3, maxReplicas: 2}}}}}}"),
            None,
            "minReplicas must not be larger",
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
    ];
    for (spec, old, mend) in cases {
        let said = refused(spec, old);
        assert!(said.contains(mend), "{spec}: {said}");
    }
    for spec in [
        format!("{{{file}, settings: {{A: [1, {{b: c}}], TASK_GRACE_INTERVAL: 5}}}}"),
        format!("{{{file}, ingress: {{type: Route, host: pulp.example.com}}}}"),
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
