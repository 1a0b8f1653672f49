//! The TFTP server beside the proxy: dnsmasq, which answers from the port that it was asked on, and so can be reached through a Service.

use k8s_openapi::api::core::v1::{Capabilities, Container, ContainerPort, SecurityContext, VolumeMount};
use reconcile::{
    field::Amounts,
    pod::{every, exec, mount, read_only_root},
};

use super::boot::ROOT;
use crate::{checked::Checked, names};

/// Port 69, in hexadecimal digits as the kernel lists it.
const LISTENS: &str = "grep -qi ':0045 ' /proc/net/udp /proc/net/udp6";

/// Port 69 needs a right of its own where the pod has the network of its node.
fn rights(host: bool) -> SecurityContext {
    let locked = read_only_root();
    if !host {
        return locked;
    }
    let capabilities =
        Capabilities { add: Some(vec!["NET_BIND_SERVICE".into()]), drop: Some(vec!["ALL".into()]) };
    SecurityContext {
        run_as_user: Some(0),
        run_as_non_root: Some(false),
        capabilities: Some(capabilities),
        ..locked
    }
}

/// Nothing if somebody else serves the files.
pub fn container(proxy: &Checked) -> Option<Container> {
    let image = proxy.images.dnsmasq.clone()?;
    let command = [
        "dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--log-facility=-",
        "--pid-file=",
        "--user=",
        "--group=",
        "--port=0",
        "--enable-tftp",
        "--tftp-single-port",
    ];
    let mut command: Vec<String> = command.map(Into::into).into();
    command.push(format!("--tftp-root={ROOT}"));
    let listens = || exec(["sh", "-c", LISTENS]);
    Some(Container {
        name: "tftp".into(),
        image: Some(image),
        command: Some(command),
        ports: Some(vec![ContainerPort {
            name: Some("tftp".into()),
            container_port: 69,
            protocol: Some("UDP".into()),
            ..Default::default()
        }]),
        resources: Some(Amounts::or(None, ["10m", "16Mi"], ["500m", "64Mi"])),
        readiness_probe: Some(every(listens(), 5, 5, 3)),
        liveness_probe: Some(every(listens(), 30, 5, 4)),
        security_context: Some(rights(proxy.spec.host_network)),
        volume_mounts: Some(vec![VolumeMount { read_only: Some(true), ..mount(names::BOOT, ROOT) }]),
        ..Default::default()
    })
}
