//! A chart's values file is the only place that states a value; its schema and the table in the README are read from it.
//!
//! `# -- ` above a key begins its description, `# @schema ` adds JSON to the schema that its default implies.

use serde_json::{Map, Value, json};

/// One value that users may set.
#[derive(Debug, PartialEq)]
pub struct Field {
    /// Keys from the top.
    pub path: Vec<String>,
    /// What it is for.
    pub about: String,
    /// What it is if nothing is said.
    pub default: Value,
    /// Its JSON schema.
    schema: Value,
}

/// Every documented value, in the order of the file.
pub fn fields(text: &str) -> Vec<Field> {
    let values: Value = serde_yaml_ng::from_str(text).expect("the values are YAML");
    let mut fields = vec![];
    let mut parents: Vec<(usize, String)> = vec![];
    let (mut about, mut extra) = (String::new(), Value::Null);
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        if let Some(comment) = line.trim_start().strip_prefix("# ") {
            if let Some(json) = comment.strip_prefix("@schema ") {
                extra = serde_json::from_str(json).expect("@schema is JSON");
            } else if let Some(begin) = comment.strip_prefix("-- ") {
                about = begin.into();
            } else if !about.is_empty() {
                about = format!("{about} {comment}");
            }
        } else if let Some((key, _)) = line.trim_start().split_once(':') {
            parents.retain(|(outer, _)| *outer < indent);
            parents.push((indent, key.into()));
            if !about.is_empty() {
                let path: Vec<String> = parents.iter().map(|(_, key)| key.clone()).collect();
                let default = values.pointer(&format!("/{}", path.join("/"))).cloned().unwrap_or_default();
                let schema = leaf(&default, &about, std::mem::take(&mut extra));
                fields.push(Field { path, about: std::mem::take(&mut about), default, schema });
            }
        }
    }
    fields
}

fn leaf(default: &Value, about: &str, extra: Value) -> Value {
    let kind = match default {
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::String(_) | Value::Null => "string",
    };
    let mut schema = json!({ "type": kind, "description": about, "default": default });
    if let (Value::Object(schema), Value::Object(extra)) = (&mut schema, extra) {
        schema.extend(extra);
    }
    schema
}

/// The schema, which refuses every other key: a misspelt value is an error, not a default.
pub fn schema(fields: &[Field]) -> String {
    let mut root = object();
    for field in fields {
        let mut place = &mut root;
        for key in &field.path[..field.path.len() - 1] {
            place = place["properties"]
                .as_object_mut()
                .expect("made by object()")
                .entry(key.clone())
                .or_insert_with(object);
        }
        place["properties"][field.path[field.path.len() - 1].as_str()] = field.schema.clone();
    }
    root["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    // Helm itself adds this one where the chart is part of another.
    root["properties"]["global"] = json!({ "type": "object" });
    format!("{root:#}\n")
}

fn object() -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": Map::new() })
}

/// The table in the README.
pub fn table(fields: &[Field]) -> String {
    let mut table = "| value | default | what it is |\n|---|---|---|\n".to_owned();
    for Field { path, about, default, .. } in fields {
        table += &format!("| `{}` | `{default}` | {about} |\n", path.join("."));
    }
    table.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# -- How many.\n# @schema {\"minimum\": 0}\nreplicas: 1\nimage:\n  # -- Of the\n  # operator.\n  tag: \"\"\n# -- Both.\nresources:\n  requests:\n    cpu: 1\n";

    #[test]
    fn descriptions_defaults_and_types_come_from_the_file() {
        let fields = fields(TEXT);
        let seen: Vec<_> = fields.iter().map(|field| (field.path.join("."), field.about.as_str())).collect();
        assert_eq!(
            seen,
            [
                ("replicas".into(), "How many."),
                ("image.tag".into(), "Of the operator."),
                ("resources".into(), "Both.")
            ]
        );
        let schema: Value = serde_json::from_str(&schema(&fields)).unwrap();
        assert_eq!(schema["properties"]["replicas"]["minimum"], 0);
        assert_eq!(schema["properties"]["image"]["properties"]["tag"]["type"], "string");
        assert_eq!(schema["properties"]["image"]["additionalProperties"], false);
        assert_eq!(schema["properties"]["resources"]["default"]["requests"]["cpu"], 1);
    }
}
