//! From a manifest and what was seen to types that cannot be wrong. Every fault names the field or object, and the mend.

mod bundle;
mod certificates;
mod content;
mod foreman;

pub use foreman::rest;

use kube::ResourceExt;
use reconcile::Fault;
use serde_json::Value as Json;

use crate::{
    checked::{Checked, Chosen},
    crd::{Certificates, Images, IngressType, SmartProxy, SmartProxySpec, TftpDaemon},
    names::{SETTINGS, SSH, TLS},
    read::Observed,
    service::{self, Look, Module, jobs, mqtt},
};

/// Image by part: that of upstream's release that this operator was tested for.
const SMART_PROXY: &str = "quay.io/foreman/foreman-proxy:5.0";

const HTTPD: &str = "quay.io/sclorg/httpd-24-c10s:latest";

/// Part and default image of everything that a Smart Proxy runs; dnsmasq and mosquitto, for which upstream has none, are the user's choice.
pub const IMAGES: [(&str, &str); 2] = [("smart-proxy", SMART_PROXY), ("httpd", HTTPD)];

/// What the operator itself says of the proxy as a whole.
const OURS: [&str; 14] = [
    "settings_directory",
    "https_port",
    "http_port",
    "ssl_certificate",
    "ssl_private_key",
    "ssl_ca_file",
    "trusted_hosts",
    "foreman_url",
    "foreman_ssl_ca",
    "foreman_ssl_cert",
    "foreman_ssl_key",
    "log_file",
    "log_level",
    "enabled",
];

impl SmartProxy {
    /// Name of every Secret of the user's that the spec refers to.
    pub fn secrets(&self) -> Vec<String> {
        self.spec.secrets()
    }

    /// The Secret that cert-manager fills, and the Certificate that asks for it; `None`: certificates come from somebody else.
    pub fn certified(&self) -> Option<String> {
        let asked = self.spec.certificates.as_ref()?.cert_manager.is_some();
        asked.then(|| format!("{}-{TLS}", self.name_any()))
    }
}

impl SmartProxySpec {
    /// The same.
    pub fn secrets(&self) -> Vec<String> {
        let (spec, modules) = (self, &self.modules);
        let mut found: Vec<String> = vec![];
        let foreman = &spec.foreman;
        found.extend(foreman.ca.iter().map(|ca| ca.name.clone()));
        found.extend(foreman.oauth.iter().map(|oauth| oauth.name.clone()));
        found.extend(foreman.login.iter().map(|login| login.name.clone()));
        if let Some(certificates) = &spec.certificates {
            let Certificates { server, client, trust, bundle, cert_manager: _ } = certificates;
            found.extend([server, client, bundle].into_iter().flatten().map(|secret| secret.name.clone()));
            found.extend(trust.iter().map(|trust| trust.name.clone()));
        }
        if let Some(dhcp) = &modules.dhcp {
            let isc = dhcp.remote_isc.iter().flat_map(|isc| &isc.key_secret);
            found.extend(isc.map(|key| key.name.clone()));
            found.extend(dhcp.kea.iter().flat_map(|kea| &kea.credentials).map(|login| login.name.clone()));
        }
        if let Some(dns) = &modules.dns {
            found.extend(dns.key.iter().map(|key| key.name.clone()));
            if let Some(gss) = &dns.gss {
                found.push(gss.keytab.name.clone());
                found.extend(gss.config.iter().map(|config| config.name.clone()));
            }
        }
        found.extend(modules.puppet.iter().map(|puppet| puppet.certificate.name.clone()));
        found.extend(modules.puppet_ca.iter().map(|ca| ca.server.certificate.name.clone()));
        if let Some(realm) = &modules.realm {
            found.extend([realm.keytab.name.clone(), realm.ipa_config.name.clone()]);
        }
        let execution = modules.remote_execution.iter().flat_map(|execution| &execution.key);
        found.extend(execution.map(|key| key.name.clone()));
        found.extend(modules.container_gateway.iter().map(|gateway| gateway.database.name.clone()));
        if let Some(ipam) = &modules.external_ipam {
            found.extend(ipam.netbox.iter().map(|netbox| netbox.token.name.clone()));
            found.extend(ipam.phpipam.iter().map(|phpipam| phpipam.credentials.name.clone()));
        }
        found
    }
}

/// Checks a manifest against what was seen.
pub fn check(proxy: &SmartProxy, seen: &Observed) -> Result<Checked, Vec<Fault>> {
    let (name, namespace) = (proxy.name_any(), proxy.namespace().unwrap_or_default());
    let spec = proxy.spec.clone();
    let host = spec.host.clone().unwrap_or_else(|| format!("{name}.{namespace}.svc"));
    let mut look = Look { spec: &spec, name: &name, host: &host, secrets: &seen.secrets, faults: vec![] };
    let modules = service::modules(&mut look);
    let mut faults = look.faults;
    // Said to be part of a backup once: it was there, and hosts know it.
    let lived = seen.status.backup.iter().any(|it| it.secrets.contains(&format!("{name}-{SSH}")));
    faults.extend(
        reconcile::missing(&jobs::drawn(&spec, &name, &host, lived), &seen.secrets, "SmartProxy")
            .err()
            .unwrap_or_default(),
    );
    faults.extend(extra(&spec.extra_settings, &modules));
    let foreman = foreman::find(proxy, seen, &mut faults);
    let identity = certificates::find(&spec, (&name, &host), foreman.as_ref(), seen, &mut faults);
    let content = content::find(&spec, &namespace, seen, &mut faults);
    let images = images(&spec.images, &seen.images, &spec, &mut faults);
    let url = url(&spec, &host).parse();
    match (foreman, identity, url) {
        (Some(found), Some(identity), Ok(url)) if faults.is_empty() => Ok(Checked {
            foreman: found.foreman,
            identity,
            images,
            modules,
            data: seen.data.clone(),
            content,
            keep: spec.deletion_policy == reconcile::field::DeletionPolicy::Retain,
            url,
            host,
            spec,
            name,
            namespace,
        }),
        _ => Err(faults),
    }
}

/// URL by which Foreman and hosts reach it.
pub fn url(spec: &SmartProxySpec, host: &str) -> String {
    origin(host, public_port(spec))
}

/// A URL without a path, and without the port that goes without saying.
pub fn origin(host: &str, port: i32) -> String {
    match port {
        443 => format!("https://{host}"),
        port => format!("https://{host}:{port}"),
    }
}

fn public_port(spec: &SmartProxySpec) -> i32 {
    if spec.ingress.type_ == IngressType::None { spec.port } else { spec.ingress.port.unwrap_or(443) }
}

fn images(asked: &Images, related: &Images, spec: &SmartProxySpec, faults: &mut Vec<Fault>) -> Chosen {
    let choose = |asked: &Option<String>, related: &Option<String>| asked.clone().or_else(|| related.clone());
    let serves = spec.modules.tftp.as_ref().is_some_and(|tftp| tftp.daemon == TftpDaemon::Dnsmasq);
    let dnsmasq = choose(&asked.dnsmasq, &related.dnsmasq).filter(|_| serves);
    if serves && dnsmasq.is_none() {
        faults.push(Fault::new(
            "Invalid",
            "spec.modules.tftp.daemon: Dnsmasq needs spec.images.dnsmasq, an image with dnsmasq in its path",
        ));
    }
    let brokers = spec.modules.remote_execution.as_ref().and_then(mqtt::own).is_some();
    let mosquitto = choose(&asked.mosquitto, &related.mosquitto).filter(|_| brokers);
    if brokers && mosquitto.is_none() {
        faults.push(Fault::new(
            "Invalid",
            "spec.modules.remoteExecution.mode: PullMqtt needs spec.images.mosquitto, an image with mosquitto in its path, or mqtt.broker",
        ));
    }
    Chosen {
        smart_proxy: choose(&asked.smart_proxy, &related.smart_proxy).unwrap_or_else(|| SMART_PROXY.into()),
        dnsmasq,
        httpd: choose(&asked.httpd, &related.httpd).unwrap_or_else(|| HTTPD.into()),
        mosquitto,
    }
}

/// What stands twice in a file, the process would take as it likes.
fn extra(
    extra: &std::collections::BTreeMap<String, std::collections::BTreeMap<String, Json>>,
    modules: &[Module],
) -> Vec<Fault> {
    let mut faults = vec![];
    for (module, settings) in extra {
        let file = modules.iter().flat_map(|module| &module.files).find(|file| file.name == *module);
        for (key, value) in settings {
            let stated = file.is_some_and(|file| file.settings.iter().any(|(stated, _)| stated == key));
            if stated || (module == SETTINGS && OURS.contains(&key.as_str())) {
                faults.push(Fault::new(
                    "Invalid",
                    format!("spec.extraSettings.{module}.{key}: it is set from another field of this manifest; change it there"),
                ));
            }
            if !symbol(key) || !writable(value) {
                faults.push(Fault::new(
                    "Invalid",
                    format!("spec.extraSettings.{module}.{key}: keys must be letters, digits and underscores, without colons: they become Ruby symbols"),
                ));
            }
        }
    }
    faults
}

fn symbol(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

fn writable(value: &Json) -> bool {
    match value {
        Json::Object(fields) => fields.iter().all(|(key, value)| symbol(key) && writable(value)),
        Json::Array(values) => values.iter().all(writable),
        _ => true,
    }
}
