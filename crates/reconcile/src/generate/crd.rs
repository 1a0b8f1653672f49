//! A definition as the API server wants it.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

/// Without formats that Kubernetes does not know: it would warn about each on every apply.
pub fn cleaned(crd: CustomResourceDefinition) -> CustomResourceDefinition {
    let mut value = serde_json::to_value(&crd).expect("definitions serialise");
    clean(&mut value);
    serde_json::from_value(value).unwrap_or(crd)
}

fn clean(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
                map.remove("format");
            }
            if let Some(Value::String(text)) = map.get_mut("description") {
                // Lines of a doc comment are broken where the source's lines end, not where a reader's do.
                *text =
                    text.split("\n\n").map(|part| part.replace('\n', " ")).collect::<Vec<_>>().join("\n\n");
            }
            map.values_mut().for_each(clean);
        }
        Value::Array(values) => values.iter_mut().for_each(clean),
        _ => {}
    }
}

/// The file that a definition is kept in.
pub fn file(crd: &CustomResourceDefinition) -> String {
    format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural)
}

/// As YAML, with annotations.
pub fn text(crd: &CustomResourceDefinition, annotations: &[(&str, &str)]) -> String {
    let mut crd = crd.clone();
    if !annotations.is_empty() {
        let all = annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        crd.metadata.annotations.get_or_insert_default().extend(all);
    }
    super::yaml(&crd)
}

/// The schema of the newest version, and that version's name.
pub fn schema(crd: &CustomResourceDefinition) -> (Value, String) {
    let version = crd.spec.versions.last();
    let schema = version
        .and_then(|version| version.schema.as_ref())
        .and_then(|schema| schema.open_api_v3_schema.as_ref())
        .and_then(|schema| serde_json::to_value(schema).ok());
    (schema.unwrap_or_default(), version.map(|version| version.name.clone()).unwrap_or_default())
}

/// Paths at which a manifest says something that the type did not take up.
pub fn difference(said: &Value, known: &Value, path: &str) -> Vec<String> {
    match (said, known) {
        (Value::Object(said), Value::Object(known)) => said
            .iter()
            .flat_map(|(key, said)| {
                difference(said, known.get(key).unwrap_or(&Value::Null), &format!("{path}.{key}"))
            })
            .collect(),
        _ if said == known => vec![],
        _ => vec![path.to_owned()],
    }
}
