//! The file-based catalog: every version whose bundle is committed, and which follows which.

use std::{collections::BTreeMap, fs, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Entry, REGISTRY, bundle, chart, yaml};

/// The operator's part of the catalog. `files`: the bundle of the current version, which may not be on disk yet.
pub fn files(entry: &Entry, root: &Path, files: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let operator = entry.about.operator;
    let mut versions: Vec<String> = fs::read_dir(root.join("bundles").join(operator))
        .into_iter()
        .flatten()
        .flatten()
        .map(|folder| folder.file_name().to_string_lossy().into_owned())
        .filter(|version| version != entry.about.version)
        .collect();
    versions.push(entry.about.version.into());
    versions.sort_by_key(|version| order(version));

    let icon = json!({ "base64data": STANDARD.encode(chart::icon(entry)), "mediatype": "image/svg+xml" });
    let mut blobs = vec![json!({
        "schema": "olm.package", "name": operator, "defaultChannel": entry.channel(),
        "description": entry.summary, "icon": icon,
    })];
    let name = |version: &str| format!("{operator}.v{version}");
    let mut entries = vec![];
    let mut before: Option<&String> = None;
    for version in &versions {
        entries.push(match before {
            Some(before) => json!({ "name": name(version), "replaces": name(before) }),
            None => json!({ "name": name(version) }),
        });
        before = Some(version);
    }
    blobs.push(
        json!({ "schema": "olm.channel", "package": operator, "name": entry.channel(), "entries": entries }),
    );
    for version in &versions {
        let path = bundle::path(operator, version);
        let text = files.get(&path).cloned().or_else(|| fs::read_to_string(root.join(&path)).ok());
        let service: Value = text.and_then(|text| serde_yaml_ng::from_str(&text).ok()).unwrap_or_default();
        blobs.push(blob(operator, version, &service));
    }
    let text = blobs.iter().map(|blob| format!("---\n{}", yaml(blob))).collect();
    vec![(format!("bundles/catalog/{operator}/catalog.yaml"), text)]
}

/// Numbers before words, so that 0.10.0 follows 0.9.0.
fn order(version: &str) -> Vec<u64> {
    version.split('.').map(|part| part.parse().unwrap_or_default()).collect()
}

/// A bundle, with what a catalog shows of it before it is pulled.
fn blob(operator: &str, version: &str, service: &Value) -> Value {
    let spec = &service["spec"];
    let owned = spec["customresourcedefinitions"]["owned"].as_array().cloned().unwrap_or_default();
    let mut properties = vec![json!({
        "type": "olm.package", "value": { "packageName": operator, "version": version },
    })];
    for kind in &owned {
        let group = kind["name"].as_str().and_then(|name| Some(name.split_once('.')?.1)).unwrap_or_default();
        properties.push(json!({
            "type": "olm.gvk", "value": { "group": group, "kind": kind["kind"], "version": kind["version"] },
        }));
    }
    let mut metadata = json!({
        "annotations": service["metadata"]["annotations"], "labels": service["metadata"]["labels"],
        "crdDescriptions": { "owned": owned }, "apiServiceDefinitions": {},
    });
    for key in [
        "displayName",
        "description",
        "installModes",
        "keywords",
        "links",
        "maintainers",
        "maturity",
        "minKubeVersion",
        "provider",
    ] {
        metadata[key] = spec[key].clone();
    }
    properties.push(json!({ "type": "olm.csv.metadata", "value": metadata }));
    let image = format!("{REGISTRY}/{operator}-bundle:v{version}");
    let mut related = vec![json!({ "name": "", "image": image })];
    related.extend(spec["relatedImages"].as_array().cloned().unwrap_or_default());
    json!({
        "schema": "olm.bundle", "package": operator, "name": format!("{operator}.v{version}"), "image": image,
        "properties": properties, "relatedImages": related,
    })
}
