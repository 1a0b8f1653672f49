//! Leases of a DHCP server and addresses of an IPAM, both somebody else's.

use reconcile::pod::{claim_volume, mount};

use super::{Look, Module};
use crate::{
    crd::{Dhcp, ExternalIpam},
    settings::{File, Listen},
};

/// Where the volume of the ISC server is in the pod.
const SHARED: &str = "/mnt/dhcp";

/// The module and its provider.
pub fn module(dhcp: &Dhcp, look: &mut Look) -> Module {
    let field = "spec.modules.dhcp";
    let base = File::module("dhcp", Listen::Https)
        .with("server", dhcp.server.clone())
        .with("ping_free_ip", dhcp.ping_free_ip)
        .with_some("subnets", (!dhcp.subnets.is_empty()).then(|| dhcp.subnets.clone()));
    if let Some(kea) = &dhcp.kea {
        let mut provider = File::new("dhcp_kea")
            .with("dhcp_kea_url", kea.url.clone())
            .with("dhcp_kea_verify_ssl", kea.verify_ssl);
        if let Some(credentials) = &kea.credentials {
            let (user, password) = look.login("spec.modules.dhcp.kea.credentials", credentials);
            provider = provider.with("dhcp_kea_username", user).with("dhcp_kea_password", password);
        }
        let files = vec![base.with("use_provider", "dhcp_kea"), provider];
        return Module { plugins: &["dhcp_kea"], ..Module::new("dhcp", field, files) };
    }
    let isc = dhcp.remote_isc.clone().unwrap_or_default();
    let path = |file: &str| format!("{SHARED}/{}", file.trim_start_matches('/'));
    let secret = isc.key_secret.as_ref().map(|key| look.value("spec.modules.dhcp.remoteIsc.keySecret", key));
    let provider = File::new("dhcp_remote_isc")
        .with("config", path(&isc.config))
        .with("leases", path(&isc.leases))
        .with("omapi_port", isc.omapi_port)
        .with_some("key_name", isc.key_name.clone())
        .with_some("key_secret", secret);
    let files = vec![base.with("use_provider", "dhcp_remote_isc"), provider];
    let mut module = Module { plugins: &["dhcp_remote_isc"], ..Module::new("dhcp", field, files) };
    module.volumes.push(claim_volume("dhcp", &isc.claim));
    module.mounts.push(mount("dhcp", SHARED));
    module
}

/// Addresses from an IPAM of somebody else's.
pub fn external_ipam(ipam: &ExternalIpam, look: &mut Look) -> Module {
    let field = "spec.modules.externalIpam";
    let mut files = vec![];
    if let Some(netbox) = &ipam.netbox {
        let token = look.value("spec.modules.externalIpam.netbox.token", &netbox.token);
        files.push(File::new("externalipam_netbox").with("url", netbox.url.clone()).with("token", token));
    }
    if let Some(phpipam) = &ipam.phpipam {
        let (user, password) =
            look.login("spec.modules.externalIpam.phpipam.credentials", &phpipam.credentials);
        let file = File::new("externalipam_phpipam").with("url", phpipam.url.clone());
        files.push(file.with("user", user).with("password", password));
    }
    let provider = files.first().map(|file| file.name.clone());
    files.insert(0, File::module("externalipam", Listen::Https).with_some("use_provider", provider));
    Module::new("externalipam", field, files)
}
