//! What machines need that boot and install themselves: `tftp`, `httpboot`, `templates`, `registration`. Some of it is for machines without
//! certificates, and so by plain HTTP.

use super::{Look, Module};
use crate::{
    crd::{Discovery, HostRegistration, Templates, Tftp},
    settings::{File, Listen},
};

/// Where boot files are in the pod.
pub const ROOT: &str = "/var/lib/tftpboot";

/// Menus; Foreman writes them, so its certificate is asked for. Who serves the files is another container or machine.
pub fn tftp(tftp: &Tftp) -> Module {
    let file = File::module("tftp", Listen::Https)
        .with("tftproot", ROOT)
        .with_some("tftp_servername", tftp.server_name.clone())
        .with("verify_server_cert", tftp.verify_server_cert);
    Module { boots: true, ..Module::new("tftp", "spec.modules.tftp", vec![file]) }
}

/// The same files by HTTP. Foreman learns the ports from the module itself.
pub fn httpboot() -> Module {
    let file = File::module("httpboot", Listen::Both).with("root_dir", ROOT);
    Module { boots: true, http: true, ..Module::new("httpboot", "spec.modules.httpboot", vec![file]) }
}

/// Templates of Foreman; by HTTPS too, for machines that can.
pub fn templates(templates: &Templates, look: &Look) -> Module {
    let url = || format!("http://{}:{}", look.host, look.spec.http_port);
    let file = File::module("templates", Listen::Both)
        .with("template_url", templates.url.clone().unwrap_or_else(url));
    Module { http: true, ..Module::new("templates", "spec.modules.templates", vec![file]) }
}

/// Hosts register by HTTPS: what they are sent holds a token.
pub fn registration(registration: &HostRegistration, look: &Look) -> Module {
    let url = || crate::check::url(look.spec, look.host);
    let file = File::module("registration", Listen::Https)
        .with("registration_url", registration.url.clone().unwrap_or_else(url));
    Module::new("registration", "spec.modules.registration", vec![file])
}

/// Machines that were found: they have no certificates, and are let in all the same.
pub fn discovery(discovery: &Discovery) -> Module {
    let file = File::module("discovery", Listen::Https)
        .with("node_scheme", discovery.node_scheme.name())
        .with("node_port", discovery.node_port);
    Module { plugins: &["discovery"], ..Module::new("discovery", "spec.modules.discovery", vec![file]) }
}
