//! Certificates of the user's, looked at before they are used: the process itself would start with most of what is wrong with them, and then answer
//! nobody, or be refused by Foreman.

use reconcile::Fault;
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use x509_parser::{prelude::*, public_key::PublicKey};

use super::{bundle, foreman::Found};
use crate::{
    checked::{Identity, Pair},
    crd::{CertManager, SecretKey, SmartProxySpec},
    names::{CA, TLS},
    read::Observed,
    service::certificate,
};

/// What a certificate is to be used for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Server,
    Client,
}

/// Where the certificates come from; faults where they are of no use.
pub fn find(
    spec: &SmartProxySpec,
    (name, host): (&str, &str),
    found: Option<&Found>,
    seen: &Observed,
    faults: &mut Vec<Fault>,
) -> Option<Identity> {
    let Some(own) = &spec.certificates else { return Some(Identity::Issued(found?.issuer.clone()?)) };
    if let Some(wanted) = &own.cert_manager {
        return asked(wanted, own.trust.as_ref(), (name, host), seen, faults);
    }
    let given = match (&own.bundle, &own.server) {
        (Some(secret), _) => bundle::find(&secret.name, host, seen, faults)?.given(),
        (None, server) => {
            let server = Pair::of(server.clone()?.name);
            let client = own.client.clone().map(|client| Pair::of(client.name));
            Given {
                fields: [
                    "spec.certificates.server",
                    if client.is_some() { "spec.certificates.client" } else { "spec.certificates.server" },
                ],
                trust: trust(own.trust.as_ref(), "spec.certificates.server", &server),
                client: client.unwrap_or_else(|| server.clone()),
                server,
            }
        }
    };
    own_identity(given, host, seen, faults)
}

/// Whoever is named, or the authority beside the server's certificate.
fn trust(named: Option<&SecretKey>, field: &'static str, server: &Pair) -> (&'static str, String, String) {
    named.map_or_else(
        || (field, server.secret.clone(), CA.to_owned()),
        |trust| ("spec.certificates.trust", trust.name.clone(), trust.key.clone()),
    )
}

/// One that cert-manager issues. What is wrong with it is a fault only when that has done what is asked of it now.
fn asked(
    wanted: &CertManager,
    trusted: Option<&SecretKey>,
    (name, host): (&str, &str),
    seen: &Observed,
    faults: &mut Vec<Fault>,
) -> Option<Identity> {
    let field = "spec.certificates.certManager";
    if !seen.cert_manager {
        faults.push(Fault::new(
            "CertManagerMissing",
            format!("{field}: this cluster has no cert-manager (kind Certificate of cert-manager.io); install it, or give spec.certificates.server"),
        ));
        return None;
    }
    let pair = Pair::of(format!("{name}-{TLS}"));
    let secret = pair.secret.clone();
    let given =
        Given { fields: [field; 2], trust: trust(trusted, field, &pair), client: pair.clone(), server: pair };
    let mut found = vec![];
    let identity = own_identity(given, host, seen, &mut found);
    if identity.is_some() && found.is_empty() {
        return identity;
    }
    let wanted = certificate::spec(wanted, name, host);
    if seen.certificate.as_ref().is_some_and(|live| certificate::issued(live, &wanted)) {
        faults.extend(found);
        return None;
    }
    Some(Identity::Awaited(secret))
}

fn own_identity(given: Given, host: &str, seen: &Observed, faults: &mut Vec<Fault>) -> Option<Identity> {
    usable(Role::Server, given.fields[0], &given.server, host, seen, faults);
    let client = usable(Role::Client, given.fields[1], &given.client, host, seen, faults);
    let (field, secret, key) = &given.trust;
    let trust = reconcile::field::value(field, secret, key, &seen.secrets, faults);
    // What is missing was said with its name.
    if !trust.is_empty()
        && let Err(what) = trusted(&trust, key, client.as_ref().map(|(_, chain)| chain.as_slice()))
    {
        faults.push(invalid(field, secret, &what));
    }
    let common_name = client?.0.to_lowercase();
    Some(Identity::Own { server: given.server, client: given.client, common_name, trust })
}

/// What the manifest gives, with the fields that it is said by.
pub struct Given {
    /// Of server and client.
    pub fields: [&'static str; 2],
    /// What the proxy shows.
    pub server: Pair,
    /// What it shows to Foreman.
    pub client: Pair,
    /// Field, Secret and key of the authorities of those who may use it.
    pub trust: (&'static str, String, String),
}

fn invalid(field: &str, secret: &str, what: &str) -> Fault {
    Fault::new("CertificateInvalid", format!("{field}: Secret \"{secret}\": {what}"))
}

/// Without an authority the process answers nobody; and the operator asks it with its own client certificate.
fn trusted(trust: &str, key: &str, client: Option<&[CertificateDer]>) -> Result<(), String> {
    let all = crate::http::certificates(trust).ok().filter(|all| !all.is_empty());
    let all = all.ok_or_else(|| {
        format!("{key} holds no certificate in PEM; without it the process answers nobody by HTTPS")
    })?;
    let Some((leaf, between)) = client.and_then(<[_]>::split_first) else { return Ok(()) };
    let parsed = |der| X509Certificate::from_der(der).ok().map(|(_, parsed)| parsed);
    let Some(leaf) = parsed(leaf) else { return Ok(()) };
    let issues = |der| parsed(der).is_some_and(|other| other.subject() == leaf.issuer());
    if all.iter().chain(between).any(|der| issues(der)) {
        return Ok(());
    }
    let authority = leaf.issuer();
    Err(format!(
        "{key} does not hold the authority of the client certificate ({authority}), with which the operator asks the proxy and Foreman \
         most likely does; put that of Foreman's client certificate there, or name it in spec.certificates.trust"
    ))
}

/// Common name and chain of a certificate that can be used.
fn usable(
    role: Role,
    field: &str,
    pair: &Pair,
    host: &str,
    seen: &Observed,
    faults: &mut Vec<Fault>,
) -> Option<(String, Vec<CertificateDer<'static>>)> {
    let mut take = |key: &str| reconcile::field::value(field, &pair.secret, key, &seen.secrets, faults);
    let (certificate, key) = (take(&pair.certificate), take(&pair.key));
    if certificate.is_empty() || key.is_empty() {
        return None;
    }
    match judged(role, pair, (&certificate, &key), host, seen) {
        Ok(found) => Some(found),
        Err(what) => {
            let fault = invalid(field, &pair.secret, &what);
            // One for both uses has the same faults in both.
            if !faults.contains(&fault) {
                faults.push(fault);
            }
            None
        }
    }
}

/// What is wrong with a certificate, or its common name and chain.
fn judged(
    role: Role,
    pair: &Pair,
    (certificate, key): (&str, &str),
    host: &str,
    seen: &Observed,
) -> Result<(String, Vec<CertificateDer<'static>>), String> {
    let Pair { certificate: crt, key: private_key, .. } = pair;
    let chain = crate::http::certificates(certificate).ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| format!("{crt} holds no certificate in PEM"))?;
    let leaf = chain[0].clone();
    let (_, parsed) =
        X509Certificate::from_der(&leaf).map_err(|error| format!("{crt} cannot be read: {error}"))?;
    if parsed.is_ca() {
        return Err(format!("{crt} is an authority's certificate; issue one from it for \"{host}\""));
    }
    if !matches!(parsed.public_key().parsed(), Ok(PublicKey::RSA(_))) {
        return Err(format!(
            "{private_key} is no RSA key, and the Smart Proxy speaks no cipher of another kind; issue the certificate with an RSA key"
        ));
    }
    if key.contains("ENCRYPTED") {
        return Err(format!(
            "{private_key} has a passphrase, which nobody could give at the start; store it without one"
        ));
    }
    let private = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|error| format!("{private_key} holds no private key in PEM: {error}"))?;
    CertifiedKey::from_der(vec![leaf.clone()], private, &rustls::crypto::aws_lc_rs::default_provider())
        .map_err(|_| {
            format!(
                "{private_key} is not the key of {crt}; the process would start and answer nobody by HTTPS"
            )
        })?;
    let (from, until) = (parsed.validity().not_before.timestamp(), parsed.validity().not_after.timestamp());
    let now = seen.now.as_second();
    if until < now {
        return Err(format!("{crt} expired on {}; renew it", day(until)));
    }
    if from > now {
        return Err(format!("{crt} is valid only from {} on", day(from)));
    }
    let common_name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
    let common_name = common_name.filter(|name| !name.is_empty());
    let common_name = common_name.ok_or_else(|| {
        format!("{crt} has no common name, by which alone clients are told apart; issue it with \"{host}\"")
    })?;
    let names = names(&parsed);
    let listed = || names.join(", ");
    if !names.iter().any(|name| name.eq_ignore_ascii_case(common_name)) {
        return Err(format!(
            "the common name \"{common_name}\" of {crt} is not among its names ({}); issue it with both",
            listed()
        ));
    }
    if !common_name.contains('.') {
        return Err(format!(
            "the common name \"{common_name}\" of {crt} is a short name; issue it with \"{host}\""
        ));
    }
    if !covers(&names, host) {
        return Err(format!(
            "{crt} is for {}, not for \"{host}\" (spec.host); issue it with that name",
            listed()
        ));
    }
    let (purpose, usage) = match role {
        Role::Server => ("a server", "server auth"),
        Role::Client => ("a client, which it is towards Foreman", "client auth"),
    };
    if !fits(role, &parsed) {
        return Err(format!(
            "{crt} may not be used as {purpose}; issue it with the usage \"{usage}\", or name another Secret for that"
        ));
    }
    Ok((common_name.to_owned(), chain))
}

fn day(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| "a day far away".into(), |at| at.strftime("%Y-%m-%d").to_string())
}

fn names(certificate: &X509Certificate) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return vec![] };
    let names = extension.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    });
    names.collect()
}

fn covers(names: &[String], host: &str) -> bool {
    let domain = host.split_once('.').map_or("", |(_, domain)| domain);
    names.iter().any(|name| {
        name.eq_ignore_ascii_case(host)
            || name.strip_prefix("*.").is_some_and(|wild| wild.eq_ignore_ascii_case(domain))
    })
}

/// No extended usage at all means every usage.
fn fits(role: Role, certificate: &X509Certificate) -> bool {
    let Ok(Some(usage)) = certificate.extended_key_usage() else { return true };
    usage.value.any
        || match role {
            Role::Server => usage.value.server_auth,
            Role::Client => usage.value.client_auth,
        }
}
