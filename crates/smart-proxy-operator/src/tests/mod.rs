//! From a manifest in YAML to the objects of a plan: each golden file shows everything that a user's manifest makes.

mod certificates;
mod fake;
mod lives;
mod outside;
mod restores;
mod schema;

use std::collections::BTreeMap;

use kube::ResourceExt;
use reconcile::{
    Endpoint, Managed, Object, Plan, Status, Values,
    rehearsal::{golden, text},
};

use crate::{SmartProxy, crd::Images, read::Observed};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

const MANIFEST: &str = "
metadata: {name: proxy, namespace: foreman, uid: 00000000-0000-0000-0000-000000000001}
spec: {foreman: {name: myforeman}, modules: {templates: {}, registration: {}}}";

/// A manifest, given only what matters about it, with the defaults that the API server fills in.
fn proxy(yaml: &str) -> SmartProxy {
    let mut value: serde_json::Value = serde_yaml_ng::from_str(yaml).unwrap();
    value["apiVersion"] = "app.theforeman.org/v1alpha1".into();
    value["kind"] = "SmartProxy".into();
    serde_json::from_value(value).unwrap()
}

/// One that works for the Foreman beside it, with these modules and further fields.
fn with(modules: &str, more: &str) -> SmartProxy {
    proxy(&format!(
        "{{metadata: {{name: p, namespace: n}}, spec: {{foreman: {{name: myforeman}}, modules: {modules}{more}}}}}"
    ))
}

fn secret(values: &[(&str, &str)]) -> Values {
    values.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect()
}

/// A Foreman that is Ready, and the Secrets that it publishes.
fn seen() -> Observed {
    let web = Endpoint {
        name: "web".into(),
        url: "https://Foreman.example.com".to_lowercase(),
        ca_secret: Some("myforeman-server-tls".into()),
        authority_secret: Some("myforeman-ca".into()),
        oauth_secret: Some("myforeman-oauth".into()),
        ..Endpoint::default()
    };
    let secrets: BTreeMap<_, _> = [
        ("myforeman-ca", secret(&[("ca.crt", "certificate"), ("ca.key", "private")])),
        ("myforeman-oauth", secret(&[("key", "drawn-key"), ("secret", "drawn-secret")])),
        ("myforeman-server-tls", secret(&[("ca.crt", "certificate"), ("tls.crt", "c"), ("tls.key", "k")])),
        ("rndc", secret(&[("rndc.key", "key \"rndc\" {};")])),
        ("kea", secret(&[("username", "on"), ("password", "p\"a:\\ss #1")])),
        ("ssh", secret(&[("ssh-privatekey", "private"), ("ssh-publickey", "public")])),
        ("ipa", secret(&[("keytab", "k"), ("default.conf", "[global]")])),
        ("puppet", secret(&[("tls.crt", "c"), ("tls.key", "k"), ("ca.crt", "a")])),
        ("mypulp-remote-user", secret(&[("header", "X-Drawn-1234")])),
        ("db", secret(&[("url", "postgresql://u:p@h/d")])),
        ("netbox", secret(&[("token", "p@h")])),
    ]
    .map(|(name, values)| (name.to_owned(), values))
    .into();
    let inside = |name: &str, port: i32| Endpoint {
        name: name.into(),
        url: format!("http://mypulp-{name}.foreman.svc:{port}"),
        remote_user_secret: (name == "api").then(|| "mypulp-remote-user".into()),
        ..Endpoint::default()
    };
    let pulp = vec![inside("api", 24817), inside("content", 24816)];
    let images = Images {
        httpd: Some("images.example.com/httpd:1".into()),
        smart_proxy: Some("images.example.com/smart-proxy:1".into()),
        dnsmasq: Some("images.example.com/dnsmasq:1".into()),
        mosquitto: Some("images.example.com/mosquitto:1".into()),
    };
    Observed {
        secrets,
        images,
        foreman: Some(Status { endpoints: vec![web], ..Status::default() }),
        foremans: vec!["myforeman".into()],
        pulp: Some(Status { endpoints: pulp, ..Status::default() }),
        pulps: vec!["mypulp".into()],
        ..Observed::default()
    }
}

fn plan(proxy: &SmartProxy, seen: &Observed) -> Plan {
    let checked = proxy.check(seen).unwrap_or_else(|faults| panic!("{faults:#?}"));
    SmartProxy::plan(&checked, seen)
}

fn faults(proxy: &SmartProxy, seen: &Observed) -> Vec<String> {
    let found = proxy.check(seen).err().expect("faults");
    found.into_iter().map(|fault| format!("{}: {}", fault.reason, fault.message)).collect()
}

fn object<'a>(plan: &'a Plan, kind: &str, name: &str) -> &'a Object {
    let mut objects = plan.objects();
    objects
        .find(|object| object.api.kind == kind && object.body.name_any() == name)
        .unwrap_or_else(|| panic!("no {kind} {name}"))
}

/// A settings file of a plan, as text.
fn settings(plan: &Plan, file: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let data = &object(plan, "Secret", "p-settings").body.data["data"];
    let text = data[format!("{file}.yml")].as_str().unwrap_or_else(|| panic!("no {file}: {data}"));
    String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
}

/// Every module there is.
const ALL: &str = "{
  templates: {}, registration: {}, httpboot: {}, bmc: {provider: Redfish},
  tftp: {serverName: 'on', daemon: Dnsmasq},
  dns: {server: 192.0.2.53, key: {name: rndc, key: rndc.key}},
  dhcp: {server: 192.0.2.67, subnets: [192.0.2.0/255.255.255.0], kea: {url: 'https://kea:8000/', credentials: {name: kea}}},
  puppet: {url: 'https://puppet:8140', certificate: {name: puppet}},
  puppetCa: {url: 'https://puppet:8140', certificate: {name: puppet}, sign: Token},
  realm: {principal: 'r@EXAMPLE.COM', keytab: {name: ipa, key: keytab}, ipaConfig: {name: ipa, key: default.conf}},
  remoteExecution: {key: {name: ssh}}, ansible: {},
  containerGateway: {pulp: 'https://p.n.svc', database: {name: db, key: url}},
  openscap: {}, discovery: {nodePort: 8444}, externalIpam: {netbox: {url: 'https://netbox', token: {name: netbox, key: token}}}}";

/// Fields of one whose certificate comes from cert-manager, behind `ingress: `.
const CERT_MANAGER: &str = "{}, certificates: {certManager: {issuer: {name: foreman-ca}}}";

#[test]
fn the_manifest_of_the_readme() {
    golden(DIRECTORY, "minimal.yaml", &text(&plan(&proxy(MANIFEST), &seen())));
}

#[test]
fn everything_at_once() {
    let more = ", host: proxy.example.com, logLevel: Debug, networkPolicy: {httpsFrom: [{ipBlock: {cidr: 192.0.2.0/24}}]}, \
                extraSettings: {settings: {log_buffer: 10}, bmc: {bmc_ssh_user: ':x'}, facts: {enabled: true}}";
    golden(DIRECTORY, "everything.yaml", &text(&plan(&with(ALL, more), &seen())));
}

#[test]
fn on_the_network_of_its_node_behind_a_gateway_with_a_broker() {
    let modules = "{tftp: {daemon: Dnsmasq}, remoteExecution: {mode: PullMqtt}, ansible: {}}";
    let more = ", host: proxy.example.com, hostNetwork: true, \
                ingress: {type: Gateway, gateway: {name: edge, namespace: gateways, sectionName: tls}, annotations: {a: b}, labels: {c: d}}";
    golden(DIRECTORY, "network.yaml", &text(&plan(&with(modules, more), &seen())));
}

#[test]
fn content_of_a_pulp_beside_it() {
    let modules = "{containerGateway: {pulp: 'https://p.n.svc', database: {name: db, key: url}}}";
    let more = ", host: proxy.example.com, service: {type: LoadBalancer}, content: {pulp: {name: mypulp}}";
    golden(DIRECTORY, "content.yaml", &text(&plan(&with(modules, more), &seen())));
    let proxy = with("{}", more);
    let gone = Observed { pulp: None, pulps: vec!["other".into()], ..seen() };
    assert!(faults(&proxy, &gone)[0].starts_with("PulpMissing: spec.content.pulp: there is no Pulp"));
    let young = Observed { pulp: Some(Status::default()), ..seen() };
    assert!(faults(&proxy, &young)[0].starts_with("PulpNotReady: spec.content.pulp"));
    let mut odd = seen();
    odd.secrets.insert("mypulp-remote-user".into(), secret(&[("header", "X\nRequire all granted")]));
    assert!(faults(&proxy, &odd)[0].starts_with("PulpNotReady"), "it would become a line of a configuration");
}

#[test]
fn the_url_is_the_one_by_which_it_is_reached_from_outside() {
    let url = |more: &str| {
        let proxy = with("{}", &format!(", host: proxy.example.com{more}"));
        let Ok(checked) = proxy.check(&seen()) else { panic!("no faults") };
        checked.url.to_string()
    };
    assert_eq!(url(""), "https://proxy.example.com:8443/");
    assert_eq!(url(", ingress: {type: Route}"), "https://proxy.example.com/");
    assert_eq!(
        url(", ingress: {type: Gateway, gateway: {name: g}, port: 9090}"),
        "https://proxy.example.com:9090/"
    );
}

#[test]
fn a_key_pair_is_drawn_once_and_never_again() {
    let jobs = with("{remoteExecution: {}}", "");
    let first = plan(&jobs, &seen());
    assert!(matches!(object(&first, "Secret", "p-ssh").write, reconcile::Write::Generate(_)));
    let pod = serde_json::to_string(&object(&first, "Deployment", "p-proxy").body).unwrap();
    assert!(pod.contains("\"secretName\":\"p-ssh\""), "{pod}");
    // Once it is said to be part of a backup, hosts know it.
    let mut lost = seen();
    lost.status.backup =
        Some(reconcile::Backup { secrets: vec!["p-ssh".into()], ..reconcile::Backup::default() });
    assert!(faults(&jobs, &lost)[0].starts_with("KeyLost: Secret \"p-ssh\" is gone"));
    let own = plan(&with("{remoteExecution: {key: {name: ssh}}}", ""), &lost);
    assert!(own.objects().all(|object| object.body.name_any() != "p-ssh"), "the user's own");
}

#[test]
fn whatever_yaml_could_mangle_arrives_as_it_is() {
    let tricky =
        ["on", "no", "08", ":x", "~", "2024-01-01", "12:30:45", "a: b", "it's \"quoted\"", "<%= x %>"];
    let values: BTreeMap<_, _> =
        tricky.iter().enumerate().map(|(place, text)| (format!("k{place}"), *text)).collect();
    let more = format!(", extraSettings: {{bmc: {}}}", serde_json::to_string(&values).unwrap());
    let text = settings(&plan(&with("{bmc: {}}", &more), &seen()), "bmc");
    let read: BTreeMap<String, serde_json::Value> = serde_yaml_ng::from_str(&text).unwrap();
    for (key, value) in values {
        assert_eq!(read[&format!(":{key}")], value, "{text}");
    }
}

#[test]
fn passwords_are_in_the_secret_and_nowhere_else() {
    let plan = plan(&with(ALL, ""), &seen());
    for object in plan.objects().filter(|object| object.api.kind != "Secret") {
        let text = serde_json::to_string(&object.body).unwrap();
        assert!(!text.contains("p@h") && !text.contains("ss #1"), "{}", object.title());
    }
    assert!(settings(&plan, "dhcp_kea").contains(r#":dhcp_kea_password: "p\"a:\\ss #1""#));
}

#[test]
fn those_who_are_trusted_are_in_lower_case_and_never_nobody() {
    let more = ", trustedHosts: [Other.Example.COM, foreman.example.com]";
    let text = settings(&plan(&with("{}", more), &seen()), "settings");
    let line = ":trusted_hosts: [\"foreman.example.com\", \"p.n.svc\", \"other.example.com\"]";
    assert!(text.contains(line), "{text}");
}

#[test]
fn plain_http_is_open_only_for_machines_without_certificates() {
    let quiet = plan(&with("{bmc: {}}", ""), &seen());
    assert!(!settings(&quiet, "settings").contains("http_port"));
    assert_eq!(object(&quiet, "Service", "p").body.data["spec"]["ports"].as_array().unwrap().len(), 1);
    let all = plan(&with(ALL, ""), &seen());
    for file in [
        "logs",
        "tftp",
        "dns",
        "dhcp",
        "bmc",
        "puppet",
        "puppetca",
        "realm",
        "dynflow",
        "ansible",
        "registration",
        "openscap",
        "discovery",
        "externalipam",
    ] {
        assert!(settings(&all, file).contains(":enabled: \"https\""), "{file}");
    }
    for file in ["templates", "httpboot"] {
        assert!(settings(&all, file).contains(":enabled: true"), "{file}");
    }
}

#[test]
fn plugins_are_those_that_the_modules_come_from_unless_others_are_named() {
    let environment = |proxy: &SmartProxy| {
        let plan = plan(proxy, &seen());
        let container =
            &object(&plan, "Deployment", "p-proxy").body.data["spec"]["template"]["spec"]["containers"][0];
        container["env"][0]["value"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(environment(&with("{bmc: {}}", "")), "", "unset would mean all");
    assert_eq!(
        environment(&with(ALL, "")),
        "ansible container_gateway dhcp_kea discovery openscap remote_execution_ssh"
    );
    assert_eq!(environment(&with("{}", ", plugins: [discovery]")), "discovery");
}

#[test]
fn what_is_wrong_is_said_with_the_field_and_the_mend() {
    let nobody = Observed { foreman: None, foremans: vec!["other".into()], ..seen() };
    assert_eq!(
        faults(&with("{}", ""), &nobody),
        [
            "ForemanMissing: spec.foreman.name: there is no Foreman \"myforeman\" in this namespace; there are: other. For one somewhere else give spec.foreman.url"
        ]
    );
    let mut young = seen();
    young.secrets.remove("myforeman-ca");
    assert!(faults(&with("{}", ""), &young)[0].starts_with("ForemanNotReady: spec.foreman.name"));
    let without = Observed { images: Images::default(), ..seen() };
    assert_eq!(
        faults(&with("{tftp: {daemon: Dnsmasq}}", ""), &without),
        [
            "Invalid: spec.modules.tftp.daemon: Dnsmasq needs spec.images.dnsmasq, an image with dnsmasq in its path"
        ]
    );
    let said = faults(
        &with(
            "{bmc: {}, dns: {server: s, key: {name: none, key: k}}}",
            ", extraSettings: {bmc: {enabled: true, x: {'a b': 1}, ':y': 1}}",
        ),
        &seen(),
    );
    assert_eq!(
        said,
        [
            "SecretMissing: spec.modules.dns.key: Secret \"none\" does not exist; create it with the key \"k\"",
            "Invalid: spec.extraSettings.bmc.:y: keys must be letters, digits and underscores, without colons: they become Ruby symbols",
            "Invalid: spec.extraSettings.bmc.enabled: it is set from another field of this manifest; change it there",
            "Invalid: spec.extraSettings.bmc.x: keys must be letters, digits and underscores, without colons: they become Ruby symbols",
        ]
    );
}

#[test]
fn every_secret_that_is_mounted_or_read_wakes_its_proxy() {
    let proxy = with(ALL, "");
    let own = ["p-settings", "p-server-tls", "p-client-tls"];
    let mounted = plan(&proxy, &seen());
    for object in mounted.objects() {
        for (kind, name) in object.configuration() {
            let known = own.contains(&name.as_str()) || proxy.references().contains(&(kind, name.clone()));
            assert!(known, "{kind} {name}");
        }
    }
}

#[test]
fn every_kind_of_a_plan_is_watched_and_permitted_and_no_other() {
    let more = ", networkPolicy: {httpsFrom: [{podSelector: {}}]}, host: a.b, ingress: ";
    let plans = [
        "{type: Gateway, gateway: {name: g}}",
        "{type: Route}",
        "{}, content: {pulp: {name: mypulp}}",
        CERT_MANAGER,
    ]
    .map(|ingress| plan(&with(ALL, &format!("{more}{ingress}")), &Observed { cert_manager: true, ..seen() }));
    let objects = plans.iter().flat_map(Plan::objects);
    let mut planned: Vec<_> = objects.map(|object| object.api.kind.clone()).collect();
    planned.sort();
    planned.dedup();
    let owned = SmartProxy::kinds().into_iter().filter(|kind| kind.scope != reconcile::Scope::Optional);
    let mut owned: Vec<_> = owned.map(|kind| kind.api.kind).collect();
    owned.sort();
    assert_eq!(planned, owned);
}

#[test]
fn every_container_has_probes_and_requests_and_limits() {
    for object in plan(&with(ALL, ""), &seen()).objects() {
        let Some(template) = object.pod_template() else { continue };
        for container in template["spec"]["containers"].as_array().unwrap() {
            for needed in ["requests", "limits"] {
                assert!(!container["resources"][needed]["memory"].is_null(), "{}: {needed}", object.title());
            }
            // Nobody waits for one that nobody is sent to.
            let served = !container["ports"].is_null();
            for probe in ["livenessProbe", "readinessProbe"].into_iter().take(1 + usize::from(served)) {
                assert!(!container[probe].is_null(), "{}: {probe}", object.title());
            }
        }
    }
}

#[test]
fn the_longest_name_still_makes_valid_objects() {
    let proxy = proxy(&MANIFEST.replace("name: proxy", &format!("name: {}", "a".repeat(40))));
    for object in plan(&proxy, &seen()).objects() {
        assert!(object.body.name_any().len() <= 63, "{}", object.title());
    }
}

#[test]
fn a_pod_that_shares_nothing_is_replaced_without_a_gap() {
    let strategy = |modules: &str, more: &str| {
        let plan = plan(&with(modules, more), &seen());
        object(&plan, "Deployment", "p-proxy").body.data["spec"]["strategy"]["type"].clone()
    };
    assert_eq!(strategy("{templates: {}, bmc: {}}", ""), "RollingUpdate");
    assert_eq!(strategy("{tftp: {}}", ""), "RollingUpdate", "both write to one volume");
    for modules in [
        "{remoteExecution: {}}",
        "{openscap: {}}",
        "{dhcp: {server: s, kea: {url: 'https://kea:8000/', credentials: {name: kea}}}}",
    ] {
        assert_eq!(strategy(modules, ""), "Recreate", "{modules}");
    }
    assert_eq!(strategy("{}", ", hostNetwork: true"), "Recreate");
    let affinity = |modules: &str| {
        let plan = plan(&with(modules, ""), &seen());
        object(&plan, "Deployment", "p-proxy").body.data["spec"]["template"]["spec"]["affinity"].clone()
    };
    let beside = "/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/0/podAffinityTerm/labelSelector/matchLabels/app.kubernetes.io~1instance";
    assert_eq!(affinity("{tftp: {}}").pointer(beside), Some(&"p".into()), "the volume is on that node");
    assert!(affinity("{templates: {}}").is_null());
    assert_eq!(strategy("{}", ", extraSettings: {facts: {enabled: true}}"), "Recreate");
}
