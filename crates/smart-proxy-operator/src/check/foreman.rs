//! The Foreman that a proxy works for: one of this namespace, as it describes itself, or one by URL.

use http::Uri;
use reconcile::{Fault, field::value};

use super::bundle::Bundle;
use crate::{
    checked::{Access, Foreman},
    crd::{ForemanReference, SmartProxy},
    names::CA,
    oauth::Consumer,
    read::Observed,
};

/// Keys of what requests are signed with, as Foreman's operator names them.
const OAUTH: [&str; 2] = ["key", "secret"];

/// A Foreman, and what it offers.
pub struct Found {
    /// How it is reached and asked.
    pub foreman: Foreman,
    /// Its authority, which issues certificates: certificate and key, PEM. `None`: somebody else's.
    pub issuer: Option<(String, String)>,
}

/// Finds it; faults where something is missing.
pub fn find(proxy: &SmartProxy, seen: &Observed, faults: &mut Vec<Fault>) -> Option<Found> {
    let reference = &proxy.spec.foreman;
    let Some(name) = &reference.name else { return elsewhere(proxy, reference, seen, faults) };
    let field = "spec.foreman.name";
    let Some(status) = &seen.foreman else {
        let there = if seen.foremans.is_empty() { "none".into() } else { seen.foremans.join(", ") };
        faults.push(Fault::new(
            "ForemanMissing",
            format!("{field}: there is no Foreman \"{name}\" in this namespace; there are: {there}. For one somewhere else give spec.foreman.url"),
        ));
        return None;
    };
    let web = status.endpoints.iter().find(|endpoint| endpoint.name == "web");
    let Some((endpoint, authority)) = web.and_then(|web| Some((web, web.authority_secret.as_ref()?))) else {
        faults.push(Fault::new("ForemanNotReady", format!("{field}: Foreman \"{name}\" does not say yet where it is reached and which authority issues certificates for it; this goes on by itself when it does")));
        return None;
    };
    let before = faults.len();
    let mut take = |secret: &str, key: &str| value(field, secret, key, &seen.secrets, faults);
    let issuer = (take(authority, CA), take(authority, "ca.key"));
    let trusted = endpoint.ca_secret.as_ref().filter(|secret| seen.secrets.contains_key(*secret));
    let authority = trusted.map_or_else(|| issuer.0.clone(), |secret| take(secret, CA));
    let offered = endpoint.oauth_secret.clone().map(|secret| (secret, OAUTH));
    let access = access(proxy, offered, seen, faults);
    if faults[before..].iter().any(|fault| fault.reason == "SecretMissing") && !status.is("Ready") {
        // It is being installed: its Secrets are on their way, and the user has nothing to mend.
        faults.truncate(before);
        faults.push(Fault::new(
            "ForemanNotReady",
            format!(
                "{field}: Foreman \"{name}\" has not drawn its keys yet; this goes on by itself when it has"
            ),
        ));
        return None;
    }
    let foreman = foreman(reference, &endpoint.url, authority, access);
    Some(Found { foreman, issuer: Some(issuer) })
}

fn elsewhere(
    proxy: &SmartProxy,
    reference: &ForemanReference,
    seen: &Observed,
    faults: &mut Vec<Fault>,
) -> Option<Found> {
    let before = faults.len();
    let bundle = bundle(proxy, seen, faults);
    let authority = match (&reference.ca, &bundle) {
        (Some(ca), _) => ca.value("spec.foreman.ca", &seen.secrets, faults),
        (None, Some(bundle)) => bundle.authority(seen, faults),
        (None, None) => String::new(),
    };
    let offered = bundle.as_ref().and_then(Bundle::oauth);
    // What is wrong with the bundle is said once, where the certificates are looked at.
    if bundle.is_none() && faults.len() > before {
        faults.truncate(before);
        return None;
    }
    let access = access(proxy, offered, seen, faults);
    let foreman = foreman(reference, reference.url.as_deref()?, authority, access);
    Some(Found { foreman, issuer: None })
}

fn bundle(proxy: &SmartProxy, seen: &Observed, faults: &mut Vec<Fault>) -> Option<Bundle> {
    let secret = proxy.spec.certificates.as_ref()?.bundle.as_ref()?;
    super::bundle::find(&secret.name, proxy.spec.host.as_deref()?, seen, faults)
}

fn foreman(reference: &ForemanReference, url: &str, authority: String, access: Option<Access>) -> Foreman {
    let host = || url.parse::<Uri>().ok().and_then(|url| url.host().map(str::to_owned)).unwrap_or_default();
    let common_name = reference.common_name.clone().unwrap_or_else(host).to_lowercase();
    Foreman { url: url.trim_end_matches('/').to_owned(), authority, common_name, access }
}

fn access(
    proxy: &SmartProxy,
    offered: Option<(String, [&str; 2])>,
    seen: &Observed,
    faults: &mut Vec<Fault>,
) -> Option<Access> {
    let reference = &proxy.spec.foreman;
    if !proxy.spec.registration.enabled {
        return None;
    }
    if let Some(login) = &reference.login {
        let (user, password) = login.login("spec.foreman.login", &seen.secrets, faults);
        return Some(Access::Login(user, password));
    }
    let own = reference.oauth.as_ref().map(|oauth| (oauth.name.clone(), OAUTH));
    let Some((secret, [key, private])) = own.or(offered) else {
        faults.push(Fault::new(
            "Invalid",
            "spec.foreman: a registration needs oauth or login; name a Secret, or set spec.registration.enabled to false",
        ));
        return None;
    };
    let mut take = |key: &str| value("spec.foreman.oauth", &secret, key, &seen.secrets, faults);
    Some(Access::OAuth(Consumer { key: take(key), secret: take(private) }))
}

/// What is left of it for one that is being deleted: enough to be taken out, or nothing.
pub fn rest(proxy: &SmartProxy, seen: &Observed) -> Option<Foreman> {
    find(proxy, seen, &mut vec![]).map(|found| found.foreman).filter(|foreman| {
        let filled = |text: &str| !text.is_empty();
        filled(&foreman.authority)
            && match &foreman.access {
                Some(Access::OAuth(consumer)) => filled(&consumer.key) && filled(&consumer.secret),
                Some(Access::Login(user, password)) => filled(user) && filled(password),
                None => false,
            }
    })
}
