//! Records of a DNS server, by `nsupdate`. A server that cannot be reached is an answer 200 all the same: the process does not tell.

use reconcile::pod::mount_file;

use super::{Look, Module};
use crate::{
    crd::Dns,
    names::ETC,
    settings::{File, Listen},
};

/// The module and its provider.
pub fn module(dns: &Dns, look: &mut Look) -> Module {
    let base = File::module("dns", Listen::Https).with("dns_ttl", dns.ttl);
    let make = |provider: &str, file: File| {
        let files = vec![base.with("use_provider", provider), file];
        Module::new("dns", "spec.modules.dns", files)
    };
    let server = |name: &str| File::new(name).with("dns_server", dns.server.clone());
    if let Some(gss) = &dns.gss {
        look.file("spec.modules.dns.gss.keytab", &gss.keytab);
        let provider = server("dns_nsupdate_gss")
            .with("dns_tsig_keytab", format!("{ETC}/dns-keytab/dns.keytab"))
            .with("dns_tsig_principal", gss.principal.clone());
        let module = make("dns_nsupdate_gss", provider).secret(
            "dns-keytab",
            &gss.keytab.name,
            &[(&gss.keytab.key, "dns.keytab")],
        );
        let Some(config) = &gss.config else { return module };
        look.file("spec.modules.dns.gss.config", config);
        let mut module = module.secret("krb5", &config.name, &[(&config.key, "krb5.conf")]);
        module.mounts.pop();
        module.mounts.push(mount_file("krb5", "krb5.conf", "/etc/krb5.conf"));
        return module;
    }
    let Some(key) = &dns.key else { return make("dns_nsupdate", server("dns_nsupdate")) };
    look.file("spec.modules.dns.key", key);
    let provider = server("dns_nsupdate").with("dns_key", format!("{ETC}/dns-key/dns.key"));
    make("dns_nsupdate", provider).secret("dns-key", &key.name, &[(&key.key, "dns.key")])
}
