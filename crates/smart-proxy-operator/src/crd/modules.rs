//! What a proxy does: one field for each module, with what an administrator has to decide about it. The rest goes by `extraSettings`.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Ansible, ContainerGateway, Credentials, Discovery, Openscap, RemoteExecution, SecretKey, SecretName,
};

/// What a proxy does; a module is on if it is named.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Modules {
    /// Menus for machines that boot from the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tftp: Option<Tftp>,
    /// The same files by HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub httpboot: Option<HttpBoot>,
    /// Templates of Foreman, for machines that cannot reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub templates: Option<Templates>,
    /// Registration of hosts through this proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<HostRegistration>,
    /// Leases of a DHCP server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhcp: Option<Dhcp>,
    /// Records of a DNS server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<Dns>,
    /// Power of machines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bmc: Option<Bmc>,
    /// Environments and classes of a Puppet server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub puppet: Option<Puppet>,
    /// Certificates of a Puppet authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub puppet_ca: Option<PuppetCa>,
    /// Hosts in a realm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realm: Option<Realm>,
    /// Jobs on hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_execution: Option<RemoteExecution>,
    /// Ansible roles on hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ansible: Option<Ansible>,
    /// Container images of a Pulp, for hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_gateway: Option<ContainerGateway>,
    /// Reports of security scans, which hosts hand in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openscap: Option<Openscap>,
    /// Machines that were found and have no system yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery: Option<Discovery>,
    /// Addresses from an IPAM of somebody else's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_ipam: Option<ExternalIpam>,
}

/// Menus for machines that boot from the network.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Tftp {
    /// Address by which machines reach the TFTP server. An IP address: firmware often resolves no names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub server_name: Option<String>,
    /// Who serves the files.
    #[serde(default)]
    pub daemon: TftpDaemon,
    /// Whether boot files are fetched only from servers whose certificate is known.
    #[serde(default = "yes")]
    pub verify_server_cert: bool,
}

/// Who serves the files to machines.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TftpDaemon {
    /// Somebody else, who shares the volume.
    #[default]
    None,
    /// A dnsmasq in the pod, which answers from one port and so can be reached through a Service. Needs `images.dnsmasq`.
    Dnsmasq,
}

/// Boot files by HTTP, from the volume of `tftp`. They are for firmware, which has no certificates: plain HTTP, from everybody to everybody.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct HttpBoot {}

/// Templates of Foreman, by plain HTTP: installers have no certificates.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Templates {
    /// URL by which machines reach this proxy; `http://<host>:<httpPort>` if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = Rule::new("self.matches('^https?://[^ ]+$')").message("spec.modules.templates.url must be a URL such as http://proxy.example.com:8000"))]
    pub url: Option<String>,
}

/// Registration of hosts through this proxy.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct HostRegistration {
    /// URL by which hosts reach it; this proxy's own if nothing is said. With a load balancer in front of several proxies, that one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = Rule::new("self.matches('^https?://[^ ]+$')").message("spec.modules.registration.url must be a URL such as https://proxy.example.com:8443"))]
    pub url: Option<String>,
}

/// Leases of a DHCP server; exactly one kind of server.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.remoteIsc) != has(self.kea)").message("spec.modules.dhcp: give either remoteIsc or kea"))]
pub struct Dhcp {
    /// Address of the DHCP server.
    #[schemars(length(min = 1, max = 253))]
    pub server: String,
    /// Subnets that it may be asked about, for example `192.168.122.0/255.255.255.0`; all if nothing is said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(max = 40)))]
    #[x_kube(validation = Rule::new("self.all(subnet, subnet.matches('^[0-9.]+/[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+$'))").message("spec.modules.dhcp.subnets: write network and netmask, for example 192.168.122.0/255.255.255.0"))]
    pub subnets: Vec<String>,
    /// Whether an address is pinged before it is given out.
    #[serde(default = "yes")]
    pub ping_free_ip: bool,
    /// ISC's server on another machine: its files are read from a shared volume, changes go by OMAPI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_isc: Option<RemoteIsc>,
    /// Kea, by its control agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kea: Option<Kea>,
}

/// ISC's server on another machine.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RemoteIsc {
    /// Claim of the volume on which its configuration and leases are.
    #[schemars(length(min = 1, max = 253))]
    pub claim: String,
    /// Path of its configuration on the volume.
    #[serde(default = "dhcpd_config")]
    #[schemars(length(min = 1, max = 255))]
    pub config: String,
    /// Path of its leases on the volume.
    #[serde(default = "dhcpd_leases")]
    #[schemars(length(min = 1, max = 255))]
    pub leases: String,
    /// Port of OMAPI.
    #[serde(default = "omapi_port")]
    #[schemars(range(min = 1, max = 65535))]
    pub omapi_port: i32,
    /// Name of the OMAPI key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub key_name: Option<String>,
    /// The OMAPI key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_secret: Option<SecretKey>,
}

/// Kea, by its control agent.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Kea {
    /// URL of the control agent.
    #[schemars(length(max = 512))]
    #[x_kube(validation = Rule::new("self.matches('^https?://[^ ]+$')").message("spec.modules.dhcp.kea.url must be a URL such as https://kea.example.com:8000/"))]
    pub url: String,
    /// Its user and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    /// Whether its certificate must be known.
    #[serde(default = "yes")]
    pub verify_ssl: bool,
}

/// Records of a DNS server; exactly one kind of key.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!(has(self.key) && has(self.gss))").message("spec.modules.dns: key and gss exclude each other; remove one"))]
pub struct Dns {
    /// Address of the DNS server, which takes updates.
    #[schemars(length(min = 1, max = 253))]
    pub server: String,
    /// Time to live of records (s).
    #[serde(default = "dns_ttl")]
    #[schemars(range(min = 1))]
    pub ttl: i32,
    /// TSIG key, as a file that `nsupdate -k` reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<SecretKey>,
    /// Kerberos instead of a key (`FreeIPA`, Active Directory).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gss: Option<Gss>,
}

/// Kerberos instead of a key.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Gss {
    /// Its principal, for example `DNS/proxy.example.com@EXAMPLE.COM`.
    #[schemars(length(min = 1, max = 253))]
    pub principal: String,
    /// Keytab of that principal.
    pub keytab: SecretKey,
    /// `krb5.conf`; the image's if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<SecretKey>,
}

/// Power of machines.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Bmc {
    /// What machines are spoken to with, unless Foreman says otherwise.
    #[serde(default)]
    pub provider: BmcProvider,
    /// Whether certificates of Redfish services must be known.
    #[serde(default = "yes")]
    pub redfish_verify_ssl: bool,
}

/// What machines are spoken to with.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BmcProvider {
    /// `FreeIPMI`.
    #[default]
    Freeipmi,
    /// ipmitool.
    Ipmitool,
    /// Redfish.
    Redfish,
}

impl BmcProvider {
    /// As the setting has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Freeipmi => "freeipmi",
            Self::Ipmitool => "ipmitool",
            Self::Redfish => "redfish",
        }
    }
}

/// A Puppet server.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Puppet {
    /// Its URL, for example `https://puppet.example.com:8140`.
    #[schemars(length(max = 512))]
    #[x_kube(validation = Rule::new("self.matches('^https://[^ ]+$')").message("the url of a Puppet server must be such as https://puppet.example.com:8140"))]
    pub url: String,
    /// Secret with a certificate of Puppet's authority (`tls.crt`, `tls.key`, `ca.crt`) that the server lets in.
    pub certificate: SecretName,
}

/// Certificates of a Puppet authority.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PuppetCa {
    /// The server whose authority it is.
    #[serde(flatten)]
    pub server: Puppet,
    /// How it is decided which requests are signed.
    #[serde(default)]
    pub sign: Signing,
    /// Minutes for which a token is good, with `Token`.
    #[serde(default = "token_ttl")]
    #[schemars(range(min = 1))]
    pub token_ttl: i32,
}

/// How it is decided which requests are signed.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signing {
    /// By name, in a list that the Puppet server reads from the volume `state` of this proxy.
    #[default]
    Hostname,
    /// By a token in the request.
    Token,
}

/// Hosts in a realm of `FreeIPA`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Realm {
    /// The principal that may add hosts, for example `realm-proxy@EXAMPLE.COM`.
    #[schemars(length(min = 1, max = 253))]
    pub principal: String,
    /// Keytab of that principal.
    pub keytab: SecretKey,
    /// `/etc/ipa/default.conf` of an enrolled host.
    pub ipa_config: SecretKey,
    /// Whether DNS records of a host go with it.
    #[serde(default = "yes")]
    pub remove_dns: bool,
}

/// An IPAM of somebody else's; exactly one kind.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.netbox) != has(self.phpipam)").message("spec.modules.externalIpam: give either netbox or phpipam"))]
pub struct ExternalIpam {
    /// `NetBox`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netbox: Option<Netbox>,
    /// phpIPAM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phpipam: Option<Phpipam>,
}

/// `NetBox`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Netbox {
    /// Its URL.
    #[schemars(length(max = 512))]
    #[x_kube(validation = Rule::new("self.matches('^https?://[^ ]+$')").message("spec.modules.externalIpam.netbox.url must be a URL such as https://netbox.example.com"))]
    pub url: String,
    /// A token of its API.
    pub token: SecretKey,
}

/// phpIPAM.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Phpipam {
    /// Its URL.
    #[schemars(length(max = 512))]
    #[x_kube(validation = Rule::new("self.matches('^https?://[^ ]+$')").message("spec.modules.externalIpam.phpipam.url must be a URL such as https://ipam.example.com"))]
    pub url: String,
    /// User and password.
    pub credentials: Credentials,
}

fn yes() -> bool {
    true
}

fn dns_ttl() -> i32 {
    86400
}

fn omapi_port() -> i32 {
    7911
}

fn token_ttl() -> i32 {
    360
}

fn dhcpd_config() -> String {
    "etc/dhcp/dhcpd.conf".into()
}

fn dhcpd_leases() -> String {
    "var/lib/dhcpd/dhcpd.leases".into()
}
