//! Where a proxy's certificates come from, if not from its Foreman's authority.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::SecretKey;

/// Certificates of your own: Secrets that hold them, a bundle that was made for this proxy where its Foreman runs, or an issuer of
/// cert-manager.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.server), has(self.bundle), has(self.certManager)].filter(given, given).size() == 1").message("spec.certificates: give exactly one of server, bundle and certManager"))]
#[x_kube(validation = Rule::new("!has(self.bundle) || (!has(self.client) && !has(self.trust))").message("spec.certificates: a bundle holds client certificate and authorities too; remove client and trust"))]
#[x_kube(validation = Rule::new("!has(self.certManager) || !has(self.client)").message("spec.certificates: what cert-manager issues is for both uses; remove client"))]
pub struct Certificates {
    /// Secret with what the proxy shows: `tls.crt`, `tls.key`; RSA, the common name among the names, `host` too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<SecretName>,
    /// Secret with what it shows to Foreman (`tls.crt`, `tls.key`; the common name must be `host`); the same as `server` if nothing is
    /// said, which then must be for clients as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<SecretName>,
    /// Authorities of those who may use the proxy: of Foreman's client certificate and of its own; `ca.crt` of `server` if nothing is
    /// said. cert-manager puts the authority of the server's own certificate there, which need not be that of Foreman.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<SecretKey>,
    /// Secret with the files of `foremanctl auth-bundle` or `foreman-proxy-certs-generate`, unpacked, each under its own name. With
    /// `foreman.url` the authority of Foreman's certificate and, where it is in there, the OAuth key are taken from it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<SecretName>,
    /// cert-manager issues one certificate for both uses, with the name in `host`, and renews it: a Certificate is made, and the Secret is
    /// `<name>-tls`. The issuer must be one that Foreman trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert_manager: Option<CertManager>,
}

/// A certificate of cert-manager.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CertManager {
    /// Who issues it.
    pub issuer: Issuer,
}

/// Who issues certificates, as cert-manager knows them.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Issuer {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// `Issuer` of this namespace, `ClusterIssuer`, or a kind of somebody else's.
    #[serde(default = "issuer")]
    #[schemars(length(min = 1, max = 63))]
    pub kind: String,
    /// Group of that kind.
    #[serde(default = "group")]
    #[schemars(length(min = 1, max = 253))]
    pub group: String,
}

fn issuer() -> String {
    "Issuer".into()
}

fn group() -> String {
    "cert-manager.io".into()
}

/// A Secret of the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecretName {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}
