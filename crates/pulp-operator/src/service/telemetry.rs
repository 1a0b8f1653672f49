//! What API, content and workers export themselves: metrics, by OTLP over HTTP, straight to a collector of the user's. Pulp's own
//! libraries do it; no other process stands beside or around it.

use k8s_openapi::api::core::v1::PodSpec;
use reconcile::pod::{env, env_secret, mount};

use super::{Instance, process};

/// Tells the pod's process where to, if it is to export anything.
pub fn export(pulp: &Instance, pod: &mut PodSpec) {
    let Some(telemetry) = &pulp.spec.telemetry else { return };
    let mut variables = vec![
        env("OTEL_EXPORTER_OTLP_ENDPOINT", telemetry.endpoint.trim_end_matches('/')),
        env("OTEL_METRIC_EXPORT_INTERVAL", (telemetry.interval_seconds * 1000).to_string()),
        // The kubelet's probes are no requests that anybody wants counted.
        env("OTEL_PYTHON_EXCLUDED_URLS", "/livez/$"),
    ];
    if let Some(headers) = &telemetry.headers {
        variables.push(env_secret("OTEL_EXPORTER_OTLP_HEADERS", &headers.name, &headers.key));
    }
    let container = &mut pod.containers[0];
    if let Some(ca) = &telemetry.ca {
        variables.push(env("OTEL_EXPORTER_OTLP_CERTIFICATE", "/etc/pulp/telemetry-ca/ca.crt"));
        let volumes = pod.volumes.get_or_insert_default();
        volumes.push(process::one("telemetry-ca", &ca.name, &ca.key, "ca.crt"));
        let mounts = container.volume_mounts.get_or_insert_default();
        mounts.push(mount("telemetry-ca", "/etc/pulp/telemetry-ca"));
    }
    container.env.get_or_insert_default().extend(variables);
}
