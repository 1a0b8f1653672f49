//! The plugins that can be switched on, in one table: the CRD's rules, the documentation and the operator itself all read it.

use std::collections::BTreeMap;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// One plugin.
#[derive(Debug)]
pub struct Plugin {
    /// Its key under `spec.plugins`.
    pub key: &'static str,
    /// The name that Foreman's image knows it by (`FOREMAN_ENABLED_PLUGINS`).
    pub gem: &'static str,
    /// What it cannot work without and what costs nothing: switched on with it.
    pub implies: &'static [&'static str],
    /// What it cannot work without and what the user has to want himself, because it brings services of its own.
    pub needs: &'static [&'static str],
}

const fn plugin(
    key: &'static str,
    gem: &'static str,
    implies: &'static [&'static str],
    needs: &'static [&'static str],
) -> Plugin {
    Plugin { key, gem, implies, needs }
}

/// All of them, dependencies first: that is also the order in which Foreman loads them. Those from `bootdisk` on are not in
/// upstream's image and need one that has them (`spec.images.foreman`).
pub const PLUGINS: &[Plugin] = &[
    plugin("tasks", "foreman-tasks", &[], &[]),
    plugin("remote_execution", "foreman_remote_execution", &["tasks"], &[]),
    plugin("katello", "katello", &["tasks", "remote_execution"], &[]),
    plugin("ansible", "foreman_ansible", &["tasks", "remote_execution"], &[]),
    plugin("azure_rm", "foreman_azure_rm", &[], &[]),
    plugin("google", "foreman_google", &[], &[]),
    plugin("kubevirt", "foreman_kubevirt", &[], &[]),
    plugin("rh_cloud", "foreman_rh_cloud", &["tasks", "remote_execution"], &["katello"]),
    plugin("webhooks", "foreman_webhooks", &[], &[]),
    plugin("bootdisk", "foreman_bootdisk", &[], &[]),
    plugin("discovery", "foreman_discovery", &[], &[]),
    plugin("leapp", "foreman_leapp", &["tasks", "remote_execution", "ansible"], &[]),
    plugin("openscap", "foreman_openscap", &["tasks", "remote_execution"], &[]),
    plugin("puppet", "foreman_puppet", &[], &[]),
    plugin("remote_execution_cockpit", "foreman_remote_execution_cockpit", &[], &["remote_execution"]),
    plugin("templates", "foreman_templates", &[], &[]),
    plugin("virt_who_configure", "foreman_virt_who_configure", &[], &["katello"]),
];

/// Gem names of what is on, with what that implies, in loading order.
pub fn enabled(wanted: &BTreeMap<String, bool>) -> Vec<&'static str> {
    let asked = |key: &str| wanted.get(key).copied().unwrap_or(false);
    let implied = |key: &str| PLUGINS.iter().any(|other| asked(other.key) && other.implies.contains(&key));
    PLUGINS
        .iter()
        .filter(|plugin| asked(plugin.key) || implied(plugin.key))
        .map(|plugin| plugin.gem)
        .collect()
}

/// Schema of `spec.plugins`: a map whose keys the API server checks against the table.
pub fn schema(_: &mut SchemaGenerator) -> Schema {
    let mut schema = json_schema!({
        "type": "object",
        "description": format!(
            "Plugins by name. What a plugin always needs is switched on with it (katello brings tasks and remote_execution). Known: {}.",
            names()
        ),
        "additionalProperties": { "type": "boolean" },
        "maxProperties": 40,
    });
    schema.insert("x-kubernetes-validations".into(), rules());
    schema
}

fn names() -> String {
    PLUGINS.iter().map(|plugin| plugin.key).collect::<Vec<_>>().join(", ")
}

fn rules() -> Value {
    let known: Vec<_> = PLUGINS.iter().map(|plugin| format!("'{}'", plugin.key)).collect();
    let mut rules = vec![json!({
        "rule": format!("self.all(key, key in [{}])", known.join(", ")),
        "message": format!("unknown plugin; known are: {}", names()),
    })];
    for plugin in PLUGINS {
        let on = |key: &str| format!("('{key}' in self && self['{key}'])");
        for needed in plugin.needs {
            rules.push(json!({
                "rule": format!("!{} || {}", on(plugin.key), on(needed)),
                "message": format!("{} needs {needed}; add `{needed}: true`", plugin.key),
            }));
        }
        for implied in plugin.implies {
            rules.push(json!({
                "rule": format!("!{} || !('{implied}' in self) || self['{implied}']", on(plugin.key)),
                "message": format!("{} always needs {implied}; remove `{implied}: false`", plugin.key),
            }));
        }
    }
    rules.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plugin_always_needs_comes_with_it_and_before_it() {
        let wanted = [("katello".to_owned(), true), ("webhooks".to_owned(), false)].into();
        assert_eq!(enabled(&wanted), ["foreman-tasks", "foreman_remote_execution", "katello"]);
    }

    #[test]
    fn the_table_names_only_itself_and_puts_dependencies_first() {
        for (place, plugin) in PLUGINS.iter().enumerate() {
            for other in plugin.implies {
                let before = PLUGINS.iter().position(|candidate| candidate.key == *other);
                assert!(before.is_some_and(|before| before < place), "{} implies {other}", plugin.key);
            }
            for other in plugin.needs {
                assert!(
                    PLUGINS.iter().any(|candidate| candidate.key == *other),
                    "{} needs {other}",
                    plugin.key
                );
            }
        }
    }
}
