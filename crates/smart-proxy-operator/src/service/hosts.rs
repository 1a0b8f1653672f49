//! Power, Puppet and realms of hosts: modules that speak to somebody else's server.

use super::{Look, Module};
use crate::{
    crd::{Bmc, Puppet, PuppetCa, Realm, Signing},
    names::{CA, CRT, ETC, KEY},
    settings::{File, Listen},
};

/// Where what must survive a restart is in the pod.
pub const STATE: &str = "/var/lib/foreman-proxy";

/// Power of machines.
pub fn bmc(bmc: &Bmc) -> Module {
    let file = File::module("bmc", Listen::Https)
        .with("bmc_default_provider", bmc.provider.name())
        .with("redfish_verify_ssl", bmc.redfish_verify_ssl);
    Module::new("bmc", "spec.modules.bmc", vec![file])
}

/// Environments and classes.
pub fn puppet(puppet: &Puppet, look: &mut Look) -> Module {
    look.certificate("spec.modules.puppet.certificate", &puppet.certificate);
    let provider = server("puppet_proxy_puppet_api", puppet, "puppet");
    let files = vec![File::module("puppet", Listen::Https), provider];
    Module::new("puppet", "spec.modules.puppet", files).secret(
        "puppet",
        &puppet.certificate.name,
        &[(CRT, CRT), (KEY, KEY), (CA, CA)],
    )
}

/// Certificates of a Puppet authority. `puppetca_http_api` is asked whatever decides about signing.
pub fn puppet_ca(authority: &PuppetCa, look: &mut Look) -> Module {
    let field = "spec.modules.puppetCa";
    look.certificate("spec.modules.puppetCa.certificate", &authority.server.certificate);
    let (name, signing) = match authority.sign {
        Signing::Hostname => {
            let name = "puppetca_hostname_whitelisting";
            (name, File::new(name).with("autosignfile", format!("{STATE}/autosign.conf")))
        }
        Signing::Token => {
            let name = "puppetca_token_whitelisting";
            let file = File::new(name)
                .with("token_ttl", authority.token_ttl)
                .with("tokens_file", format!("{STATE}/tokens.yml"))
                // What tokens are checked with.
                .with("certificate", format!("{ETC}/puppet-ca/{CA}"));
            (name, file)
        }
    };
    let files = vec![
        File::module("puppetca", Listen::Https).with("use_provider", name),
        signing,
        server("puppetca_http_api", &authority.server, "puppet-ca"),
    ];
    let module = Module { lasting: true, ..Module::new("puppetca", field, files) };
    module.secret("puppet-ca", &authority.server.certificate.name, &[(CRT, CRT), (KEY, KEY), (CA, CA)])
}

fn server(name: &str, puppet: &Puppet, directory: &str) -> File {
    File::new(name)
        .with("puppet_url", puppet.url.clone())
        .with("puppet_ssl_ca", format!("{ETC}/{directory}/{CA}"))
        .with("puppet_ssl_cert", format!("{ETC}/{directory}/{CRT}"))
        .with("puppet_ssl_key", format!("{ETC}/{directory}/{KEY}"))
}

/// Hosts in a realm.
pub fn realm(realm: &Realm, look: &mut Look) -> Module {
    look.file("spec.modules.realm.keytab", &realm.keytab);
    look.file("spec.modules.realm.ipaConfig", &realm.ipa_config);
    let provider = File::new("realm_freeipa")
        .with("principal", realm.principal.clone())
        .with("keytab_path", format!("{ETC}/realm-keytab/realm.keytab"))
        .with("ipa_config", format!("{ETC}/realm-ipa/default.conf"))
        .with("remove_dns", realm.remove_dns);
    let files = vec![File::module("realm", Listen::Https).with("use_provider", "realm_freeipa"), provider];
    Module::new("realm", "spec.modules.realm", files)
        .secret("realm-keytab", &realm.keytab.name, &[(&realm.keytab.key, "realm.keytab")])
        .secret("realm-ipa", &realm.ipa_config.name, &[(&realm.ipa_config.key, "default.conf")])
}
