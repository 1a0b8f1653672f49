//! What is drawn once and never again.

use reconcile::{
    Certificate, Drawn, Fault, Generate, Object, Usage,
    field::{Database, SslMode},
    missing,
};

use crate::{
    checked::{Cache, Checked, Keys},
    names,
    read::Observed,
};

/// What shows that there is something already that a new key would not fit.
#[derive(Clone, Copy, Default)]
struct Lived {
    /// Data of Pulp's.
    data: bool,
    /// A database of ours.
    database: bool,
    /// A certificate of our authority's.
    certificate: bool,
}

/// All Secrets that are drawn once for this instance.
fn drawn(pulp: &Checked, lived: Lived) -> Vec<Drawn> {
    use Generate::{Alphanumeric, Authority, Base64, EllipticKey, Name, Text};
    let secret = |part: &str, values| Drawn { name: pulp.part(part).name(), values, lived: lived.data };
    let mut all = vec![
        secret(names::SECRET_KEY, vec![("secret_key", Alphanumeric(50))]),
        secret(names::FIELDS, vec![("database_fields.symmetric.key", Base64(32))]),
        secret(names::ADMIN, vec![("password", Alphanumeric(24))]),
        secret(names::CONTAINER, vec![("container_auth_private_key.pem", EllipticKey)]),
        // What follows of a new one is a roll, and nothing is lost.
        Drawn {
            lived: false,
            ..secret(names::REMOTE_USER, vec![("header", Name("X-Pulp-Remote-User-", 32))])
        },
    ];
    if pulp.certificate().is_some() && pulp.spec.ingress.tls.secret_name.is_none() {
        let authority = vec![("ca.crt", Authority("Pulp internal CA".into()))];
        all.push(Drawn { lived: lived.certificate, ..secret(names::CA, authority) });
    }
    if pulp.cache == Cache::Own {
        // A cache has nothing to lose.
        all.push(Drawn { lived: false, ..secret(names::CACHE, vec![("password", Alphanumeric(32))]) });
    }
    if pulp.external.is_none() {
        let values = vec![
            ("host", Text(pulp.address("database"))),
            ("port", Text("5432".into())),
            ("dbname", Text("pulp".into())),
            ("username", Text("pulp".into())),
            ("password", Alphanumeric(32)),
        ];
        all.push(Drawn { lived: lived.database, ..secret(names::DATABASE, values) });
    }
    all
}

/// The Secrets, as objects of the first stage; the certificate once there is an authority.
pub fn objects(pulp: &Checked) -> Vec<Object> {
    let mut objects: Vec<_> =
        drawn(pulp, Lived::default()).into_iter().map(|secret| secret.object(pulp.keep)).collect();
    // It was seen that whatever lacks something has not lived yet.
    let incomplete = pulp.keys.is_none();
    objects = objects.into_iter().map(|secret: Object| secret.completed(incomplete)).collect();
    if let Some(keys) = pulp.keys.as_ref().filter(|keys| !keys.authority.1.is_empty()) {
        let inside = pulp.address("");
        let host = pulp.spec.ingress.host.clone().unwrap_or_else(|| inside.clone());
        let names = vec![inside.clone(), format!("{inside}.cluster.local")];
        let authority = keys.authority.clone();
        let certificate = Certificate { authority, common_name: host, names, usage: Usage::Server };
        objects.push(Object::issued(&pulp.part(names::CERTIFICATE).name(), certificate));
    }
    objects
}

/// What was drawn; `None` if that is still to come. A fault if the instance has lived and a key is gone.
pub fn take(pulp: &Checked, seen: &Observed) -> Result<Option<Keys>, Vec<Fault>> {
    // Every volume is made after the keys, so one that is there shows that they were.
    let volume = |part: &str| seen.volumes.contains(&pulp.part(part).name());
    let lived = Lived {
        data: volume("database")
            || volume(names::STORAGE)
            || seen.status.versions.iter().any(|version| version.running.is_some()),
        database: volume("database"),
        certificate: seen.secrets.contains_key(&pulp.part(names::CERTIFICATE).name()),
    };
    let missing = missing(&drawn(pulp, lived), &seen.secrets, "Pulp")?;
    Ok((!missing).then(|| from(pulp, seen)))
}

fn from(pulp: &Checked, seen: &Observed) -> Keys {
    let value = |part: &str, key: &str| {
        let values = seen.secrets.get(&pulp.part(part).name());
        let value = values.and_then(|values| values.get(key));
        value.map(|value| String::from_utf8_lossy(value).trim_end().to_owned()).unwrap_or_default()
    };
    let own = || Database {
        host: pulp.address("database"),
        port: 5432,
        name: value(names::DATABASE, "dbname"),
        ssl_mode: SslMode::Prefer,
        ca: None,
        authority: String::new(),
        user: value(names::DATABASE, "username"),
        password: value(names::DATABASE, "password"),
    };
    let needs_authority = pulp.certificate().is_some() && pulp.spec.ingress.tls.secret_name.is_none();
    let authority = if needs_authority {
        (value(names::CA, "ca.crt"), value(names::CA, "ca.key"))
    } else {
        Default::default()
    };
    Keys {
        secret_key: value(names::SECRET_KEY, "secret_key"),
        admin: value(names::ADMIN, "password"),
        database: pulp.external.clone().unwrap_or_else(own),
        cache: value(names::CACHE, "password"),
        remote_user: value(names::REMOTE_USER, "header"),
        authority,
    }
}
