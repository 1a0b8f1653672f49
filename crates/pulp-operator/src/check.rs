//! From a manifest and what was seen to types that cannot be wrong. Every fault names the field or object, and the mend.

mod keycloak;
mod ldap;
mod settings;
mod signing;
mod storage;
mod trusted;

use kube::ResourceExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reconcile::{
    Fault,
    field::{self, Database, DeletionPolicy, Secrets},
};

use crate::{
    checked::{Authentication, Cache, Checked, Chosen},
    crd::{ExternalCache, FromSecret, Images, IngressType, Pulp, PulpSpec},
    keys, names,
    read::Observed,
};

/// Images by part: those that this operator was tested for.
const PULP: &str = "quay.io/pulp/pulp-minimal:3.123";
const NGINX: &str = "quay.io/sclorg/nginx-126-c10s:latest";
const POSTGRESQL: &str = "quay.io/sclorg/postgresql-16-c10s:latest";
const VALKEY: &str = "quay.io/sclorg/valkey-8-c10s:latest";

/// Part and default image of everything that a Pulp runs.
pub const IMAGES: [(&str, &str); 4] =
    [("pulp", PULP), ("nginx", NGINX), ("postgresql", POSTGRESQL), ("valkey", VALKEY)];

impl Pulp {
    /// Names of all Secrets that the spec refers to.
    pub fn secrets(&self) -> Vec<String> {
        let mut found = self.spec.secrets();
        if let Some(cluster) =
            self.spec.database.cloud_native_pg.as_ref().map(crate::crd::CloudNativePg::secret)
        {
            found.push(cluster.name);
            found.extend(cluster.ca.map(|ca| ca.name));
        }
        found
    }

    /// Names of all `ConfigMaps` that the spec refers to, and of the one by which a reverse proxy makes itself known.
    pub fn config_maps(&self) -> Vec<String> {
        let front = names::of(&self.name_any(), names::FRONT);
        self.spec.config_maps().into_iter().chain([front]).collect()
    }
}

impl PulpSpec {
    /// Names of all Secrets of the user's: those of `CloudNativePG` are its own.
    pub fn secrets(&self) -> Vec<String> {
        let spec = self;
        let mut found = vec![];
        if let Some(external) = &spec.database.external {
            found.push(external.credentials.name.clone());
            found.extend(external.server.ca.iter().map(|ca| ca.name.clone()));
        }
        if let Some(given) = &spec.database.from_secret {
            found.push(given.name.clone());
            found.extend(given.ca.iter().map(|ca| ca.name.clone()));
        }
        if let Some(cache) = &spec.cache.external {
            found.extend(cache.password.iter().map(|password| password.name.clone()));
            found.extend(cache.ca.iter().map(|ca| ca.name.clone()));
        }
        found.extend(storage::secret(&spec.storage));
        if let Some(telemetry) = &spec.telemetry {
            found.extend(telemetry.headers.iter().map(|headers| headers.name.clone()));
            found.extend(telemetry.ca.iter().map(|ca| ca.name.clone()));
        }
        found.extend(spec.settings_from.iter().filter_map(|source| source.from.secret.clone()));
        found.extend(spec.trusted_certificates.iter().filter_map(|source| source.from.secret.clone()));
        if let Some(ldap) = &spec.authentication.ldap {
            found.extend(ldap.bind.iter().map(|bind| bind.password.name.clone()));
            found.extend(ldap.ca.iter().map(|ca| ca.name.clone()));
        }
        found.extend(spec.authentication.keycloak.iter().map(|keycloak| keycloak.client_secret.name.clone()));
        found.extend(spec.ingress.tls.secret_name.clone());
        found.extend(self.signing("Secret"));
        found
    }

    /// Names of all `ConfigMaps` of the user's.
    pub fn config_maps(&self) -> Vec<String> {
        let settings = self.settings_from.iter().filter_map(|source| source.from.config_map.clone());
        let trusted = self.trusted_certificates.iter().filter_map(|source| source.from.config_map.clone());
        settings.chain(trusted).chain(self.signing("ConfigMap")).collect()
    }

    fn signing(&self, kind: &str) -> impl Iterator<Item = String> {
        let all = signing::objects(self.signing.as_ref()).into_iter();
        all.filter_map(move |(of, name)| (of == kind).then_some(name))
    }
}

/// Checks a manifest against what was seen.
pub fn check(pulp: &Pulp, seen: &Observed) -> Result<Checked, Vec<Fault>> {
    let (name, namespace) = (pulp.name_any(), pulp.namespace().unwrap_or_default());
    let spec = pulp.spec.clone();
    let mut faults = vec![];
    let front = front(&name, &spec, seen);
    let origin = front.clone().unwrap_or_else(|| origin(&spec, &name, &namespace));
    let authentication = authentication(&spec, &origin, &seen.secrets, &mut faults);
    let authorities = trusted::check(&spec.trusted_certificates, seen, &mut faults);
    let mut checked = Checked {
        origin,
        fronted: front.is_some(),
        images: images(&spec.images, &seen.images),
        keep: spec.deletion_policy == DeletionPolicy::Retain,
        external: database(&spec, &seen.secrets, &mut faults),
        cache: cache(&spec, &seen.secrets, &mut faults),
        artifacts: storage::artifacts(&spec.storage, &name, authorities, seen, &mut faults),
        settings: settings::collect(&spec, &authentication, seen, &mut faults),
        authentication,
        checksums: signing::checksums(&spec, &name, seen),
        signing: signing::signing(&spec, &name, seen, &mut faults),
        data: seen.data.clone(),
        keys: None,
        spec,
        name,
        namespace,
    };
    if checked.web()
        && checked.spec.ingress.tls.enabled
        && let Some(secret) = &checked.spec.ingress.tls.secret_name
    {
        for key in ["tls.crt", "tls.key"] {
            field::value("spec.ingress.tls.secretName", secret, key, &seen.secrets, &mut faults);
        }
    }
    if let Some(telemetry) = &checked.spec.telemetry {
        let at = "spec.telemetry";
        if let Some(headers) = &telemetry.headers {
            field::value(&format!("{at}.headers"), &headers.name, &headers.key, &seen.secrets, &mut faults);
        }
        if let Some(ca) = &telemetry.ca {
            ca.value(&format!("{at}.ca"), &seen.secrets, &mut faults);
        }
    }
    match keys::take(&checked, seen) {
        Ok(keys) => checked.keys = keys,
        Err(lost) => faults.extend(lost),
    }
    if faults.is_empty() { Ok(checked) } else { Err(faults) }
}

fn images(asked: &Images, related: &Images) -> Chosen {
    let choose = |asked: &Option<String>, related: &Option<String>, default: &str| {
        asked.clone().or_else(|| related.clone()).unwrap_or_else(|| default.to_owned())
    };
    Chosen {
        pulp: choose(&asked.pulp, &related.pulp, PULP),
        nginx: choose(&asked.nginx, &related.nginx, NGINX),
        postgresql: choose(&asked.postgresql, &related.postgresql, POSTGRESQL),
        valkey: choose(&asked.valkey, &related.valkey, VALKEY),
    }
}

/// URL of a reverse proxy of somebody else's that stands in front.
fn front(name: &str, spec: &PulpSpec, seen: &Observed) -> Option<String> {
    if spec.ingress.type_ != IngressType::None {
        return None;
    }
    let values = seen.config_maps.get(&names::of(name, names::FRONT))?;
    let url = String::from_utf8_lossy(values.get("url")?).trim().trim_end_matches('/').to_owned();
    (!url.is_empty()).then_some(url)
}

fn origin(spec: &PulpSpec, name: &str, namespace: &str) -> String {
    let scheme = if spec.ingress.tls.enabled { "https" } else { "http" };
    match (&spec.ingress.host, spec.ingress.type_) {
        (Some(host), IngressType::NodePort) if spec.ingress.node_port.is_some() => {
            format!("{scheme}://{host}:{}", spec.ingress.node_port.unwrap_or_default())
        }
        (Some(host), _) => format!("{scheme}://{host}"),
        (None, IngressType::None) => format!("http://{name}-content.{namespace}.svc:24816"),
        (None, _) => format!("{scheme}://{name}.{namespace}.svc"),
    }
}

/// The Secret that says where the database is, if there is one.
fn from_secret(spec: &PulpSpec) -> Option<FromSecret> {
    let cluster = spec.database.cloud_native_pg.as_ref().map(crate::crd::CloudNativePg::secret);
    spec.database.from_secret.clone().or(cluster)
}

/// A database of somebody else's, with what its Secrets say.
fn database(spec: &PulpSpec, seen: &Secrets, faults: &mut Vec<Fault>) -> Option<Database> {
    if let Some(external) = &spec.database.external {
        return Some(external.server.database(&external.name, &external.credentials, seen, faults));
    }
    let given = from_secret(spec)?;
    let place = if spec.database.from_secret.is_some() { "fromSecret" } else { "cloudNativePG" };
    let place = format!("spec.database.{place}");
    let mut value = |key: &str| field::value(&place, &given.name, key, seen, faults);
    let (host, name) = (value(&given.host_key), value(&given.name_key));
    let (user, password) = (value(&given.username_key), value(&given.password_key));
    let has_port = seen.get(&given.name).is_some_and(|values| values.contains_key(&given.port_key));
    let port = if has_port { value(&given.port_key) } else { "5432".into() };
    let port = port.parse().unwrap_or_else(|_| {
        faults.push(Fault::new(
            "Invalid",
            format!("{place}: the key \"{}\" of Secret \"{}\" is no port number", given.port_key, given.name),
        ));
        5432
    });
    let mut authority = String::new();
    match &given.ca {
        Some(ca) => authority = ca.value(&place, seen, faults),
        None if given.ssl_mode.verifies() => faults.push(Fault::new(
            "Invalid",
            format!(
                "{place}.ca: sslMode {} needs the server's authority; name a Secret that holds it, or choose sslMode require",
                given.ssl_mode.name()
            ),
        )),
        None => {}
    }
    let ca = given.ca.map(|ca| (ca.name, ca.key));
    Some(Database { host, port, name, ssl_mode: given.ssl_mode, ca, authority, user, password })
}

fn cache(spec: &PulpSpec, seen: &Secrets, faults: &mut Vec<Fault>) -> Cache {
    match &spec.cache.external {
        _ if !spec.cache.enabled => Cache::Off,
        None => Cache::Own,
        Some(external) => {
            let field = "spec.cache.external";
            if let Some(ca) = &external.ca {
                ca.value(&format!("{field}.ca"), seen, faults);
            }
            let password = external
                .password
                .as_ref()
                .map(|at| field::value(&format!("{field}.password"), &at.name, &at.key, seen, faults));
            let ca = external.ca.as_ref().map(|ca| (ca.name.clone(), ca.key.clone()));
            Cache::External { url: url(external, password.as_deref()), ca }
        }
    }
}

/// Who may log in besides Pulp's own users.
fn authentication(spec: &PulpSpec, origin: &str, seen: &Secrets, faults: &mut Vec<Fault>) -> Authentication {
    let mut found = Authentication::default();
    if let Some(ldap) = &spec.authentication.ldap {
        found.settings.extend(ldap::settings(ldap, seen, faults));
        found.backends.push("django_auth_ldap.backend.LDAPBackend");
        found.ldap_ca = ldap.ca.as_ref().map(|ca| (ca.name.clone(), ca.key.clone()));
    }
    if let Some(keycloak) = &spec.authentication.keycloak {
        found.settings.extend(keycloak::settings(keycloak, origin, seen, faults));
        found.backends.push("social_core.backends.keycloak.KeycloakOAuth2");
    }
    found
}

/// Everything that a client needs to know, in one URL.
fn url(cache: &ExternalCache, password: Option<&str>) -> String {
    let escape = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let user = escape(cache.username.as_deref().unwrap_or_default());
    let login = password.map_or_else(String::new, |password| format!("{user}:{}@", escape(password)));
    let host = if cache.host.contains(':') { format!("[{}]", cache.host) } else { cache.host.clone() };
    let scheme = if cache.tls { "rediss" } else { "redis" };
    let ca = if cache.tls && cache.ca.is_some() { "?ssl_ca_certs=/etc/pulp/cache-ca/ca.crt" } else { "" };
    format!("{scheme}://{login}{host}:{}/{}{ca}", cache.port, cache.database)
}
