//! What runs, and what each module brings to it: one file for the pod, one for each family of modules.

pub mod boot;
pub mod certificate;
pub mod content;
pub mod dhcp;
pub mod dns;
pub mod hosts;
pub mod ingress;
pub mod jobs;
pub mod mqtt;
pub mod openscap;
pub mod policy;
pub mod proxy;
pub mod tftp;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{KeyToPath, SecretVolumeSource, Volume as PodVolume, VolumeMount};
use reconcile::{
    Fault, Values,
    field::{Credentials, SecretKey},
    pod::{mount, secret_volume},
};

use crate::{
    crd::{Modules, SecretName, SmartProxySpec},
    names::{CA, CRT, ETC, KEY},
    settings::{File, Listen},
};

/// One module, ready to run.
#[derive(Clone, Debug)]
pub struct Module {
    /// As the process calls it, and as Foreman does without blanks and capitals.
    pub name: &'static str,
    /// The field that asks for it.
    pub field: &'static str,
    /// Its settings, those of its provider among them.
    pub files: Vec<File>,
    /// What it needs beside them.
    pub volumes: Vec<PodVolume>,
    /// Where.
    pub mounts: Vec<VolumeMount>,
    /// Plugins that it comes from.
    pub plugins: &'static [&'static str],
    /// It is for machines that have no certificates.
    pub http: bool,
    /// Files that machines boot from.
    pub boots: bool,
    /// What it keeps must survive a restart.
    pub lasting: bool,
}

impl Module {
    fn new(name: &'static str, field: &'static str, files: Vec<File>) -> Self {
        Self {
            name,
            field,
            files,
            volumes: vec![],
            mounts: vec![],
            plugins: &[],
            http: false,
            boots: false,
            lasting: false,
        }
    }

    /// Some keys of a Secret in a directory of their own, under the names that they have there or others.
    fn secret(mut self, name: &str, secret: &str, keys: &[(&str, &str)]) -> Self {
        self.volumes.push(keys_volume(name, secret, keys));
        self.mounts.push(VolumeMount { read_only: Some(true), ..mount(name, &format!("{ETC}/{name}")) });
        self
    }
}

/// Some keys of a Secret, under the names that they have there or others.
pub fn keys_volume(name: &str, secret: &str, keys: &[(&str, &str)]) -> PodVolume {
    let item =
        |(key, file): &(&str, &str)| KeyToPath { key: (*key).into(), path: (*file).into(), mode: None };
    let mut volume = secret_volume(name, secret);
    volume.secret = volume
        .secret
        .map(|source| SecretVolumeSource { items: Some(keys.iter().map(item).collect()), ..source });
    volume
}

/// What modules are made from: the manifest, and what its Secrets say.
pub struct Look<'a> {
    /// The manifest.
    pub spec: &'a SmartProxySpec,
    /// Name of the proxy.
    pub name: &'a str,
    /// Name by which clients reach it.
    pub host: &'a str,
    /// Secrets that were seen.
    pub secrets: &'a BTreeMap<String, Values>,
    /// What is wrong with them.
    pub faults: Vec<Fault>,
}

impl Look<'_> {
    fn value(&mut self, field: &str, key: &SecretKey) -> String {
        key.value(field, self.secrets, &mut self.faults)
    }

    fn login(&mut self, field: &str, credentials: &Credentials) -> (String, String) {
        credentials.login(field, self.secrets, &mut self.faults)
    }

    fn key(&mut self, field: &str, secret: &SecretName, key: &str) {
        reconcile::field::value(field, &secret.name, key, self.secrets, &mut self.faults);
    }

    /// A file of any content need only be there.
    fn file(&mut self, field: &str, key: &SecretKey) {
        let there = self.secrets.get(&key.name).and_then(|values| values.get(&key.key));
        if there.is_none_or(Vec::is_empty) {
            self.value(field, key);
        }
    }

    /// Certificate, key and authority of one Secret.
    fn certificate(&mut self, field: &str, secret: &SecretName) {
        for key in [CRT, KEY, CA] {
            self.key(field, secret, key);
        }
    }
}

/// All modules that are asked for; `logs` always.
pub fn modules(look: &mut Look) -> Vec<Module> {
    let Modules {
        tftp,
        httpboot,
        templates,
        registration,
        dhcp,
        dns,
        bmc,
        puppet,
        puppet_ca,
        realm,
        remote_execution,
        ansible,
        container_gateway,
        openscap,
        discovery,
        external_ipam,
    } = &look.spec.modules;
    let mut all = vec![Module::new("logs", "spec", vec![File::module("logs", Listen::Https)])];
    all.extend(tftp.as_ref().map(boot::tftp));
    all.extend(httpboot.as_ref().map(|_| boot::httpboot()));
    all.extend(templates.as_ref().map(|templates| boot::templates(templates, look)));
    all.extend(registration.as_ref().map(|registration| boot::registration(registration, look)));
    all.extend(dhcp.as_ref().map(|dhcp| dhcp::module(dhcp, look)));
    all.extend(dns.as_ref().map(|dns| dns::module(dns, look)));
    all.extend(bmc.as_ref().map(hosts::bmc));
    all.extend(puppet.as_ref().map(|puppet| hosts::puppet(puppet, look)));
    all.extend(puppet_ca.as_ref().map(|authority| hosts::puppet_ca(authority, look)));
    all.extend(realm.as_ref().map(|realm| hosts::realm(realm, look)));
    if let Some(execution) = remote_execution {
        all.extend([jobs::dynflow(), jobs::script(execution, look)]);
    }
    all.extend(ansible.as_ref().map(|_| jobs::ansible()));
    all.extend(container_gateway.as_ref().map(|gateway| jobs::container_gateway(gateway, look)));
    all.extend(openscap.as_ref().map(|openscap| openscap::module(openscap, look)));
    all.extend(discovery.as_ref().map(boot::discovery));
    all.extend(external_ipam.as_ref().map(|ipam| dhcp::external_ipam(ipam, look)));
    all
}
