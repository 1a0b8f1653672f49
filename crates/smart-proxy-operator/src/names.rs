//! Names of what belongs to a proxy, and where it finds it.

/// Rendered settings.
pub const SETTINGS: &str = "settings";
/// What it shows to those who use it.
pub const SERVER: &str = "server-tls";
/// What it shows to Foreman.
pub const CLIENT: &str = "client-tls";
/// What cert-manager issues: both in one.
pub const TLS: &str = "tls";
/// Key pair that hosts let in.
pub const SSH: &str = "ssh";
/// Its pods.
pub const PROXY: &str = "proxy";
/// What machines boot from.
pub const BOOT: &str = "boot";
/// Jobs and tokens.
pub const STATE: &str = "state";
/// Key of a certificate, as every TLS Secret has it.
pub const CRT: &str = "tls.crt";
/// Key of a private key.
pub const KEY: &str = "tls.key";
/// Key of an authority.
pub const CA: &str = "ca.crt";
/// What is trusted, and what is used towards Foreman: as files in the pod.
pub const ETC: &str = "/etc/foreman-proxy";
