//! The MQTT broker beside the proxy: mosquitto, which tells hosts that there is a job for them. In the same pod, because hosts reach both by
//! one name, and its certificate is that of the proxy.

use k8s_openapi::api::core::v1::{Container, ContainerPort};
use reconcile::{
    field::Amounts,
    pod::{every, exec, mount_file, read_only_root},
};

use crate::{
    checked::Checked,
    crd::{Mode, RemoteExecution},
    names::{CRT, ETC, KEY},
    service::proxy::CLIENT_CA,
};

/// Keys of its files among the settings.
pub const CONFIG: &str = "mosquitto.conf";
const RIGHTS: &str = "mosquitto.acl";

/// Port of the broker, if it is ours.
pub fn own(execution: &RemoteExecution) -> Option<i32> {
    let mqtt = execution.mqtt.clone().unwrap_or_default();
    (execution.mode == Mode::PullMqtt && mqtt.broker.is_none()).then_some(mqtt.port)
}

/// Port and image of the broker, if there is one.
pub fn broker(proxy: &Checked) -> Option<(i32, &str)> {
    let port = own(proxy.spec.modules.remote_execution.as_ref()?)?;
    Some((port, proxy.images.mosquitto.as_deref()?))
}

/// Its configuration, by key of the Secret with the settings. Who somebody is stands in his certificate: a host reads what is for it and
/// answers, the proxy writes to all.
pub fn files(proxy: &Checked) -> Vec<(&'static str, String)> {
    let Some((port, _)) = broker(proxy) else { return vec![] };
    let server = format!("{ETC}/server");
    let config = format!(
        "listener {port}\ncafile {ETC}/{CLIENT_CA}\ncertfile {server}/{CRT}\nkeyfile {server}/{KEY}\nrequire_certificate true\n\
         use_identity_as_username true\nallow_anonymous false\nacl_file {ETC}/{RIGHTS}\npersistence false\nlog_dest stderr\n"
    );
    let rights = format!(
        "pattern read yggdrasil/%u/data/in\npattern write yggdrasil/%u/control/out\n\n\
         user {}\ntopic write yggdrasil/+/data/in\ntopic read yggdrasil/+/control/out\n",
        proxy.common_name()
    );
    vec![(CONFIG, config), (RIGHTS, rights)]
}

/// Nothing if somebody else's broker is used, or none.
pub fn container(proxy: &Checked) -> Option<Container> {
    let (port, image) = broker(proxy)?;
    // A connection without TLS would be an error in its log each time: the kernel is asked instead, in its own hexadecimal digits.
    let listens = format!("grep -qE ':{port:04X} 0+:0000 0A' /proc/net/tcp /proc/net/tcp6");
    let listens = || exec(["sh", "-c", &listens]);
    let settings = |key: &str| mount_file("settings", key, &format!("{ETC}/{key}"));
    let server = k8s_openapi::api::core::v1::VolumeMount {
        read_only: Some(true),
        ..reconcile::pod::mount("server", &format!("{ETC}/server"))
    };
    Some(Container {
        name: "mqtt".into(),
        image: Some(image.into()),
        command: Some(["mosquitto".to_owned(), "-c".into(), format!("{ETC}/{CONFIG}")].into()),
        ports: Some(vec![ContainerPort {
            name: Some("mqtt".into()),
            container_port: port,
            ..Default::default()
        }]),
        resources: Some(Amounts::or(None, ["10m", "16Mi"], ["500m", "128Mi"])),
        readiness_probe: Some(every(listens(), 5, 5, 3)),
        liveness_probe: Some(every(listens(), 30, 5, 4)),
        security_context: Some(read_only_root()),
        volume_mounts: Some(vec![settings(CONFIG), settings(RIGHTS), settings(CLIENT_CA), server]),
        ..Default::default()
    })
}
