//! What is drawn once and never again, and what becomes of an instance whose keys have vanished.

use reconcile::{
    Certificate, Drawn, Fault, Generate, Object, Usage, Values,
    field::{Database, SslMode},
    missing,
};

use crate::{
    checked::{Checked, Keys},
    names,
    read::Observed,
};

/// All Secrets that are drawn once for this instance.
fn drawn(foreman: &Checked, lived: impl Fn(&str) -> bool) -> Vec<Drawn> {
    use Generate::{Alphanumeric, Authority, Hex, Text};
    let text = |text: &str| Text(text.to_owned());
    let secret =
        |part, protects, values| Drawn { name: foreman.part(part).name(), values, lived: lived(protects) };
    let database = |part: &'static str, protects, name: &str| {
        secret(
            part,
            protects,
            vec![
                ("host", Text(foreman.address("database"))),
                ("port", text("5432")),
                ("dbname", text(name)),
                ("username", text(name)),
                ("password", Alphanumeric(32)),
            ],
        )
    };
    let mut all = vec![
        secret(
            names::ENCRYPTION,
            "foreman",
            vec![("ENCRYPTION_KEY", Hex(32)), ("SECRET_KEY_BASE", Hex(128))],
        ),
        secret(names::ADMIN, "foreman", vec![("username", text("admin")), ("password", Alphanumeric(24))]),
        secret(names::OAUTH, "foreman", vec![("key", Alphanumeric(32)), ("secret", Alphanumeric(32))]),
        secret(names::CA, "foreman", vec![("ca.crt", Authority("Foreman internal CA".into()))]),
        secret(names::QUEUE, "foreman", vec![("password", Alphanumeric(32))]),
    ];
    if foreman.external.is_none() {
        all.push(database(names::DATABASE, "foreman", "foreman"));
    }
    if foreman.katello() {
        all.push(secret(names::CANDLEPIN, "candlepin", vec![("secret", Alphanumeric(32))]));
        if foreman.external.is_none() {
            all.push(database(names::DATABASE_CANDLEPIN, "candlepin", "candlepin"));
        }
    }
    all
}

/// The Secrets, as objects of the first stage; certificates once there is an authority.
pub fn objects(foreman: &Checked) -> Vec<Object> {
    let name = |part: &str| foreman.part(part).name();
    let drawn = drawn(foreman, |_| false).into_iter();
    // It was seen that whatever lacks something has not lived yet.
    let incomplete = foreman.keys.is_none();
    let drawn = drawn.map(|secret| secret.object(foreman.keep).completed(incomplete));
    let mut objects: Vec<_> = drawn.collect();
    if let Some(keys) = &foreman.keys {
        let mut issue = |part: &str, usage, common_name: &str, names: Vec<String>| {
            let authority = keys.authority.clone();
            let certificate = Certificate { authority, common_name: common_name.into(), names, usage };
            objects.push(Object::issued(&name(part), certificate));
        };
        let inside = [foreman.address(""), format!("{}.cluster.local", foreman.address(""))];
        issue("server-tls", Usage::Server, &foreman.host, inside.into());
        issue("client-tls", Usage::Client, &foreman.host, vec![]);
        if foreman.katello() {
            issue("candlepin-tls", Usage::Server, &foreman.address("candlepin"), vec![name("candlepin")]);
        }
        objects.extend(libpq(foreman, keys));
    }
    objects
}

/// How the databases are reached, for whoever backs them up.
fn libpq(foreman: &Checked, keys: &Keys) -> Vec<Object> {
    let mut all = vec![(names::LIBPQ, &keys.database)];
    if foreman.katello() {
        all.push((names::LIBPQ_CANDLEPIN, &keys.candlepin_database));
    }
    all.into_iter().map(|(part, database)| foreman.part(part).secret(database.libpq())).collect()
}

/// What was drawn; `None` if that is still to come. A fault if the instance has lived and a key is gone: a new one would make
/// its data unreadable.
pub fn take(foreman: &Checked, seen: &Observed) -> Result<Option<Keys>, Vec<Fault>> {
    // Every volume is made after the keys, so one that is there shows that they were.
    let volumes = ["database", "queue", "shared"].map(|part| foreman.part(part).name());
    let lived = |part: &str| {
        let volume = part == "foreman" && volumes.iter().any(|name| seen.volumes.contains(name));
        volume || seen.status.versions.iter().any(|version| version.part == part && version.running.is_some())
    };
    let missing = missing(&drawn(foreman, lived), &seen.secrets, "Foreman")?;
    Ok((!missing).then(|| from(foreman, seen)))
}

fn from(foreman: &Checked, seen: &Observed) -> Keys {
    let value = |part: &str, key: &str| text(seen.secrets.get(&foreman.part(part).name()), key);
    let embedded = |part: &str| Database {
        host: foreman.address("database"),
        port: 5432,
        name: value(part, "dbname"),
        ssl_mode: SslMode::Prefer,
        ca: None,
        authority: String::new(),
        user: value(part, "username"),
        password: value(part, "password"),
    };
    let (database, candlepin_database) = foreman
        .external
        .clone()
        .unwrap_or_else(|| (embedded(names::DATABASE), embedded(names::DATABASE_CANDLEPIN)));
    Keys {
        oauth: (value(names::OAUTH, "key"), value(names::OAUTH, "secret")),
        candlepin: value(names::CANDLEPIN, "secret"),
        queue: value(names::QUEUE, "password"),
        authority: (value(names::CA, "ca.crt"), value(names::CA, "ca.key")),
        session: value(names::ENCRYPTION, "SECRET_KEY_BASE"),
        database,
        candlepin_database,
    }
}

fn text(values: Option<&Values>, key: &str) -> String {
    values
        .and_then(|values| values.get(key))
        .map(|value| String::from_utf8_lossy(value).into_owned())
        .unwrap_or_default()
}
