//! Settings files as the Smart Proxy reads them: Ruby symbols as keys, and values that no YAML parser takes for anything else.
//!
//! Ruby's YAML takes `on` for true, `08` for a text and `010` for eight, `12:30:45` for a number and `:x` for a symbol, refuses `2024-01-01`, and
//! ignores a key that is quoted. So every key is plain and every text is quoted.

use std::fmt::Write;

use serde_json::Value as Json;

/// A value of a setting.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text; arrives as this text, whatever it looks like.
    Text(String),
    /// A whole number.
    Number(i64),
    /// True or false.
    Switch(bool),
    /// Several.
    List(Vec<Value>),
    /// Keys, which arrive as symbols, and their values; letters, digits and underscores only, which `check` sees to.
    Map(Vec<(String, Value)>),
    /// A number with a fraction, or nothing at all: as they stand in JSON.
    Plain(String),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Value {
    fn from(switch: bool) -> Self {
        Self::Switch(switch)
    }
}

impl From<Vec<String>> for Value {
    fn from(texts: Vec<String>) -> Self {
        Self::List(texts.into_iter().map(Self::Text).collect())
    }
}

impl From<&Json> for Value {
    fn from(json: &Json) -> Self {
        match json {
            Json::String(text) => Self::Text(text.clone()),
            Json::Bool(switch) => Self::Switch(*switch),
            Json::Array(values) => Self::List(values.iter().map(Self::from).collect()),
            Json::Object(fields) => {
                Self::Map(fields.iter().map(|(key, value)| (key.clone(), Self::from(value))).collect())
            }
            Json::Number(number) => {
                number.as_i64().map_or_else(|| Self::Plain(number.to_string()), Self::Number)
            }
            Json::Null => Self::Plain("null".into()),
        }
    }
}

impl Value {
    /// Writes what follows a key or a dash, the end of the line with it. Maps stand in lines of their own: between braces Ruby takes no key that
    /// begins with a colon.
    fn write(&self, indent: usize, text: &mut String) {
        let begin = |text: &mut String| text.extend(std::iter::repeat_n(' ', indent));
        match self {
            Self::List(values) if !self.flat() => {
                text.push('\n');
                for value in values {
                    begin(text);
                    text.push('-');
                    value.write(indent + 2, text);
                }
            }
            Self::Map(fields) if !fields.is_empty() => {
                text.push('\n');
                for (key, value) in fields {
                    begin(text);
                    text.push(':');
                    text.push_str(key);
                    text.push(':');
                    value.write(indent + 2, text);
                }
            }
            flat => {
                text.push(' ');
                flat.write_flat(text);
                text.push('\n');
            }
        }
    }

    /// Whether it stands in one line.
    fn flat(&self) -> bool {
        match self {
            Self::List(values) => values.iter().all(Self::flat),
            Self::Map(fields) => fields.is_empty(),
            _ => true,
        }
    }

    fn write_flat(&self, text: &mut String) {
        match self {
            Self::Text(value) => quote(value, text),
            Self::Number(number) => text.push_str(&number.to_string()),
            Self::Switch(switch) => text.push_str(if *switch { "true" } else { "false" }),
            Self::Plain(value) => text.push_str(value),
            Self::List(values) => {
                text.push('[');
                for (place, value) in values.iter().enumerate() {
                    text.push_str(if place > 0 { ", " } else { "" });
                    value.write_flat(text);
                }
                text.push(']');
            }
            Self::Map(_) => text.push_str("{}"),
        }
    }
}

/// A text between double quotes; what YAML does not let stand there is escaped.
fn quote(value: &str, text: &mut String) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            ' '..='~' => text.push(character),
            // Writing to a String cannot fail.
            other => {
                let _ = write!(text, "\\U{:08X}", u32::from(other));
            }
        }
    }
    text.push('"');
}

/// A settings file: one key after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// Its name, without `.yml`.
    pub name: String,
    /// Keys without colons, and values.
    pub settings: Vec<(String, Value)>,
}

impl File {
    /// A file.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), settings: vec![] }
    }

    /// The file of a module: on, for clients that come this way.
    pub fn module(name: &str, listen: Listen) -> Self {
        let on = match listen {
            Listen::Https => "https".into(),
            Listen::Http => "http".into(),
            Listen::Both => Value::Switch(true),
        };
        Self::new(name).with("enabled", on)
    }

    /// Adds a setting.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.settings.push((key.into(), value.into()));
        self
    }

    /// Adds a setting if there is a value.
    #[must_use]
    pub fn with_some(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Its text.
    pub fn text(&self) -> String {
        let mut text = "---\n".to_owned();
        for (key, value) in &self.settings {
            text.push(':');
            text.push_str(key);
            text.push(':');
            value.write(2, &mut text);
        }
        text
    }
}

/// Where a module listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// For clients with certificates.
    Https,
    /// For machines that have none.
    Http,
    /// For both.
    Both,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_plain_and_texts_are_quoted() {
        let file = File::module("tftp", Listen::Both)
            .with("tftp_servername", "on")
            .with("ttl", 86400)
            .with_some("absent", None::<String>)
            .with("hosts", vec!["a".to_owned(), ":b".to_owned()]);
        assert_eq!(
            file.text(),
            "---\n:enabled: true\n:tftp_servername: \"on\"\n:ttl: 86400\n:hosts: [\"a\", \":b\"]\n"
        );
        assert!(File::module("dns", Listen::Https).text().contains(":enabled: \"https\""));
    }

    /// A parser of the same YAML 1.1 scalars would read plain texts as something else; a quoted one is a text in every version.
    #[test]
    fn what_yaml_could_mangle_comes_back_unchanged() {
        let texts = [
            "on",
            "no",
            "yes",
            "~",
            "null",
            "08",
            "010",
            "0x1f",
            "1_000",
            "12:30:45",
            "2024-01-01",
            ":x",
            ": ",
            "- a",
            "#",
            "a # b",
            "\"quoted\"",
            "'single'",
            "back\\slash",
            "line\nline",
            "tab\t",
            "\u{7f}\u{85}\u{2028}",
            "ä€😀",
            "<%= 1 %>",
            "&a *a !b %c @d `e",
            " leading and trailing ",
            "",
        ];
        for text in texts {
            let written = File::new("x").with("key", text).text();
            let read: serde_json::Value = serde_yaml_ng::from_str(&written).unwrap();
            assert_eq!(read, json!({ ":key": text }), "{written}");
            assert!(written.is_ascii());
        }
    }

    #[test]
    fn free_values_keep_their_type() {
        let json = json!({ "a": [1, true, "08", null, 1.5], "b": { "on": "off", "c": {}, "d": [] }, "e": [{ "f": [1], "g": 2 }, [], [[1], { "h": 3 }]] });
        let Value::Map(fields) = Value::from(&json) else { panic!("a map") };
        let file = File { name: "x".into(), settings: fields };
        let text = file.text();
        assert!(
            text.contains(":a: [1, true, \"08\", null, 1.5]\n:b:\n  :c: {}\n  :d: []\n  :on: \"off\"\n"),
            "{text}"
        );
        // Between braces or brackets a colon may not begin a key: not even this parser, which lets it pass, must be asked.
        assert!(!text.contains("{:") && !text.contains("[:"), "{text}");
        let read: serde_json::Value = serde_yaml_ng::from_str(&text).unwrap();
        let expected = json!({ ":a": [1, true, "08", null, 1.5], ":b": { ":on": "off", ":c": {}, ":d": [] }, ":e": [{ ":f": [1], ":g": 2 }, [], [[1], { ":h": 3 }]] });
        assert_eq!(read, expected, "{text}");
    }
}
