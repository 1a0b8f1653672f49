//! What the API server refuses, checked without one.

use super::*;

/// What the API server says to a spec.
fn refused(spec: &str) -> String {
    let manifest = proxy(&format!("{{metadata: {{name: p, namespace: n}}, spec: {spec}}}"));
    manifest.validate_cel().err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn the_schema_refuses_with_the_field_and_the_mend() {
    let ours = "foreman: {name: f}";
    let url = "foreman: {url: 'https://f.example.com', ca: {name: ca}, login: {name: l}}";
    let cases = [
        ("{foreman: {}}".to_owned(), "give either the name of a Foreman"),
        (
            "{foreman: {name: f, url: 'https://f.example.com', ca: {name: ca}}}".into(),
            "give either the name of a Foreman",
        ),
        ("{foreman: {url: 'https://f.example.com'}}".into(), "spec.foreman.ca: name the Secret"),
        (
            "{foreman: {url: 'http://f.example.com', ca: {name: ca}}}".into(),
            "spec.foreman.url must be https://",
        ),
        (
            "{foreman: {name: f, oauth: {name: o}, login: {name: l}}}".into(),
            "oauth and login exclude each other",
        ),
        (format!("{{{url}}}"), "spec.certificates: only a Foreman of this namespace"),
        (format!("{{{ours}, host: proxy}}"), "spec.host must be a fully qualified host name"),
        (format!("{{{ours}, host: Proxy.example.com}}"), "spec.host must be a fully qualified host name"),
        (format!("{{{ours}, port: 8000}}"), "HTTP and HTTPS need a port each"),
        (format!("{{{ours}, modules: {{registration: {{}}}}}}"), "add `templates: {}`"),
        (format!("{{{ours}, modules: {{ansible: {{}}}}}}"), "spec.modules.ansible needs remoteExecution"),
        (format!("{{{ours}, modules: {{remoteExecution: {{}}}}}}"), "name the Secret with the key pair"),
        (
            format!("{{{ours}, modules: {{remoteExecution: {{mode: PullMqtt}}}}}}"),
            "name the broker with mode PullMqtt",
        ),
        (format!("{{{ours}, modules: {{dhcp: {{server: s}}}}}}"), "give either remoteIsc or kea"),
        (
            format!(
                "{{{ours}, modules: {{dhcp: {{server: s, subnets: [10.0.0.0/8], kea: {{url: 'http://k'}}}}}}}}"
            ),
            "write network and netmask",
        ),
        (
            format!(
                "{{{ours}, modules: {{dns: {{server: s, key: {{name: k}}, gss: {{principal: p, keytab: {{name: k}}}}}}}}}}"
            ),
            "key and gss exclude each other",
        ),
        (format!("{{{ours}, extraSettings: {{':dns': {{dns_ttl: 1}}}}}}"), "without colons"),
        (format!("{{{ours}, registration: {{name: 'a\"b'}}}}"), "must not have quotes"),
    ];
    for (spec, mend) in cases {
        let said = refused(&spec);
        assert!(said.contains(mend), "{spec}: {said}");
    }
    assert_eq!(refused(&format!("{{{ours}, modules: {ALL}, host: proxy.example.com}}")), "");
    assert_eq!(refused(&format!("{{{url}, certificates: {{server: {{name: s}}}}}}")), "");
    assert_eq!(
        refused(&format!("{{{ours}, extraSettings: {{settings: {{log_buffer: 1}}, dns: {{dns_ttl: on}}}}}}")),
        ""
    );
}
