//! The API reference: every field with type, default and rules, and the examples.

use serde_json::Value;

use super::{Entry, Example, Served, crd, yaml};

/// A page for each kind, and its examples.
pub fn files(entry: &Entry) -> Vec<(String, String)> {
    let mut files = vec![];
    for served in &entry.serves {
        let kind = served.crd.spec.names.kind.to_lowercase();
        files.push((format!("docs/reference/{kind}.md"), page(served, &kind)));
        for example in &served.examples {
            let text = format!("# {}\n{}", example.about, yaml(&example.manifest));
            files.push((path(&kind, example), text));
        }
    }
    files
}

/// Beginning of the paths of a kind's examples.
pub fn examples(kind: &str) -> String {
    format!("docs/reference/examples/{}-", kind.to_lowercase())
}

fn path(kind: &str, example: &Example) -> String {
    format!("{}{}.yaml", examples(kind), example.name)
}

fn page(served: &Served, kind: &str) -> String {
    let names = &served.crd.spec.names;
    let (schema, version) = crd::schema(&served.crd);
    let short =
        names.short_names.iter().flatten().map(|name| format!(", short name `{name}`")).collect::<String>();
    let mut page = format!(
        "# {}\n\n{}\n\n`apiVersion: {}/{version}`, `kind: {}`, `kubectl get {}`{short}.\n\n## Examples\n\n",
        names.kind,
        described(&schema),
        served.crd.spec.group,
        names.kind,
        names.plural
    );
    for example in &served.examples {
        let file = path(kind, example).replace("docs/reference/", "");
        page += &format!("- [{}]({file}): {}\n", example.name, example.about);
    }
    page += "\n`kubectl explain` says the same as the tables below on any cluster that has the definition.\n";
    let rules = rules(&schema);
    if !rules.is_empty() {
        page += &format!("\nOf the whole manifest:{}\n", rules.replace("<br>", "\n"));
    }
    for part in ["spec", "status"] {
        let mut rows = vec![];
        let properties = &schema["properties"][part];
        walk(properties, part, &mut rows);
        page += &format!("\n## {part}\n\n| field | type | default | what it is |\n|---|---|---|---|\n");
        page += &rows.concat();
        let rules = self::rules(properties);
        if !rules.is_empty() {
            page += &format!("\nOf {part} as a whole:{}\n", rules.replace("<br>", "\n"));
        }
    }
    page
}

/// A row for every field below, depth first.
fn walk(schema: &Value, path: &str, rows: &mut Vec<String>) {
    let required =
        |key: &str| schema["required"].as_array().is_some_and(|keys| keys.iter().any(|k| k == key));
    for (key, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        let default = match &field["default"] {
            Value::Null if required(key) => "**required**".to_owned(),
            Value::Null => String::new(),
            // What the fields below say one by one.
            Value::Object(map) if !map.is_empty() => String::new(),
            value => format!("`{value}`"),
        };
        let about = format!("{}{}", described(field), rules(field)).replace('|', "\\|");
        rows.push(format!("| `{path}` | {} | {default} | {about} |\n", type_of(field)));
        walk(field, &path, rows);
        walk(&field["items"], &format!("{path}[]"), rows);
        walk(&field["additionalProperties"], &format!("{path}.*"), rows);
    }
}

fn described(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('\n', " ")
}

fn type_of(schema: &Value) -> String {
    let name = |schema: &Value| schema["type"].as_str().unwrap_or("any").to_owned();
    if let Some(values) = schema["enum"].as_array() {
        let values = values
            .iter()
            .filter(|value| !value.is_null())
            .map(|value| format!("`{}`", value.as_str().unwrap_or_default()));
        return values.collect::<Vec<_>>().join(", ");
    }
    let range = match (&schema["minimum"], &schema["maximum"]) {
        (Value::Null, Value::Null) => String::new(),
        (low, Value::Null) => format!(", from {low}"),
        (Value::Null, high) => format!(", to {high}"),
        (low, high) => format!(", {low} to {high}"),
    };
    let length = match &schema["maxLength"] {
        Value::Null => String::new(),
        most => format!(", at most {most} characters"),
    };
    let inner = if schema["items"].is_object() {
        format!(" of {}", name(&schema["items"]))
    } else if schema["additionalProperties"].is_object() {
        format!(", {} by name", name(&schema["additionalProperties"]))
    } else {
        String::new()
    };
    // Numbers of JSON schema are written as floats.
    format!("{}{inner}{}{length}", name(schema), range.replace(".0", ""))
}

/// What the API server refuses, in the words that it uses.
fn rules(schema: &Value) -> String {
    let rules = schema["x-kubernetes-validations"].as_array().into_iter().flatten();
    rules.filter_map(|rule| rule["message"].as_str()).map(|message| format!("<br>- {message}")).collect()
}
