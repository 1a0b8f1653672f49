//! Every kind of storage, exposure, database and cache: what each makes otherwise than the one before it, or the smallest manifest, does.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::Value;

use super::*;

/// What users bring.
fn brought(pulp: &Pulp) -> Observed {
    let mut seen = seen(pulp);
    let database = [("host", "pg-rw"), ("dbname", "app"), ("username", "app"), ("password", "a\"b\\c$d'é")];
    let peer = [("POSTGRES_HOST", "pg"), ("POSTGRES_PORT", "5433"), ("POSTGRES_DB_NAME", "app")];
    let login = [("POSTGRES_USERNAME", "app"), ("POSTGRES_PASSWORD", "secret")];
    let secrets: [(&str, &[(&str, &str)]); 9] = [
        ("s3", &[("accessKeyId", "id"), ("secretAccessKey", "\"'\\ $é")]),
        ("azure", &[("accountKey", "key")]),
        ("gcs", &[("key.json", "{}")]),
        ("tls", &[("tls.crt", "c"), ("tls.key", "k")]),
        ("redis", &[("password", "p@ss/w")]),
        ("authority", &[("ca.crt", "certificate")]),
        ("pg-ca", &[("ca.crt", "certificate")]),
        ("pg-app", &database),
        ("theirs", &[peer.as_slice(), login.as_slice()].concat()),
    ];
    seen.secrets.extend(secrets.map(|(name, values)| (name.to_owned(), secret(values))));
    seen.volumes.push("mine".into());
    seen
}

/// One line for each value of an object, and for each line of a longer text.
fn lines(path: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                lines(&format!("{path}.{key}"), value, found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                let name = item["name"].as_str().map_or_else(|| index.to_string(), str::to_owned);
                lines(&format!("{path}[{name}]"), item, found);
            }
        }
        Value::String(text) => found.extend(text.lines().map(|line| format!("{path}: {line}"))),
        Value::Null => {}
        other => found.push(format!("{path}: {other}")),
    }
}

/// Every object of a plan by its title, as lines.
fn objects(spec: &str) -> BTreeMap<String, Vec<String>> {
    let pulp = of(spec);
    let text = text(&plan(&pulp, &brought(&pulp)));
    let bodies = text.split("---\n").skip(1).map(|body| body.split("# stage").next().unwrap());
    let bodies = bodies.map(|body| serde_yaml_ng::from_str::<Value>(body).unwrap());
    bodies
        .map(|body| {
            let title = format!("{} {}", body["kind"], body["metadata"]["name"]).replace('"', "");
            let mut found = vec![];
            for (key, value) in body.as_object().unwrap() {
                lines(key, value, &mut found);
            }
            (title, found)
        })
        .collect()
}

/// What a manifest makes otherwise than another one.
fn difference(spec: &str, than: &str) -> String {
    let (old, new) = (objects(than), objects(spec));
    let mut text = format!("\n# {spec}\n# otherwise than {than}:\n");
    let mut titles: Vec<_> = old.keys().chain(new.keys()).collect();
    titles.sort();
    titles.dedup();
    for title in titles {
        let none = vec![];
        let [before, after] = [&old, &new].map(|all| all.get(title).unwrap_or(&none));
        let mark = match (before.is_empty(), after.is_empty()) {
            _ if before == after => continue,
            (_, true) => {
                writeln!(text, "- {title}").unwrap();
                continue;
            }
            (true, _) => "+ ",
            _ => "",
        };
        writeln!(text, "{mark}{title}").unwrap();
        for (mark, these, those) in [("-", before, after), ("+", after, before)] {
            for line in these.iter().filter(|line| !those.contains(line)) {
                writeln!(text, "    {mark} {line}").unwrap();
            }
        }
    }
    text
}

const SMALLEST: &str = "{storage: {file: {size: 1Gi}}}";

#[test]
fn every_exposure_with_every_tls() {
    let types = [
        ("type: ClusterIP, labels: {team: content}", true),
        ("type: NodePort, nodePort: 30443", true),
        ("type: LoadBalancer, host: pulp.example.com, labels: {team: content}, annotations: {a: b}", true),
        (
            "type: Ingress, host: pulp.example.com, className: haproxy, labels: {team: content}, annotations: {a: b}",
            true,
        ),
        ("type: Route, host: pulp.example.com, labels: {team: content}, annotations: {a: b}", true),
        (
            "type: Gateway, host: pulp.example.com, gateway: {name: front, namespace: edge, sectionName: https}",
            false,
        ),
        ("type: None", false),
    ];
    let mut text = String::new();
    for (ingress, certificate) in types {
        let of_type =
            |tls: &str| format!("{{storage: {{file: {{size: 1Gi}}}}, ingress: {{{ingress}{tls}}}}}");
        text += &difference(&of_type(""), SMALLEST);
        for tls in [", tls: {secretName: tls}", ", tls: {enabled: false}"] {
            if certificate || !tls.contains("secretName") {
                text += &difference(&of_type(tls), &of_type(""));
            }
        }
    }
    golden(DIRECTORY, "exposures.txt", &text);
}

#[test]
fn every_storage_with_a_key_and_by_identity() {
    let bucket = "{storage: {s3: {bucket: b, endpoint: 'http://s3.example.com:7070', credentials: {name: s3}, redirect: false}}}";
    let mut text = String::new();
    for (storage, than) in [
        ("{storage: {file: {size: 1Ti, storageClassName: fast, accessMode: ReadWriteOnce}}}", SMALLEST),
        ("{storage: {claim: {name: mine}}}", SMALLEST),
        (bucket, SMALLEST),
        (
            "{storage: {s3: {bucket: b, region: r, addressingStyle: virtual}}, serviceAccountName: opener}",
            bucket,
        ),
        (
            "{storage: {azure: {account: acc, container: con, path: x, credentials: {name: azure}, redirect: false}}}",
            bucket,
        ),
        ("{storage: {azure: {account: acc, container: con}}, serviceAccountName: opener}", bucket),
        ("{storage: {gcs: {bucket: bucket, credentials: {name: gcs}, redirect: false}}}", bucket),
        ("{storage: {gcs: {bucket: bucket}}, serviceAccountName: opener}", bucket),
    ] {
        text += &difference(storage, than);
    }
    golden(DIRECTORY, "storages.txt", &text);
}

#[test]
fn every_database_and_cache_outside() {
    let theirs = "hostKey: POSTGRES_HOST, portKey: POSTGRES_PORT, nameKey: POSTGRES_DB_NAME, usernameKey: POSTGRES_USERNAME, passwordKey: POSTGRES_PASSWORD";
    let mut text = String::new();
    for outside in [
        "database: {external: {host: pg.example.com, port: 5433, ca: {name: authority}, credentials: {name: pg-app}}}",
        "database: {cloudNativePG: {name: pg}}",
        &format!("database: {{fromSecret: {{name: theirs, sslMode: require, {theirs}}}}}"),
        "cache: {enabled: false}",
        "cache: {external: {host: redis.example.com}}",
        "cache: {external: {host: redis.example.com, port: 6380, database: 3, tls: true, ca: {name: authority}, username: pulp, password: {name: redis}}}",
    ] {
        text += &difference(&format!("{{storage: {{file: {{size: 1Gi}}}}, {outside}}}"), SMALLEST);
    }
    golden(DIRECTORY, "outside.txt", &text);
}
