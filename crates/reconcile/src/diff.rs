//! What differs between the fields that we state and a live object.

use serde_json::Value;

/// The fields that we state and that are otherwise in the live object, as `path live -> wanted`. Values under `data` are not told: they may be secret.
pub fn drift(wanted: &Value, live: &Value) -> Vec<String> {
    let mut found = vec![];
    compare("", wanted, live, &mut found);
    found
}

fn compare(path: &str, wanted: &Value, live: &Value, found: &mut Vec<String>) {
    match (wanted, live) {
        (Value::Object(wanted), _) => {
            for (key, wanted) in wanted {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&path, wanted, live.get(key).unwrap_or(&Value::Null), found);
            }
        }
        (Value::Array(wanted), _) => {
            let none = vec![];
            let live = live.as_array().unwrap_or(&none);
            match wanted.first().and_then(merge_key) {
                Some(key) => {
                    for item in wanted {
                        let path = format!("{path}[{}]", text(&item[key]));
                        let same = live
                            .iter()
                            .find(|live| live[key] == item[key] && protocol(live) == protocol(item));
                        compare(&path, item, same.unwrap_or(&Value::Null), found);
                    }
                }
                None if wanted.len() != live.len() => {
                    found.push(format!("{path}: {} entries -> {}", live.len(), wanted.len()));
                }
                None => {
                    for (index, (wanted, live)) in wanted.iter().zip(live).enumerate() {
                        compare(&format!("{path}[{index}]"), wanted, live, found);
                    }
                }
            }
        }
        // The API server drops what is empty.
        (Value::Null, _) => {}
        (Value::String(wanted), Value::Null) if wanted.is_empty() => {}
        (Value::Bool(false) | Value::Number(_), Value::Null)
            if wanted == &Value::Bool(false) || wanted == &Value::from(0) => {}
        _ if wanted == live || quantity(path, wanted, live) => {}
        _ if path.starts_with("data.") || path.starts_with("stringData.") => {
            found.push(format!("{path}: changed"));
        }
        _ => found.push(format!("{path}: {} -> {}", text(live), text(wanted))),
    }
}

/// Lists whose items have an identity are merged by it, as the API server does; somebody else's items in them are not ours to judge.
fn merge_key(item: &Value) -> Option<&'static str> {
    ["mountPath", "name", "containerPort", "port", "uid", "ip"].into_iter().find(|key| !item[key].is_null())
}

/// The default, where one may be given.
fn protocol(port: &Value) -> &str {
    port["protocol"].as_str().unwrap_or("TCP")
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::String(text) if text.len() > 60 => format!("{}...", text.chars().take(60).collect::<String>()),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether two values are one quantity, written in two ways: `1` and `1000m`.
fn quantity(path: &str, wanted: &Value, live: &Value) -> bool {
    let counted = ["resources.", "sizeLimit", "storage"].iter().any(|part| path.contains(part));
    counted
        && match (amount(wanted), amount(live)) {
            (Some(wanted), Some(live)) => (wanted - live).abs() <= 1e-9 * wanted.abs(),
            _ => false,
        }
}

/// A quantity as a number.
pub fn amount(value: &Value) -> Option<f64> {
    let text = text(value);
    let digits =
        text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-' || c == '+')).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "Ki" => 1024.0,
        "Mi" => 1024f64.powi(2),
        "Gi" => 1024f64.powi(3),
        "Ti" => 1024f64.powi(4),
        "Pi" => 1024f64.powi(5),
        _ => return None,
    };
    number.parse::<f64>().ok().map(|number| number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_we_state_counts() {
        let wanted = json!({ "spec": { "replicas": 2 } });
        assert_eq!(
            drift(&wanted, &json!({ "spec": { "replicas": 2, "paused": true } })),
            Vec::<String>::new()
        );
        assert_eq!(drift(&wanted, &json!({ "spec": { "replicas": 5 } })), ["spec.replicas: 5 -> 2"]);
        assert_eq!(drift(&wanted, &json!({})), ["spec.replicas: nothing -> 2"]);
    }

    #[test]
    fn lists_are_merged_by_their_key_and_others_are_compared_in_order() {
        let wanted = json!({ "containers": [{ "name": "web", "args": ["a", "b"] }] });
        let injected =
            json!({ "containers": [{ "name": "sidecar" }, { "name": "web", "args": ["a", "b"] }] });
        assert!(drift(&wanted, &injected).is_empty());
        let edited = json!({ "containers": [{ "name": "web", "args": ["a", "c"] }] });
        assert_eq!(drift(&wanted, &edited), ["containers[web].args[1]: c -> b"]);
        let shorter = json!({ "containers": [{ "name": "web", "args": ["a"] }] });
        assert_eq!(drift(&wanted, &shorter), ["containers[web].args: 1 entries -> 2"]);
    }

    #[test]
    fn one_port_number_over_two_protocols_is_two_ports() {
        let wanted = json!({ "ports": [{ "port": 53, "protocol": "UDP", "targetPort": 5353 }] });
        let live = json!({ "ports": [{ "port": 53, "protocol": "TCP", "targetPort": 1 }, { "port": 53, "protocol": "UDP", "targetPort": 5353 }] });
        assert!(drift(&wanted, &live).is_empty());
    }

    #[test]
    fn quantities_are_compared_as_amounts_and_nothing_else_is() {
        let wanted =
            json!({ "resources": { "limits": { "cpu": "0.5", "memory": "1024Mi" } }, "args": "1000m" });
        let live = json!({ "resources": { "limits": { "cpu": "500m", "memory": "1Gi" } }, "args": "1" });
        assert_eq!(drift(&wanted, &live), ["args: 1 -> 1000m"]);
    }

    #[test]
    fn the_values_of_a_secret_are_not_told() {
        assert_eq!(
            drift(&json!({ "data": { "p": "c2VjcmV0" } }), &json!({ "data": { "p": "b2xk" } })),
            ["data.p: changed"]
        );
    }
}
