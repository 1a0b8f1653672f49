//! Bundles that are made for a proxy where its Foreman runs, by either of the two tools, as files in one Secret.

use reconcile::{Fault, Values};

use super::certificates::Given;
use crate::{checked::Pair, read::Observed};

const FIELD: &str = "spec.certificates.bundle";

/// How one of the tools names its files; what is for a host begins with the host's name.
#[derive(Clone, Copy, Debug)]
struct Form {
    tool: &'static str,
    /// Authority of clients, Foreman among them; there is no bundle without it.
    clients: &'static str,
    /// Authority of Foreman's own certificate.
    foreman: &'static str,
    server: &'static str,
    client: &'static str,
}

const FORMS: [Form; 2] = [
    Form {
        tool: "foreman-proxy-certs-generate",
        clients: "katello-default-ca.crt",
        foreman: "katello-server-ca.crt",
        server: "-foreman-proxy",
        client: "-foreman-proxy-client",
    },
    Form {
        tool: "foremanctl auth-bundle",
        clients: "ca.crt",
        foreman: "server-ca.crt",
        server: "",
        client: "-client",
    },
];

/// A bundle for this host.
pub struct Bundle {
    secret: String,
    host: String,
    form: Form,
    oauth: bool,
}

/// The bundle in a Secret; a fault if it is none, or for another host.
pub fn find(secret: &str, host: &str, seen: &Observed, faults: &mut Vec<Fault>) -> Option<Bundle> {
    let Some(values) = seen.secrets.get(secret) else {
        faults.push(Fault::new(
            "SecretMissing",
            format!("{FIELD}: Secret \"{secret}\" does not exist; create it from the files of the bundle"),
        ));
        return None;
    };
    let form = FORMS.into_iter().find(|form| values.contains_key(form.clients));
    let Some(form) = form else {
        let tools = FORMS.map(|form| format!("{} for {}", form.clients, form.tool)).join(", ");
        faults.push(Fault::new(
            "CertificateInvalid",
            format!(
                "{FIELD}: Secret \"{secret}\" holds no bundle that is known ({tools}); unpack it, and create the Secret from its files"
            ),
        ));
        return None;
    };
    if !values.contains_key(&format!("{host}{}.crt", form.server)) {
        let hosts = hosts(values, form).join(", ");
        faults.push(Fault::new(
            "CertificateInvalid",
            format!(
                "{FIELD}: Secret \"{secret}\" is a bundle of {} for {hosts}, not for \"{host}\" (spec.host); make one for that host",
                form.tool
            ),
        ));
        return None;
    }
    let oauth = OAUTH.iter().all(|key| values.contains_key(*key));
    Some(Bundle { secret: secret.into(), host: host.into(), form, oauth })
}

/// Where `foremanctl` puts what requests are signed with.
const OAUTH: [&str; 2] = ["foreman-oauth-consumer-key", "foreman-oauth-consumer-secret"];

fn hosts(values: &Values, form: Form) -> Vec<String> {
    let names = values.keys().filter_map(|key| key.strip_suffix(&format!("{}.crt", form.client)));
    let names: Vec<_> = names.map(str::to_owned).collect();
    if names.is_empty() { vec!["no host".into()] } else { names }
}

impl Bundle {
    /// Its certificates.
    pub fn given(&self) -> Given {
        let pair = |suffix: &str| Pair {
            secret: self.secret.clone(),
            certificate: format!("{}{suffix}.crt", self.host),
            key: format!("{}{suffix}.key", self.host),
        };
        Given {
            fields: [FIELD, FIELD],
            server: pair(self.form.server),
            client: pair(self.form.client),
            trust: (FIELD, self.secret.clone(), self.form.clients.into()),
        }
    }

    /// Authority of Foreman's own certificate, PEM.
    pub fn authority(&self, seen: &Observed, faults: &mut Vec<Fault>) -> String {
        reconcile::field::value(FIELD, &self.secret, self.form.foreman, &seen.secrets, faults)
    }

    /// Secret and keys of what requests are signed with, if it is in there.
    pub fn oauth(&self) -> Option<(String, [&'static str; 2])> {
        self.oauth.then(|| (self.secret.clone(), OAUTH))
    }
}
