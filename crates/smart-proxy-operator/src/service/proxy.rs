//! The Smart Proxy itself: one pod, because it keeps jobs and leases in memory. It reads settings and certificates once, at its start: when
//! they change, the pod is replaced.

use base64::{Engine, engine::general_purpose::STANDARD};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, ExecAction, KeyToPath, Lifecycle, LifecycleHandler,
    PodSecurityContext, PodSpec, Probe, SecretVolumeSource, SecurityContext, Sysctl, Volume, VolumeMount,
};
use reconcile::{
    Object, Replace,
    field::Amounts,
    pod::{claim_volume, env, every, http, mount, mount_file, scratch, secret_volume, user},
};
use serde_json::json;

use super::{boot, hosts::STATE, tftp};
use crate::{
    checked::Checked,
    names::{BOOT, CA, CRT, ETC, KEY, PROXY, SETTINGS, STATE as STATE_VOLUME},
    settings::{File, Value},
};

/// The user `foreman-proxy` of upstream's image. OpenSSH looks it up by its number.
pub const USER: i64 = 991;
/// Where settings of modules are.
const DIRECTORY: &str = "/etc/foreman-proxy/settings.d";
/// Key of Foreman's authority among the settings.
const FOREMAN_CA: &str = "foreman-ca.crt";
/// Time to end (s): two seconds without jobs.
const GRACE: i64 = 30;
/// The same, where jobs run.
const GRACE_WITH_JOBS: i64 = 600;
/// Waits until no job is running: a restart cuts them off.
const DRAIN: &str = include_str!("proxy/drain.sh");
/// What machines look for on the volume that they boot from.
const FOLDERS: &str = "cd /var/lib/tftpboot && mkdir -p pxelinux.cfg grub2 boot ztp.cfg poap.cfg host-config bootloader-universe && { [ -e grub2/boot ] || ln -s ../boot grub2/boot; }";

/// Volumes, settings, Service and pod.
pub fn objects(proxy: &Checked) -> Vec<Object> {
    let mut objects = vec![];
    for (part, volume, wanted) in [
        (BOOT, &proxy.spec.storage.boot, boots(proxy)),
        (STATE_VOLUME, &proxy.spec.storage.state, lasts(proxy)),
    ] {
        if wanted {
            let class = volume.storage_class_name.as_deref();
            objects.push(proxy.part(part).claim(&volume.size, class, "ReadWriteOnce").kept(proxy.keep));
        }
    }
    let files = settings(proxy);
    objects.push(secret(proxy, &files));
    objects.push(service(proxy));
    let pod = pod(proxy, &files);
    let deployment = proxy.part(PROXY).deployment(1, Replace::OneAtATime, pod);
    // It reads some of its files only at its start.
    objects.push(deployment.templated(&proxy.spec.template).on_data(&proxy.data));
    objects
}

/// Whether some module has files that machines boot from.
pub fn boots(proxy: &Checked) -> bool {
    proxy.modules.iter().any(|module| module.boots)
}

/// Whether some module keeps what must survive a restart.
pub fn lasts(proxy: &Checked) -> bool {
    proxy.modules.iter().any(|module| module.lasting)
}

/// All settings files, `settings` first, with what the manifest adds.
fn settings(proxy: &Checked) -> Vec<File> {
    let spec = &proxy.spec;
    let at = |directory: &str, key: &str| format!("{ETC}/{directory}/{key}");
    let whole = File::new(SETTINGS)
        .with("settings_directory", DIRECTORY)
        .with("https_port", spec.port)
        .with_some("http_port", proxy.listens_on_http().then_some(spec.http_port))
        .with("ssl_certificate", at("server", CRT))
        .with("ssl_private_key", at("server", KEY))
        .with("ssl_ca_file", at("server", CA))
        .with("trusted_hosts", proxy.trusted())
        .with("foreman_url", proxy.foreman.url.clone())
        .with("foreman_ssl_ca", format!("{ETC}/{FOREMAN_CA}"))
        .with("foreman_ssl_cert", at("client", CRT))
        .with("foreman_ssl_key", at("client", KEY))
        .with("log_file", "STDOUT")
        .with("log_level", spec.log_level.name());
    let mut files = vec![whole];
    files.extend(proxy.modules.iter().flat_map(|module| module.files.clone()));
    for (name, extra) in &spec.extra_settings {
        let place = files.iter().position(|file| file.name == *name).unwrap_or_else(|| {
            files.push(File::new(name));
            files.len() - 1
        });
        files[place].settings.extend(extra.iter().map(|(key, value)| (key.clone(), Value::from(value))));
    }
    files
}

/// Settings may hold keys and passwords: all of them in a Secret.
fn secret(proxy: &Checked, files: &[File]) -> Object {
    let mut object = proxy.part(SETTINGS).secret([(FOREMAN_CA, proxy.foreman.authority.clone())]);
    for file in files {
        object.body.data["data"][format!("{}.yml", file.name)] = STANDARD.encode(file.text()).into();
    }
    object
}

/// Named as the instance itself. What is announced must be the port that is listened on: Foreman makes URLs from it.
fn service(proxy: &Checked) -> Object {
    let spec = &proxy.spec;
    let mut ports = vec![("https", spec.port)];
    if proxy.listens_on_http() {
        ports.push(("http", spec.http_port));
    }
    let mut service = proxy.part(PROXY).service(spec.service.type_.name(), &ports);
    service.body.metadata.name = Some(proxy.name.clone());
    if !spec.service.annotations.is_empty() {
        service.body.metadata.annotations = Some(spec.service.annotations.clone());
    }
    if proxy.images.dnsmasq.is_some() {
        let port = json!({ "name": "tftp", "port": 69, "targetPort": "tftp", "protocol": "UDP" });
        service.body.data["spec"]["ports"]
            .as_array_mut()
            .into_iter()
            .for_each(|ports| ports.push(port.clone()));
    }
    service
}

fn pod(proxy: &Checked, files: &[File]) -> PodSpec {
    let (server, client) = proxy.certificates();
    let settings = proxy.part(SETTINGS).name();
    let modules = files.iter().filter(|file| file.name != SETTINGS);
    let item = |file: &File| KeyToPath {
        key: format!("{}.yml", file.name),
        path: format!("{}.yml", file.name),
        mode: None,
    };
    let source = SecretVolumeSource {
        secret_name: Some(settings.clone()),
        default_mode: Some(0o440),
        items: Some(modules.map(item).collect()),
        ..Default::default()
    };
    let state = |wanted, part: &str| {
        if wanted { claim_volume(part, &proxy.part(part).name()) } else { scratch(part) }
    };
    let mut volumes = vec![
        secret_volume("settings", &settings),
        Volume { name: "modules".into(), secret: Some(source), ..Default::default() },
        secret_volume("server", &server),
        secret_volume("client", &client),
        state(lasts(proxy), STATE_VOLUME),
        scratch("tmp"),
        scratch("var-tmp"),
        scratch("ssh-home"),
    ];
    let mut mounts = vec![
        mount_file("settings", "settings.yml", &format!("{ETC}/settings.yml")),
        mount_file("settings", FOREMAN_CA, &format!("{ETC}/{FOREMAN_CA}")),
        read_only("modules", DIRECTORY),
        read_only("server", &format!("{ETC}/server")),
        read_only("client", &format!("{ETC}/client")),
        mount(STATE_VOLUME, STATE),
        mount("tmp", "/tmp"),
        mount("var-tmp", "/var/tmp"),
        // Keys of hosts that were met.
        mount("ssh-home", "/usr/share/foreman-proxy/.ssh"),
    ];
    if boots(proxy) {
        volumes.push(state(true, BOOT));
        mounts.push(mount(BOOT, boot::ROOT));
    }
    for module in &proxy.modules {
        volumes.extend(module.volumes.clone());
        mounts.extend(module.mounts.clone());
    }
    let jobs = proxy.modules.iter().any(|module| module.name == "dynflow");
    let mut containers = vec![container(proxy, mounts, jobs)];
    containers.extend(tftp::container(proxy));
    PodSpec {
        security_context: Some(PodSecurityContext {
            // Safe, and counts for this pod only: the TFTP server is not root.
            sysctls: proxy.images.dnsmasq.is_some().then(|| {
                vec![Sysctl { name: "net.ipv4.ip_unprivileged_port_start".into(), value: "0".into() }]
            }),
            ..user(USER)
        }),
        termination_grace_period_seconds: Some(if jobs { GRACE_WITH_JOBS } else { GRACE }),
        init_containers: boots(proxy).then(|| vec![folders(proxy)]),
        containers,
        volumes: Some(volumes),
        ..Default::default()
    }
}

fn read_only(volume: &str, path: &str) -> VolumeMount {
    VolumeMount { read_only: Some(true), ..mount(volume, path) }
}

fn container(proxy: &Checked, mounts: Vec<VolumeMount>, jobs: bool) -> Container {
    let spec = &proxy.spec;
    let port = |name: &str, port| ContainerPort {
        name: Some(name.into()),
        container_port: port,
        ..Default::default()
    };
    let mut ports = vec![port("https", spec.port)];
    if proxy.listens_on_http() {
        ports.push(port("http", spec.http_port));
    }
    let drain = ExecAction {
        command: Some(["bash", "-c", DRAIN, "drain", &spec.port.to_string()].map(Into::into).into()),
    };
    Container {
        name: "smart-proxy".into(),
        image: Some(proxy.images.smart_proxy.clone()),
        env: Some(vec![
            env("FOREMAN_PROXY_ENABLED_PLUGINS", plugins(proxy).join(" ")),
            env("HOME", STATE),
            env("MALLOC_ARENA_MAX", "2"),
        ]),
        ports: Some(ports),
        resources: Some(Amounts::or(None, ["50m", "128Mi"], ["2", "1Gi"])),
        // By HTTPS, because a missing authority or a key of another certificate stops nothing else. Idle connections can stall it for half
        // a minute: only what lasts longer is a reason to start it anew.
        startup_probe: Some(every(answers(), 2, 5, 60)),
        readiness_probe: Some(every(answers(), 5, 5, 3)),
        liveness_probe: Some(every(answers(), 15, 10, 6)),
        lifecycle: jobs.then(|| Lifecycle {
            pre_stop: Some(LifecycleHandler { exec: Some(drain), ..Default::default() }),
            ..Default::default()
        }),
        security_context: Some(locked()),
        volume_mounts: Some(mounts),
        ..Default::default()
    }
}

fn answers() -> Probe {
    http("HTTPS", "https", "/version", &[])
}

fn locked() -> SecurityContext {
    SecurityContext {
        read_only_root_filesystem: Some(true),
        allow_privilege_escalation: Some(false),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), add: None }),
        ..Default::default()
    }
}

/// Plugins to load: those that the modules come from, or those that are named. A plugin that is not loaded is not even a failed module.
fn plugins(proxy: &Checked) -> Vec<&str> {
    if let Some(named) = &proxy.spec.plugins {
        return named.iter().map(String::as_str).collect();
    }
    let mut all: Vec<_> = proxy.modules.iter().flat_map(|module| module.plugins.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn folders(proxy: &Checked) -> Container {
    Container {
        name: "folders".into(),
        image: Some(proxy.images.smart_proxy.clone()),
        command: Some(["bash", "-c", FOLDERS].map(Into::into).into()),
        resources: Some(Amounts::or(None, ["10m", "16Mi"], ["500m", "64Mi"])),
        security_context: Some(locked()),
        volume_mounts: Some(vec![mount(BOOT, boot::ROOT)]),
        ..Default::default()
    }
}
