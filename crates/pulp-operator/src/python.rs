//! Values as Python literals: whatever a value holds, it arrives unchanged.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// Assignments, one a line, in the order of their names.
pub fn assignments<'a>(settings: impl IntoIterator<Item = (&'a String, &'a Value)>) -> String {
    let mut text = String::new();
    for (name, value) in settings {
        text.push_str(name);
        text.push_str(" = ");
        literal(value, &mut text);
        text.push('\n');
    }
    text
}

fn literal(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("None"),
        Value::Bool(true) => text.push_str("True"),
        Value::Bool(false) => text.push_str("False"),
        Value::Number(number) => text.push_str(&number.to_string()),
        Value::String(value) => string(value, text),
        Value::Array(items) => list(items, text),
        Value::Object(fields) => dictionary(fields, text),
    }
}

fn list(items: &[Value], text: &mut String) {
    text.push('[');
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            text.push_str(", ");
        }
        literal(item, text);
    }
    text.push(']');
}

fn dictionary(fields: &Map<String, Value>, text: &mut String) {
    text.push('{');
    for (place, (name, value)) in fields.iter().enumerate() {
        if place > 0 {
            text.push_str(", ");
        }
        string(name, text);
        text.push_str(": ");
        literal(value, text);
    }
    text.push('}');
}

/// ASCII only, so that it means the same whatever encoding the file is read in.
fn string(value: &str, text: &mut String) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            ' '..='~' => text.push(character),
            _ => {
                let _ = write!(text, "\\U{:08x}", u32::from(character));
            }
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::assignments;

    #[test]
    fn nothing_gets_out_of_its_quotes() {
        let settings: BTreeMap<_, _> = [
            ("B".to_owned(), json!({ "password": "a\"b\\c$d'é\n", "n": [1, 2.5, true, null] })),
            ("A".to_owned(), json!("\"; import os #")),
        ]
        .into();
        assert_eq!(
            assignments(&settings),
            "A = \"\\\"; import os #\"\nB = {\"n\": [1, 2.5, True, None], \"password\": \"a\\\"b\\\\c$d'\\U000000e9\\U0000000a\"}\n"
        );
    }
}
