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
        (
            format!("{{{ours}, modules: {{remoteExecution: {{mqtt: {{}}}}}}}}"),
            "spec.modules.remoteExecution.mqtt: only with mode PullMqtt",
        ),
        (format!("{{{ours}, certificates: {{}}}}"), "spec.certificates: give exactly one of server, bundle"),
        (
            format!(
                "{{{ours}, certificates: {{server: {{name: s}}, certManager: {{issuer: {{name: i}}}}}}}}"
            ),
            "spec.certificates: give exactly one of server, bundle",
        ),
        (
            format!(
                "{{{ours}, certificates: {{client: {{name: s}}, certManager: {{issuer: {{name: i}}}}}}}}"
            ),
            "is for both uses; remove client",
        ),
        (format!("{{{ours}, modules: {{externalIpam: {{}}}}}}"), "give either netbox or phpipam"),
        (
            format!("{{{ours}, host: a.b, certificates: {{bundle: {{name: b}}, client: {{name: c}}}}}}"),
            "remove client and trust",
        ),
        (format!("{{{ours}, certificates: {{bundle: {{name: b}}}}}}"), "spec.host: a bundle is for one host"),
        (format!("{{{ours}, ingress: {{type: Route}}}}"), "spec.host: a TLSRoute or Route needs"),
        (
            format!("{{{ours}, host: a.b, ingress: {{type: Gateway}}}}"),
            "spec.ingress.gateway: name the Gateway",
        ),
        (
            format!("{{{ours}, host: a.b, ingress: {{type: Route}}, content: {{pulp: {{name: p}}}}}}"),
            "spec.ingress: with content, hosts need two ports of one host",
        ),
        (format!("{{{ours}, content: {{pulp: {{name: p}}, port: 8443}}}}"), "need a port each"),
        (format!("{{{ours}, ingress: {{port: 443}}}}"), "spec.ingress.port: only with type Gateway or Route"),
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
    let bundled = "foreman: {url: 'https://f.example.com'}, host: a.b, certificates: {bundle: {name: b}}";
    assert_eq!(refused(&format!("{{{bundled}}}")), "");
    assert_eq!(refused(&format!("{{{ours}, modules: {{remoteExecution: {{mode: PullMqtt}}}}}}")), "");
    assert_eq!(
        refused(&format!("{{{ours}, extraSettings: {{settings: {{log_buffer: 1}}, dns: {{dns_ttl: on}}}}}}")),
        ""
    );
}
