//! Two Helm charts per operator: one with the operator, one with its definitions.
//!
//! All operators have the same chart: the files in `chart/`, in which `@word@` stands for what differs; Helm's own braces stay.

use serde_json::{Value, json};

use super::{Entry, HOME, KUBERNETES, PROVIDER, crd, rbac, values, yaml};

/// Every template of the operator's chart.
const TEMPLATES: &[(&str, &str)] = &[
    ("_helpers.tpl", include_str!("chart/_helpers.tpl")),
    ("clusterrole.yaml", include_str!("chart/clusterrole.yaml")),
    ("deployment.yaml", include_str!("chart/deployment.yaml")),
    ("networkpolicy.yaml", include_str!("chart/networkpolicy.yaml")),
    ("NOTES.txt", include_str!("chart/NOTES.txt")),
    ("poddisruptionbudget.yaml", include_str!("chart/poddisruptionbudget.yaml")),
    ("role.yaml", include_str!("chart/role.yaml")),
    ("service.yaml", include_str!("chart/service.yaml")),
    ("serviceaccount.yaml", include_str!("chart/serviceaccount.yaml")),
    ("servicemonitor.yaml", include_str!("chart/servicemonitor.yaml")),
    ("userroles.yaml", include_str!("chart/userroles.yaml")),
    ("validate.yaml", include_str!("chart/validate.yaml")),
];

/// Both charts.
pub fn files(entry: &Entry) -> Vec<(String, String)> {
    let chart = format!("charts/{}", entry.about.operator);
    let fill = |text: &str| fill(entry, text);
    let values = fill(include_str!("chart/values.yaml"));
    let fields = values::fields(&values);
    let readme = include_str!("chart/README.md").replace("@values@", &values::table(&fields));
    let mut files = vec![
        (format!("{chart}/Chart.yaml"), fill(include_str!("chart/Chart.yaml"))),
        (format!("{chart}/README.md"), fill(&readme)),
        (format!("{chart}/icon.svg"), icon(entry)),
        (format!("{chart}/values.schema.json"), values::schema(&fields)),
        (format!("{chart}/values.yaml"), values),
    ];
    files.extend(TEMPLATES.iter().map(|(name, text)| (format!("{chart}/templates/{name}"), fill(text))));
    if entry.listens.is_some() {
        let text = fill(include_str!("chart/gateway.yaml"));
        files.push((format!("{chart}/templates/gateway.yaml"), text));
    }

    let definitions = format!("{chart}-crds");
    let about = json!({
        "apiVersion": "v2", "name": format!("{}-crds", entry.about.operator), "type": "application",
        "description": format!("Custom resource definitions of {}", entry.about.operator),
        "version": entry.about.version, "appVersion": entry.about.version, "home": HOME, "icon": icon_url(entry),
        "kubeVersion": format!(">={KUBERNETES}-0"), "maintainers": [{ "name": PROVIDER, "url": HOME }],
        "annotations": { "artifacthub.io/license": "Apache-2.0" },
    });
    files.push((format!("{definitions}/Chart.yaml"), yaml(&about)));
    files.push((format!("{definitions}/values.yaml"), "{}\n".into()));
    files.push((format!("{definitions}/values.schema.json"), values::schema(&[])));
    files.push((format!("{definitions}/README.md"), fill(include_str!("chart/README-crds.md"))));
    let stored = fill(include_str!("chart/stored-versions.tpl"));
    // Not .yaml: kubectl takes those of the folder as they are.
    files.push((format!("{definitions}/templates/stored-versions.tpl"), stored));
    for served in &entry.serves {
        // Deleting a definition deletes every custom resource: never a side effect.
        let text = crd::text(&served.crd, &[("helm.sh/resource-policy", "keep")]);
        assert!(!text.contains("{{"), "a description would be taken for a template");
        files.push((format!("{definitions}/templates/{}", crd::file(&served.crd)), text));
    }
    files
}

/// The icon, of the operator's colour.
pub fn icon(entry: &Entry) -> String {
    include_str!("chart/icon.svg").replace("@colour@", entry.colour)
}

fn icon_url(entry: &Entry) -> String {
    format!(
        "{}/main/charts/{}/icon.svg",
        HOME.replace("github.com", "raw.githubusercontent.com"),
        entry.about.operator
    )
}

/// A file of `chart/`, with everything that differs between operators filled in.
fn fill(entry: &Entry, text: &str) -> String {
    let rules = rbac::rules(entry);
    let first = entry.serves.first().and_then(|served| served.examples.first());
    let manifest = first.map(|example| example.manifest.clone()).unwrap_or_default();
    let word = |path: &str| manifest.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let parts = entry.images.iter().map(|(part, _)| format!("`{part}`")).collect::<Vec<_>>();
    let schema: serde_json::Map<String, Value> =
        entry.images.iter().map(|(part, _)| ((*part).into(), json!({ "type": "string" }))).collect();
    let names: Vec<_> = entry.serves.iter().filter_map(|served| served.crd.metadata.name.clone()).collect();
    let apis = entry.serves.iter().map(|served| {
        let (_, version) = crd::schema(&served.crd);
        format!("\"{}/{version}/{}\"", served.crd.spec.group, served.crd.spec.names.kind)
    });
    let stored = entry.serves.iter().map(|served| {
        let versions = served.crd.spec.versions.iter().map(|version| format!("\"{}\"", version.name));
        let name = served.crd.metadata.name.as_deref().unwrap_or_default();
        format!("\"{name}\" (list {})", versions.collect::<Vec<_>>().join(" "))
    });
    let mut example = manifest.clone();
    example["metadata"]["namespace"] = "@there@".into();
    let words = [
        ("operator", entry.about.operator.to_owned()),
        ("memory", entry.memory().to_owned()),
        ("scope", if entry.clusterwide() { "cluster" } else { "namespace" }.to_owned()),
        (
            "scopes",
            if entry.clusterwide() { r#"["cluster"]"# } else { r#"["namespace", "cluster"]"# }.to_owned(),
        ),
        ("version", entry.about.version.to_owned()),
        ("title", entry.title.to_owned()),
        ("summary", entry.summary.to_owned()),
        ("about", entry.description.to_owned()),
        ("image", entry.image()),
        ("home", HOME.to_owned()),
        ("icon", icon_url(entry)),
        ("provider", PROVIDER.to_owned()),
        ("kubernetes", KUBERNETES.to_owned()),
        ("keywords", entry.keywords.iter().map(|word| format!("  - {word}\n")).collect::<String>()),
        ("images", indented(4, &yaml(&images(entry)))),
        ("crds", indented(4, &yaml(&crds(entry)))),
        ("examples", indented(4, &yaml(&examples(entry)))),
        ("everywhere_rules", rbac::text(&rules.everywhere)),
        ("namespace_rules", rbac::text(&rules.namespace)),
        ("home_rules", rbac::text(&rules.home)),
        ("view_rules", rbac::text(&rbac::people(entry, rbac::READ))),
        ("edit_rules", rbac::text(&rbac::people(entry, rbac::EDIT))),
        ("parts", parts.join(", ")),
        ("images_schema", json!({ "additionalProperties": false, "properties": schema }).to_string()),
        ("apis", apis.collect::<Vec<_>>().join(" ")),
        ("stored", stored.collect::<Vec<_>>().join(" ")),
        ("example", indented(2, &yaml(&example)).replace("'@there@'", "{{ $namespace }}")),
        ("namespace", word("/metadata/namespace").to_owned()),
        ("first", format!("{}/{}", word("/kind").to_lowercase(), word("/metadata/name"))),
        ("crd_names", names.join(" ")),
    ];
    // A policy of an operator that asks nobody has no empty line in this place.
    let text = text.replace("@asks@\n", &asks(entry));
    let text = listening(entry, &text);
    words
        .iter()
        .fold(text, |text, (word, value)| text.replace(&format!("@{word}@"), value.trim_end_matches('\n')))
}

/// Keeps what stands between `@listens{@` and `@}@` where the operator is asked by pods, and takes it out elsewhere.
fn listening(entry: &Entry, text: &str) -> String {
    let mut kept = String::new();
    let mut inside = false;
    for line in text.split_inclusive('\n') {
        match line.trim() {
            "@listens{@" => inside = true,
            "@}@" => inside = false,
            _ if inside && entry.listens.is_none() => {}
            _ => kept.push_str(line),
        }
    }
    let listens = entry.listens.unwrap_or(super::Listens { port: 0, audience: "" });
    kept.replace("@port@", &listens.port.to_string()).replace("@audience@", listens.audience)
}

/// Parts of instances that the operator asks itself, as rules of a network policy.
fn asks(entry: &Entry) -> String {
    let rule = |(operator, part, port): &(&str, &str, u16)| {
        let labels = json!({ "app.kubernetes.io/managed-by": operator, "app.kubernetes.io/component": part });
        let to = json!({ "namespaceSelector": {}, "podSelector": { "matchLabels": labels } });
        json!({ "to": [to], "ports": [{ "port": port }] })
    };
    let rules: Vec<_> = entry.asks.iter().map(rule).collect();
    if rules.is_empty() { String::new() } else { indented(4, &yaml(&rules)) }
}

/// For Artifact Hub: what has to be mirrored and scanned.
fn images(entry: &Entry) -> Vec<Value> {
    let own = json!({ "name": entry.about.operator, "image": format!("{}:{}", entry.image(), entry.about.version) });
    let others = entry.images.iter().map(|(part, image)| json!({ "name": part, "image": image }));
    std::iter::once(own).chain(others).collect()
}

fn crds(entry: &Entry) -> Vec<Value> {
    let about = |served: &super::Served| {
        let names = &served.crd.spec.names;
        let (schema, version) = crd::schema(&served.crd);
        json!({
            "kind": names.kind, "version": version, "name": served.crd.metadata.name,
            "displayName": names.kind, "description": schema["description"],
        })
    };
    entry.serves.iter().map(about).collect()
}

/// One manifest per kind.
pub fn examples(entry: &Entry) -> Vec<Value> {
    entry.serves.iter().filter_map(|served| Some(served.examples.first()?.manifest.clone())).collect()
}

fn indented(spaces: usize, text: &str) -> String {
    text.lines().map(|line| format!("{}{line}\n", " ".repeat(spaces))).collect()
}
