//! The Smart Proxy itself: one pod, because some of its modules keep jobs and leases in memory. It reads settings and certificates once, at
//! its start: when they change, the pod is replaced.

use base64::{Engine, engine::general_purpose::STANDARD};
use k8s_openapi::{
    api::core::v1::{
        Affinity, Container, ContainerPort, ExecAction, KeyToPath, Lifecycle, LifecycleHandler, PodAffinity,
        PodAffinityTerm, PodSecurityContext, PodSpec, Probe, SecretVolumeSource, SleepAction, Sysctl, Volume,
        VolumeMount, WeightedPodAffinityTerm,
    },
    apimachinery::pkg::apis::meta::v1::LabelSelector,
};
use reconcile::{
    Object, Replace,
    field::Amounts,
    pod::{claim_volume, env, every, http, mount, mount_file, read_only_root, scratch, secret_volume, user},
};
use serde_json::json;

use super::{boot, content, hosts::STATE, jobs, mqtt, openscap, tftp};
use crate::{
    checked::{Checked, Pair},
    names::{BOOT, CRT, ETC, KEY, PROXY, SETTINGS, STATE as STATE_VOLUME},
    settings::{File, Value},
};

/// The user `foreman-proxy` of upstream's image. OpenSSH looks it up by its number.
pub const USER: i64 = 991;
/// Where settings of modules are.
const DIRECTORY: &str = "/etc/foreman-proxy/settings.d";
/// Key of Foreman's authority among the settings.
pub const FOREMAN_CA: &str = "foreman-ca.crt";
/// Key of the authorities of clients among the settings.
pub const CLIENT_CA: &str = "client-ca.crt";
/// Time to end (s): two seconds without jobs.
const GRACE: i64 = 30;
/// How long a pod goes on serving once another one has taken its place (s): until nobody is sent to it any more.
const LINGER: i64 = 5;
/// Time to end where jobs run (s).
const GRACE_WITH_JOBS: i64 = 600;
/// Waits until no job is running: a restart cuts them off.
const DRAIN: &str = include_str!("proxy/drain.sh");
/// What machines look for on the volume that they boot from.
const BOOT_FOLDERS: &str = "cd /var/lib/tftpboot && mkdir -p pxelinux.cfg grub2 boot ztp.cfg poap.cfg host-config bootloader-universe && { [ -e grub2/boot ] || ln -s ../boot grub2/boot; }";
/// Keys of hosts that were met: a host whose key is another one after a restart must be noticed.
const STATE_FOLDERS: &str = "mkdir -p /var/lib/foreman-proxy/.ssh";
/// Where SSH looks for them: in the user's home as the system knows it, whatever `HOME` says.
const SSH_HOME: &str = "/usr/share/foreman-proxy/.ssh";

/// Volumes, settings, Service and pod: one, or none.
pub fn objects(proxy: &Checked, pods: i32) -> Vec<Object> {
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
    let deployment = proxy.part(PROXY).deployment(pods, replace(proxy), pod);
    // It reads some of its files only at its start.
    objects.push(deployment.templated(&proxy.spec.template).on_data(&proxy.data));
    objects
}

/// Two at once know nothing of each other's jobs and leases, and cannot share the ports of a node. Where there is none of that, nobody need
/// wait for a new pod: files to boot from are written whole and remembered by nobody. What a further setting switches on is not known to us.
fn replace(proxy: &Checked) -> Replace {
    let further = proxy.spec.extra_settings.values().any(|settings| settings.contains_key("enabled"));
    // Addresses that were offered are remembered in memory only.
    let leases = runs(proxy, "dhcp");
    if leases || further || lasts(proxy) || proxy.spec.host_network {
        Replace::OneAtATime
    } else {
        Replace::Rolling
    }
}

/// A volume that is written on one node can have two pods there, and none elsewhere. Not demanded: where that node is lost, the pod has to go
/// to another one, to which the volume comes after it.
fn together(proxy: &Checked) -> Option<Affinity> {
    let term = PodAffinityTerm {
        label_selector: Some(LabelSelector {
            match_labels: Some(proxy.part(PROXY).selector()),
            ..Default::default()
        }),
        topology_key: "kubernetes.io/hostname".into(),
        ..Default::default()
    };
    let preferred = WeightedPodAffinityTerm { weight: 100, pod_affinity_term: term };
    (boots(proxy) && replace(proxy) == Replace::Rolling).then(|| Affinity {
        pod_affinity: Some(PodAffinity {
            preferred_during_scheduling_ignored_during_execution: Some(vec![preferred]),
            ..Default::default()
        }),
        ..Default::default()
    })
}

/// Whether some module has files that machines boot from.
pub fn boots(proxy: &Checked) -> bool {
    proxy.modules.iter().any(|module| module.boots)
}

/// Whether some module keeps what must survive a restart.
pub fn lasts(proxy: &Checked) -> bool {
    proxy.modules.iter().any(|module| module.lasting)
}

/// Whether a module is asked for.
fn runs(proxy: &Checked, name: &str) -> bool {
    proxy.modules.iter().any(|module| module.name == name)
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
        .with("ssl_ca_file", format!("{ETC}/{CLIENT_CA}"))
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
    let authorities = [(FOREMAN_CA, proxy.foreman.authority.clone()), (CLIENT_CA, proxy.trust().to_owned())];
    let ansible = runs(proxy, "ansible").then(|| {
        let environment = jobs::environment(&proxy.foreman.url, &format!("{ETC}/{FOREMAN_CA}"));
        (jobs::ENVIRONMENT, environment)
    });
    let more = ansible.into_iter().chain(mqtt::files(proxy)).chain(content::configuration(proxy));
    let mut object = proxy.part(SETTINGS).secret(authorities.into_iter().chain(more));
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
    if let Some((port, _)) = mqtt::broker(proxy) {
        ports.push(("mqtt", port));
    }
    let mut service = proxy.part(PROXY).service(spec.service.type_.name(), &ports);
    service.body.metadata.name = Some(proxy.name.clone());
    if !spec.service.annotations.is_empty() {
        service.body.metadata.annotations = Some(spec.service.annotations.clone());
    }
    if let Some(content) = &proxy.content {
        let port =
            json!({ "name": "content", "port": content.port, "targetPort": "content", "protocol": "TCP" });
        service.body.data["spec"]["ports"]
            .as_array_mut()
            .into_iter()
            .for_each(|ports| ports.push(port.clone()));
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
        pair_volume("server", &server),
        pair_volume("client", &client),
        state(lasts(proxy), STATE_VOLUME),
        scratch("tmp"),
        scratch("var-tmp"),
    ];
    let ssh_home = if lasts(proxy) { STATE_VOLUME } else { "ssh-home" };
    let mut mounts = vec![
        mount_file("settings", "settings.yml", &format!("{ETC}/settings.yml")),
        mount_file("settings", FOREMAN_CA, &format!("{ETC}/{FOREMAN_CA}")),
        mount_file("settings", CLIENT_CA, &format!("{ETC}/{CLIENT_CA}")),
        read_only("modules", DIRECTORY),
        read_only("server", &format!("{ETC}/server")),
        read_only("client", &format!("{ETC}/client")),
        mount(STATE_VOLUME, STATE),
        mount("tmp", "/tmp"),
        mount("var-tmp", "/var/tmp"),
        VolumeMount { sub_path: lasts(proxy).then(|| ".ssh".into()), ..mount(ssh_home, SSH_HOME) },
    ];
    if !lasts(proxy) {
        volumes.push(scratch(ssh_home));
    }
    if runs(proxy, "ansible") {
        let file = jobs::ENVIRONMENT;
        mounts.push(mount_file("settings", file, &format!("{ETC}/{file}")));
    }
    if boots(proxy) {
        volumes.push(state(true, BOOT));
        mounts.push(mount(BOOT, boot::ROOT));
    }
    for module in &proxy.modules {
        volumes.extend(module.volumes.clone());
        mounts.extend(module.mounts.clone());
    }
    let jobs = runs(proxy, "dynflow");
    let mut containers = vec![container(proxy, mounts, jobs)];
    if runs(proxy, "openscap") {
        containers.push(openscap::container(&containers[0]));
    }
    containers.extend(tftp::container(proxy));
    containers.extend(mqtt::container(proxy));
    containers.extend(content::container(proxy));
    if proxy.content.is_some() {
        volumes.push(scratch(content::RUN));
    }
    let before: Vec<_> = folders(proxy).into_iter().chain(content::identity(proxy)).collect();
    let host = proxy.spec.host_network;
    PodSpec {
        security_context: Some(PodSecurityContext {
            // Safe, and counts for this pod only: the TFTP server is not root.
            // On a node's network it would be the node's: there the server is root.
            sysctls: (proxy.images.dnsmasq.is_some() && !host).then(|| {
                vec![Sysctl { name: "net.ipv4.ip_unprivileged_port_start".into(), value: "0".into() }]
            }),
            ..user(USER)
        }),
        affinity: together(proxy),
        termination_grace_period_seconds: Some(if jobs { GRACE_WITH_JOBS } else { GRACE }),
        host_network: host.then_some(true),
        // Names of the cluster are still to be found.
        dns_policy: host.then(|| "ClusterFirstWithHostNet".into()),
        init_containers: (!before.is_empty()).then_some(before),
        containers,
        volumes: Some(volumes),
        ..Default::default()
    }
}

/// A certificate with its key, under the names that every TLS Secret has.
fn pair_volume(name: &str, pair: &Pair) -> Volume {
    let keys = [(pair.certificate.as_str(), CRT), (pair.key.as_str(), KEY)];
    super::keys_volume(name, &pair.secret, &keys)
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
        startup_probe: Some(every(answers(), 1, 5, 120)),
        readiness_probe: Some(every(answers(), 5, 5, 3)),
        liveness_probe: Some(every(answers(), 15, 10, 6)),
        lifecycle: before_end(proxy, jobs),
        security_context: Some(read_only_root()),
        volume_mounts: Some(mounts),
        ..Default::default()
    }
}

/// What a pod does before it ends: it waits for its jobs, or until nobody is sent to it any more.
fn before_end(proxy: &Checked, jobs: bool) -> Option<Lifecycle> {
    let port = proxy.spec.port.to_string();
    let drain = || ExecAction { command: Some(["bash", "-c", DRAIN, "drain", &port].map(Into::into).into()) };
    let pre_stop = if jobs {
        LifecycleHandler { exec: Some(drain()), ..Default::default() }
    } else if replace(proxy) == Replace::Rolling {
        LifecycleHandler { sleep: Some(SleepAction { seconds: LINGER }), ..Default::default() }
    } else {
        return None;
    };
    Some(Lifecycle { pre_stop: Some(pre_stop), ..Default::default() })
}

fn answers() -> Probe {
    http("HTTPS", "https", "/version", &[])
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

/// Makes the folders that volumes are to have. Nothing without volumes.
fn folders(proxy: &Checked) -> Option<Container> {
    let volumes = [
        boots(proxy).then(|| (BOOT_FOLDERS, mount(BOOT, boot::ROOT))),
        lasts(proxy).then(|| (STATE_FOLDERS, mount(STATE_VOLUME, STATE))),
    ];
    let (commands, mounts): (Vec<_>, Vec<_>) = volumes.into_iter().flatten().unzip();
    (!mounts.is_empty()).then(|| Container {
        name: "folders".into(),
        image: Some(proxy.images.smart_proxy.clone()),
        command: Some(["bash".into(), "-c".into(), commands.join(" && ")].into()),
        resources: Some(Amounts::or(None, ["10m", "16Mi"], ["500m", "64Mi"])),
        security_context: Some(read_only_root()),
        volume_mounts: Some(mounts),
        ..Default::default()
    })
}
