//! Who may log in, and which authorities are trusted.

use super::*;

pub const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBfDCCASGgAwIBAgIUV7HwNLrjCI5vjMzFRNuc7XCS6JAwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHZXhhbXBsZTAgFw0yNjExMjUyMDA1NDhaGA8yMTI2MTEwMTIw
MDU0OFowEjEQMA4GA1UEAwwHZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABM4GWmSmVUyDIkHUmQkLy9s3dMKb8/cG39K4oqrGF329xbB5zQh8i8fywdZ5
vVfCTFUcCleRE2bFELe3t8bLAE6jUzBRMB0GA1UdDgQWBBR8tw7CzBBv3s0dIGCc
poO+rpVGKTAfBgNVHSMEGDAWgBR8tw7CzBBv3s0dIGCcpoO+rpVGKTAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDzgYW9g7gOW5figCrRsnj5CktK
vVpOUb7t1onQI8fO7QIhAMTQ72WydsOExkrfDIJ2E8zsw4dOTvrdKY1juLW4Byon
-----END CERTIFICATE-----
";
const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEzgZaZKZVTIMiQdSZCQvL2zd0wpvz
9wbf0riiqsYXfb3FsHnNCHyLx/LB1nm9V8JMVRwKV5ETZsUQt7e3xssATg==
-----END PUBLIC KEY-----
";
const LDAP: &str = "servers: ['ldaps://one.example.com', 'ldaps://two.example.com'], bind: {dn: 'cn=reader,dc=example,dc=com', password: {name: ldap}}, \
    users: {search: [{base: 'ou=people,dc=example,dc=com'}], attributes: {email: mail}}";

/// A Pulp with this of LDAP besides.
fn directory(more: &str) -> Pulp {
    of(&format!("{{storage: {{file: {{size: 1Gi}}}}, authentication: {{ldap: {{{LDAP}{more}}}}}}}"))
}

fn keycloak(more: &str) -> Pulp {
    let fields = "url: 'https://sso.example.com/auth/', realm: 'people & co', clientId: pulp, clientSecret: {name: keycloak}";
    let mut pulp = of(&format!(
        "{{storage: {{file: {{size: 1Gi}}}}, authentication: {{keycloak: {{{fields}, publicKey: x{more}}}}}}}"
    ));
    pulp.spec.authentication.keycloak.as_mut().unwrap().public_key = PUBLIC_KEY.into();
    pulp
}

/// What is seen when all that they refer to is there.
fn all(pulp: &Pulp) -> Observed {
    let mut seen = seen(pulp);
    let hostile = "a\"b\\c$d'é {x} @format {this.SECRET_KEY}";
    let secrets = [
        ("ldap", secret(&[("password", hostile)])),
        ("ldap-ca", secret(&[("ca.crt", CERTIFICATE)])),
        ("keycloak", secret(&[("clientSecret", hostile)])),
        ("trusted", secret(&[("ca.crt", CERTIFICATE)])),
    ];
    seen.secrets.extend(secrets.map(|(name, values)| (name.to_owned(), values)));
    seen.config_maps.insert("injected".into(), secret(&[("ca-bundle.crt", CERTIFICATE)]));
    seen
}

#[test]
fn a_directory_a_keycloak_and_authorities() {
    let mut pulp = of(&format!(
        "{{storage: {{s3: {{bucket: b, endpoint: 'https://s3.example.com'}}}}, serviceAccountName: opener, \
        trustedCertificates: [{{configMap: injected, key: ca-bundle.crt}}, {{secret: trusted}}], \
        authentication: {{ldap: {{{LDAP}, ca: {{name: ldap-ca}}, cacheSeconds: 60, connection: {{options: {{OPT_X_TLS_PROTOCOL_MIN: 771}}}}, \
        groups: {{search: [{{base: 'ou=groups,dc=example,dc=com', scope: OneLevel, filter: '(objectClass=groupOfNames)'}}], \
        type: NestedMemberDN, memberAttribute: member, require: {{anyOf: ['cn=a', 'cn=b'], allOf: ['cn=c']}}, deny: ['cn=d'], \
        flags: {{isSuperuser: ['cn=admins']}}, mirror: {{except: [staff]}}}}}}}}}}"
    ));
    pulp.spec.authentication.keycloak = keycloak(", adminRole: admin").spec.authentication.keycloak;
    golden(DIRECTORY, "directory.yaml", &text(&plan(&pulp, &all(&pulp))));
}

#[test]
fn what_a_user_wrote_stays_data_in_front_of_code_that_never_changes() {
    let tail = |pulp: &Pulp| {
        let text = settings(&plan(pulp, &all(pulp)));
        let at = text.find("# django-auth-ldap wants objects").unwrap();
        (text[..at].to_owned(), text[at..].to_owned())
    };
    let mut hostile = directory("");
    let ldap = hostile.spec.authentication.ldap.as_mut().unwrap();
    ldap.bind.as_mut().unwrap().dn = "\"; import os #\\".into();
    ldap.users.attributes.insert("\"; import os #\\".into(), "'''".into());
    ldap.users.search[0].base = "\n\nimport os\n".into();
    let (data, code) = tail(&hostile);
    assert_eq!(code, tail(&directory("")).1);
    assert!(data.contains(r#"AUTH_LDAP_BIND_DN = "\"; import os #\\""#), "{data}");
    assert!(data.contains(r#"[["\U0000000a\U0000000aimport os\U0000000a", "SCOPE_SUBTREE""#), "{data}");
    assert!(
        data.contains(r#"AUTH_LDAP_BIND_PASSWORD = "a\"b\\c$d'\U000000e9 {x} @format {this.SECRET_KEY}""#),
        "{data}"
    );
}

#[test]
fn what_they_lack_is_said_by_field_before_anything_changes() {
    let cases = [
        (
            directory(""),
            "ldap",
            "SecretMissing: spec.authentication.ldap.bind.password: Secret \"ldap\" does not exist",
        ),
        (
            directory(", ca: {name: ldap-ca}"),
            "ldap-ca",
            "SecretMissing: spec.authentication.ldap.ca: Secret \"ldap-ca\"",
        ),
        (
            keycloak(""),
            "keycloak",
            "SecretMissing: spec.authentication.keycloak.clientSecret: Secret \"keycloak\"",
        ),
    ];
    for (pulp, missing, wanted) in cases {
        let mut seen = all(&pulp);
        assert_eq!(pulp.check(&seen).err(), None);
        assert!(pulp.references().contains(&("Secret", missing.to_owned())), "{missing} is not watched");
        seen.secrets.remove(missing);
        let said = faults(&pulp, &seen);
        assert!(said[0].starts_with(wanted), "{said:?}");
    }
    let mut seen = all(&directory(""));
    seen.secrets.insert("ldap-ca".into(), secret(&[("ca.crt", "nonsense")]));
    let said = faults(&directory(", ca: {name: ldap-ca}"), &seen);
    assert!(said[0].starts_with("Invalid: spec.authentication.ldap.ca: holds no certificate"), "{said:?}");
    let mut wrong = keycloak("");
    wrong.spec.authentication.keycloak.as_mut().unwrap().public_key = CERTIFICATE.into();
    let said = faults(&wrong, &all(&wrong));
    assert!(
        said[0].starts_with("Invalid: spec.authentication.keycloak.publicKey: is no public key"),
        "{said:?}"
    );
}

#[test]
fn what_a_directory_would_only_refuse_at_log_in_is_refused_here() {
    let users = |filter: &str| {
        let mut pulp = directory("");
        pulp.spec.authentication.ldap.as_mut().unwrap().users.search[0].filter = filter.into();
        pulp
    };
    let template = |dn: &str| {
        let mut pulp = directory("");
        pulp.spec.authentication.ldap.as_mut().unwrap().users.dn_template = Some(dn.into());
        pulp
    };
    let (at, options) = ("users.search[0].filter: ", "connection: {options: {DEBUG_LEVEL: 1}}");
    for (pulp, said) in [
        (users("uid=%(user)s"), format!("{at}its parentheses do not match")),
        (users("(&(uid=%(user)s)"), format!("{at}its parentheses do not match")),
        (users("(uid=someone)"), format!("{at}needs %(user)s")),
        (users("(&(uid=%(user)s)(cn=5%))"), format!("{at}a % that is only a % must be doubled")),
        (template("uid=someone"), "users.dnTemplate: needs %(user)s".into()),
        (directory(&format!(", {options}")), "connection.options: \"DEBUG_LEVEL\" is no option".into()),
        (
            directory(", groups: {search: [{base: b, filter: '(cn=%(user)s)'}]}"),
            "groups.search[0].filter: a % that is only a %".into(),
        ),
    ] {
        let found = faults(&pulp, &all(&pulp));
        assert!(found[0].starts_with(&format!("Invalid: spec.authentication.ldap.{said}")), "{found:?}");
    }
    for filter in ["(uid=%(user)s)", "(&(uid=%(user)s)(!(cn=5%%)))"] {
        assert_eq!(users(filter).check(&all(&users(filter))).err(), None, "{filter}");
    }
}

#[test]
fn settings_that_they_are_made_of_are_not_given_besides() {
    let refused = |mut pulp: Pulp, setting: &str| {
        pulp.spec.settings.insert(setting.into(), true.into());
        let seen = all(&pulp);
        pulp.check(&seen).is_err()
    };
    for setting in ["AUTHENTICATION_BACKENDS", "AUTH_LDAP_USER_SEARCH", "AUTH_LDAP_REQUIRE_GROUP"] {
        assert!(refused(directory(""), setting), "{setting}");
    }
    for setting in ["AUTHENTICATION_BACKENDS", "INSTALLED_APPS", "SOCIAL_AUTH_KEYCLOAK_SECRET"] {
        assert!(refused(keycloak(""), setting), "{setting}");
    }
    assert!(!refused(directory(""), "AUTH_LDAP_AUTHORIZE_ALL_USERS"));
    assert!(!refused(of("{storage: {file: {size: 1Gi}}}"), "AUTHENTICATION_BACKENDS"));
}

#[test]
fn the_image_is_asked_before_anything_that_serves_is_replaced() {
    let before = of("{storage: {file: {size: 1Gi}}}");
    let said = r#"{"versions": {"core": "1"}, "gates": []}"#;
    for after in [directory(""), keycloak("")] {
        let mut seen = running(&before, &[("migrate", "images.example.com/pulp:1", said)]);
        seen.secrets = all(&after).secrets;
        assert_eq!(stages(&plan(&before, &seen))[5], "Migrate");
        let looks = stages(&plan(&after, &seen));
        assert_eq!(looks[5..8], ["Preflight", "Admin held", "Checksums held"]);
    }
}

#[test]
fn what_a_token_means_is_only_looked_at_where_somebody_says_so() {
    let text = |pulp: &Pulp| settings(&plan(pulp, &all(pulp)));
    let plain = text(&keycloak(""));
    assert!(!plain.contains("keycloak_login.take") && !plain.contains("associate_by_email"), "{plain}");
    assert!(text(&keycloak(", associateByEmail: true")).contains("associate_by_email"));
    for field in ["adminRole: admin", "groupClaim: groups"] {
        assert!(text(&keycloak(&format!(", {field}"))).contains("\"keycloak_login.take\""), "{field}");
    }
    let url = "https://sso.example.com/auth/realms/people%20%26%20co/protocol/openid-connect";
    assert!(plain.contains(&format!("AUTHORIZATION_URL = \"{url}/auth\"")), "{plain}");
    let inside = text(&keycloak(", internalUrl: 'http://keycloak:8080'"));
    assert!(
        inside.contains("ACCESS_TOKEN_URL = \"http://keycloak:8080/realms/people%20%26%20co/"),
        "{inside}"
    );
    assert!(inside.contains(&format!("AUTHORIZATION_URL = \"{url}/auth\"")), "{inside}");
}

#[test]
fn authorities_that_are_none_are_said() {
    let pulp =
        of("{storage: {file: {size: 1Gi}}, trustedCertificates: [{configMap: c}, {secret: s, key: k}]}");
    assert!(pulp.references().contains(&("ConfigMap", "c".into())));
    let mut seen = seen(&pulp);
    let said = faults(&pulp, &seen);
    assert!(
        said[0].starts_with("ConfigMapMissing: spec.trustedCertificates: ConfigMap \"c\" does not exist"),
        "{said:?}"
    );
    assert!(
        said[1].starts_with("SecretMissing: spec.trustedCertificates: Secret \"s\" does not exist"),
        "{said:?}"
    );
    seen.config_maps.insert("c".into(), secret(&[("ca-bundle.crt", CERTIFICATE)]));
    seen.secrets.insert("s".into(), secret(&[("k", &CERTIFICATE.replace("MII", "M!I"))]));
    let said = faults(&pulp, &seen);
    assert!(said[0].ends_with("ConfigMap \"c\" has no key \"ca.crt\"; it has: ca-bundle.crt"), "{said:?}");
    let wanted = "Invalid: spec.trustedCertificates: the key \"k\" of Secret \"s\": block 1 is no PEM";
    assert_eq!(said[1], wanted);
}
