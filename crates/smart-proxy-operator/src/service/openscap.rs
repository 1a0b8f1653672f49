//! Reports of security scans. Hosts hand them in to the module; what Foreman did not take at once, a container beside it sends again, as a
//! scheduled job of the system does elsewhere: both work on one folder.

use k8s_openapi::api::core::v1::Container;
use reconcile::{
    field::Amounts,
    pod::{every, exec},
};

use super::{Look, Module, hosts::STATE};
use crate::{
    crd::Openscap,
    settings::{File, Listen},
};

/// How often what is left over is sent (s).
const OFTEN: u32 = 1800;
/// Written before each attempt: nothing else shows that it still tries.
const TRIED: &str = "/tmp/openscap-tried";

/// Where what is received lies, all on the volume: a report that Foreman has not taken yet must not be lost.
pub fn module(openscap: &Openscap, look: &Look) -> Module {
    let name = look.spec.registration.name.clone().unwrap_or_else(|| look.host.to_owned());
    let mut file = File::module("openscap", Listen::Https)
        .with("timeout", openscap.timeout)
        // Foreman shows by it where a report came in.
        .with("registered_proxy_name", name)
        .with("registered_proxy_url", crate::check::url(look.spec, look.host))
        .with("openscap_send_log_file", "/tmp/openscap-send.log");
    for (key, folder) in [
        ("spooldir", "spool"),
        ("contentdir", "content"),
        ("tailoring_dir", "tailoring"),
        ("reportsdir", "reports"),
        ("failed_dir", "failed"),
        ("corrupted_dir", "corrupted"),
    ] {
        file = file.with(key, format!("{STATE}/openscap/{folder}"));
    }
    let module = Module::new("openscap", "spec.modules.openscap", vec![file]);
    Module { plugins: &["openscap"], lasting: true, ..module }
}

/// The one that sends what is left over: as the proxy's own container, but for what it runs.
pub fn container(proxy: &Container) -> Container {
    let script = format!(
        "trap 'exit 0' TERM; while date > {TRIED}; do smart-proxy-openscap-send; sleep {OFTEN} & wait $!; done"
    );
    let tried = format!("[ -n \"$(find {TRIED} -mmin -{})\" ]", 2 * OFTEN / 60);
    Container {
        name: "openscap".into(),
        command: Some(["bash".into(), "-c".into(), script].into()),
        ports: None,
        lifecycle: None,
        resources: Some(Amounts::or(None, ["10m", "64Mi"], ["500m", "256Mi"])),
        startup_probe: None,
        // Nobody is sent to it.
        readiness_probe: None,
        liveness_probe: Some(every(exec(["bash", "-c", &tried]), 60, 5, 3)),
        ..proxy.clone()
    }
}
