//! Certificates of the user's, looked at before they are used: the process itself would start with most of what is wrong with them, and then answer
//! nobody, or be refused by Foreman.

use reconcile::Fault;
use rustls::{
    pki_types::{PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use x509_parser::{prelude::*, public_key::PublicKey};

use super::foreman::Found;
use crate::{
    checked::Identity,
    crd::SmartProxySpec,
    names::{CA, CRT, KEY},
    read::Observed,
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
    host: &str,
    found: Option<&Found>,
    seen: &Observed,
    faults: &mut Vec<Fault>,
) -> Option<Identity> {
    let Some(own) = &spec.certificates else { return Some(Identity::Issued(found?.issuer.clone()?)) };
    let (server, client) = (&own.server, own.client.as_ref().unwrap_or(&own.server));
    let field = "spec.certificates.server";
    usable(Role::Server, field, &server.name, host, seen, faults);
    let field = if own.client.is_some() { "spec.certificates.client" } else { field };
    let common_name = usable(Role::Client, field, &client.name, host, seen, faults)?;
    Some(Identity::Own {
        server: server.name.clone(),
        client: client.name.clone(),
        common_name: common_name.to_lowercase(),
    })
}

/// The common name of a certificate that can be used.
fn usable(
    role: Role,
    field: &str,
    secret: &str,
    host: &str,
    seen: &Observed,
    faults: &mut Vec<Fault>,
) -> Option<String> {
    let before = faults.len();
    let mut take = |key: &str| reconcile::field::value(field, secret, key, &seen.secrets, faults);
    let (certificate, key) = (take(CRT), take(KEY));
    let authority = if role == Role::Server { take(CA) } else { String::new() };
    if faults.len() > before {
        return None;
    }
    let wrong =
        |what: String| Fault::new("CertificateInvalid", format!("{field}: Secret \"{secret}\": {what}"));
    match judged(role, &certificate, &key, host, seen) {
        Err(what) => {
            faults.push(wrong(what));
            None
        }
        Ok(_)
            if role == Role::Server
                && crate::http::certificates(&authority).is_ok_and(|all| all.is_empty()) =>
        {
            faults.push(wrong(format!(
                "{CA} holds no certificate in PEM; without it the process answers nobody by HTTPS"
            )));
            None
        }
        Ok(common_name) => Some(common_name),
    }
}

/// What is wrong with a certificate, or its common name.
fn judged(role: Role, certificate: &str, key: &str, host: &str, seen: &Observed) -> Result<String, String> {
    let chain = crate::http::certificates(certificate).ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| format!("{CRT} holds no certificate in PEM"))?;
    let leaf = chain[0].clone();
    let (_, parsed) =
        X509Certificate::from_der(&leaf).map_err(|error| format!("{CRT} cannot be read: {error}"))?;
    if parsed.is_ca() {
        return Err(format!("{CRT} is an authority's certificate; issue one from it for \"{host}\""));
    }
    if !matches!(parsed.public_key().parsed(), Ok(PublicKey::RSA(_))) {
        return Err(format!(
            "{KEY} is no RSA key, and the Smart Proxy speaks no cipher of another kind; issue the certificate with an RSA key"
        ));
    }
    if key.contains("ENCRYPTED") {
        return Err(format!(
            "{KEY} has a passphrase, which nobody could give at the start; store it without one"
        ));
    }
    let private = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|error| format!("{KEY} holds no private key in PEM: {error}"))?;
    CertifiedKey::from_der(vec![leaf.clone()], private, &rustls::crypto::aws_lc_rs::default_provider())
        .map_err(|_| {
            format!("{KEY} is not the key of {CRT}; the process would start and answer nobody by HTTPS")
        })?;
    let (from, until) = (parsed.validity().not_before.timestamp(), parsed.validity().not_after.timestamp());
    let now = seen.now.as_second();
    if until < now {
        return Err(format!("{CRT} expired on {}; renew it", day(until)));
    }
    if from > now {
        return Err(format!("{CRT} is valid only from {} on", day(from)));
    }
    let common_name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
    let common_name = common_name.filter(|name| !name.is_empty());
    let common_name = common_name.ok_or_else(|| {
        format!("{CRT} has no common name, by which alone clients are told apart; issue it with \"{host}\"")
    })?;
    let names = names(&parsed);
    let listed = || names.join(", ");
    if !names.iter().any(|name| name.eq_ignore_ascii_case(common_name)) {
        return Err(format!(
            "the common name \"{common_name}\" of {CRT} is not among its names ({}); issue it with both",
            listed()
        ));
    }
    if !common_name.contains('.') {
        return Err(format!(
            "the common name \"{common_name}\" of {CRT} is a short name; issue it with \"{host}\""
        ));
    }
    if !covers(&names, host) {
        return Err(format!(
            "{CRT} is for {}, not for \"{host}\" (spec.host); issue it with that name",
            listed()
        ));
    }
    let (purpose, usage) = match role {
        Role::Server => ("a server", "server auth"),
        Role::Client => ("a client, which it is towards Foreman", "client auth"),
    };
    if !fits(role, &parsed) {
        return Err(format!(
            "{CRT} may not be used as {purpose}; issue it with the usage \"{usage}\", or name another Secret for that"
        ));
    }
    Ok(common_name.to_owned())
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
