//! Settings of users, wherever they come from.

use super::*;

#[test]
fn settings_arrive_unchanged_wherever_they_come_from() {
    let hostile = "q\"b\\s$d'é {x} @format {this.SECRET_KEY}";
    let mut pulp =
        of("{storage: {file: {size: 1Gi}}, settingsFrom: [{configMap: c}, {secret: s, format: JSON}]}");
    pulp.spec.settings.insert("A_TEXT".into(), hostile.into());
    let mut seen = seen(&pulp);
    seen.config_maps.insert("c".into(), secret(&[("B_TEXT", hostile)]));
    seen.secrets
        .insert("s".into(), secret(&[("C_LIST", "[\"x\", 1, true, null]"), ("A_TEXT", "\"later wins\"")]));
    let text = settings(&plan(&pulp, &seen));
    assert!(text.contains("A_TEXT = \"later wins\""), "{text}");
    assert!(text.contains(r#"B_TEXT = "q\"b\\s$d'\U000000e9 {x} @format {this.SECRET_KEY}""#), "{text}");
    assert!(text.contains("C_LIST = [\"x\", 1, True, None]"), "{text}");
}

#[test]
fn what_is_wrong_with_a_source_of_settings_is_said() {
    let pulp = of("{storage: {file: {size: 1Gi}}, settingsFrom: [{configMap: c, format: JSON}]}");
    let mut seen = seen(&pulp);
    assert!(
        faults(&pulp, &seen)[0]
            .starts_with("ConfigMapMissing: spec.settingsFrom: ConfigMap \"c\" does not exist")
    );
    for (key, value, said) in [
        ("A", "nope", "the key \"A\" of ConfigMap \"c\" is no JSON"),
        ("a", "1", "is no name of a setting"),
        ("DATABASES", "{}", "is a setting that the operator makes from other fields"),
    ] {
        seen.config_maps.insert("c".into(), secret(&[(key, value)]));
        let found = faults(&pulp, &seen);
        assert!(found[0].contains(said), "{found:?}");
    }
}

#[test]
fn a_setting_of_the_operators_own_is_refused() {
    let pulp = of("{storage: {file: {size: 1Gi}}, settings: {lower: 1, SECRET_KEY: x}}");
    let said = faults(&pulp, &seen(&pulp));
    assert!(
        said[0].starts_with("Invalid: spec.settings: SECRET_KEY is a setting that the operator makes"),
        "{said:?}"
    );
    assert!(said[1].starts_with("Invalid: spec.settings: lower is no name of a setting"), "{said:?}");
}
