//! Short words for what stands in every pod.

use k8s_openapi::{
    api::core::v1::{
        ConfigMapVolumeSource, EmptyDirVolumeSource, EnvVar, EnvVarSource, ExecAction, HTTPGetAction,
        HTTPHeader, PersistentVolumeClaimVolumeSource, PodSecurityContext, Probe, ResourceRequirements,
        SecretKeySelector, SecretVolumeSource, SecurityContext, TCPSocketAction, Volume, VolumeMount,
    },
    apimachinery::pkg::util::intstr::IntOrString,
};

/// An environment variable.
pub fn env(name: &str, value: impl Into<String>) -> EnvVar {
    EnvVar { name: name.into(), value: Some(value.into()), ..Default::default() }
}

/// An environment variable from a Secret.
pub fn env_secret(name: &str, secret: &str, key: &str) -> EnvVar {
    let source = SecretKeySelector { name: secret.into(), key: key.into(), optional: None };
    let value_from = Some(EnvVarSource { secret_key_ref: Some(source), ..Default::default() });
    EnvVar { name: name.into(), value_from, ..Default::default() }
}

/// A volume that ends with the pod.
pub fn scratch(name: &str) -> Volume {
    Volume { name: name.into(), empty_dir: Some(EmptyDirVolumeSource::default()), ..Default::default() }
}

/// A `ConfigMap` as files.
pub fn config_volume(name: &str, config_map: &str) -> Volume {
    let source = ConfigMapVolumeSource { name: config_map.into(), ..Default::default() };
    Volume { name: name.into(), config_map: Some(source), ..Default::default() }
}

/// A Secret as files that only the pod's group can read.
pub fn secret_volume(name: &str, secret: &str) -> Volume {
    let source = SecretVolumeSource {
        secret_name: Some(secret.into()),
        default_mode: Some(0o440),
        ..Default::default()
    };
    Volume { name: name.into(), secret: Some(source), ..Default::default() }
}

/// A claimed volume.
pub fn claim_volume(name: &str, claim: &str) -> Volume {
    let source = PersistentVolumeClaimVolumeSource { claim_name: claim.into(), read_only: None };
    Volume { name: name.into(), persistent_volume_claim: Some(source), ..Default::default() }
}

/// A volume in a directory.
pub fn mount(volume: &str, path: &str) -> VolumeMount {
    VolumeMount { name: volume.into(), mount_path: path.into(), ..Default::default() }
}

/// One file of a volume. It does not follow changes: the pod is replaced when its configuration changes.
pub fn mount_file(volume: &str, file: &str, path: &str) -> VolumeMount {
    VolumeMount { sub_path: Some(file.into()), read_only: Some(true), ..mount(volume, path) }
}

/// A user and group by number; volumes belong to the group.
pub fn user(id: i64) -> PodSecurityContext {
    PodSecurityContext {
        run_as_user: Some(id),
        run_as_group: Some(id),
        fs_group: Some(id),
        // Only if the root of the volume is another's: a content volume of a terabyte takes hours otherwise.
        fs_group_change_policy: Some("OnRootMismatch".into()),
        ..Default::default()
    }
}

/// A container that writes into its volumes only; what else is wanted of it is added to every pod.
pub fn read_only_root() -> SecurityContext {
    SecurityContext { read_only_root_filesystem: Some(true), ..Default::default() }
}

/// Asked for by HTTP(S).
pub fn http(scheme: &str, port: &str, path: &str, headers: &[(&str, &str)]) -> Probe {
    let header = |(name, value): &(&str, &str)| HTTPHeader { name: (*name).into(), value: (*value).into() };
    Probe {
        http_get: Some(HTTPGetAction {
            scheme: Some(scheme.into()),
            port: IntOrString::String(port.into()),
            path: Some(path.into()),
            http_headers: (!headers.is_empty()).then(|| headers.iter().map(header).collect()),
            host: None,
        }),
        ..Default::default()
    }
}

/// Asked for by opening a connection.
pub fn tcp(port: &str) -> Probe {
    let action = TCPSocketAction { port: IntOrString::String(port.into()), host: None };
    Probe { tcp_socket: Some(action), ..Default::default() }
}

/// Asked for by a command in the container.
pub fn exec<const N: usize>(command: [&str; N]) -> Probe {
    let action = ExecAction { command: Some(command.map(Into::into).into()) };
    Probe { exec: Some(action), ..Default::default() }
}

/// How often (s), how long one try may take (s), and how many may fail.
pub fn every(probe: Probe, seconds: i32, timeout: i32, failures: i32) -> Probe {
    Probe {
        period_seconds: Some(seconds),
        timeout_seconds: Some(timeout),
        failure_threshold: Some(failures),
        ..probe
    }
}

/// The memory limit in MiB; a gibibyte where there is none.
pub fn memory(resources: &ResourceRequirements) -> i64 {
    let limit = resources.limits.as_ref().and_then(|limits| limits.get("memory"));
    let bytes = limit.and_then(|limit| crate::amount(&limit.0.clone().into()));
    #[expect(clippy::cast_possible_truncation, reason = "an amount of memory fits")]
    bytes.map_or(1024, |bytes| (bytes / 1_048_576.0) as i64)
}
