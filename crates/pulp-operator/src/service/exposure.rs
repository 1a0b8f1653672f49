//! What leads clients straight to API and content where no web server of ours stands in front: Ingress, `HTTPRoute`, Routes.
//!
//! Content is handed out by its own server; all else, every plugin's paths among it, by the API. So the routes do not depend on
//! the plugins that an image has.

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend,
    IngressSpec, IngressTLS, ServiceBackendPort,
};
use kube::api::ObjectMeta;
use reconcile::Object;
use serde_json::json;

use super::Instance;
use crate::crd::IngressType;

/// Path, part and port; the longest path wins.
const PATHS: [(&str, &str, i32); 3] =
    [("/pulp/content/", "content", 24816), ("/pulp/container/", "content", 24816), ("/", "api", 24817)];

/// Nothing where a web server of ours, or nobody, stands in front.
pub fn objects(pulp: &Instance) -> Vec<Object> {
    match pulp.spec.ingress.type_ {
        IngressType::Ingress => vec![ingress(pulp)],
        IngressType::Gateway => vec![http_route(pulp)],
        IngressType::Route => PATHS.iter().map(|path| route(pulp, path)).collect(),
        _ => vec![],
    }
}

fn metadata(pulp: &Instance, name: String) -> ObjectMeta {
    let wanted = &pulp.spec.ingress;
    let mut metadata = pulp.part("").metadata(name);
    metadata.labels.get_or_insert_default().extend(wanted.labels.clone());
    metadata.annotations = (!wanted.annotations.is_empty()).then(|| wanted.annotations.clone());
    metadata
}

fn ingress(pulp: &Instance) -> Object {
    let wanted = &pulp.spec.ingress;
    let path = |(path, part, port): &(&str, &str, i32)| HTTPIngressPath {
        path: Some((*path).into()),
        path_type: "Prefix".into(),
        backend: IngressBackend {
            service: Some(IngressServiceBackend {
                name: pulp.part(part).name(),
                port: Some(ServiceBackendPort { number: Some(*port), ..Default::default() }),
            }),
            ..Default::default()
        },
    };
    let tls = IngressTLS {
        hosts: wanted.host.clone().map(|host| vec![host]),
        secret_name: wanted.tls.secret_name.clone(),
    };
    Ingress {
        metadata: metadata(pulp, pulp.name.clone()),
        spec: Some(IngressSpec {
            ingress_class_name: wanted.class_name.clone(),
            rules: Some(vec![IngressRule {
                host: wanted.host.clone(),
                http: Some(HTTPIngressRuleValue { paths: PATHS.iter().map(path).collect() }),
            }]),
            tls: wanted.tls.enabled.then(|| vec![tls]),
            ..Default::default()
        }),
        ..Default::default()
    }
    .into()
}

fn http_route(pulp: &Instance) -> Object {
    let wanted = &pulp.spec.ingress;
    let mut parent = json!({ "group": "gateway.networking.k8s.io", "kind": "Gateway" });
    if let Some(gateway) = &wanted.gateway {
        parent["name"] = gateway.name.clone().into();
        for (field, value) in [("namespace", &gateway.namespace), ("sectionName", &gateway.section_name)] {
            if let Some(value) = value {
                parent[field] = value.clone().into();
            }
        }
    }
    let rule = |(path, part, port): &(&str, &str, i32)| {
        json!({
            // Pulp's guards of content take what stands there for a certificate that somebody has checked.
            "filters": [{ "type": "RequestHeaderModifier", "requestHeaderModifier": { "remove": ["X-CLIENT-CERT"] } }],
            "matches": [{ "path": { "type": "PathPrefix", "value": path } }],
            "backendRefs": [{ "group": "", "kind": "Service", "name": pulp.part(part).name(), "port": port, "weight": 1 }],
        })
    };
    let rules: Vec<_> = PATHS.iter().map(rule).collect();
    let spec = json!({ "parentRefs": [parent], "hostnames": [wanted.host], "rules": rules });
    Object::foreign(("gateway.networking.k8s.io", "v1", "HTTPRoute"), metadata(pulp, pulp.name.clone()), spec)
}

fn route(pulp: &Instance, (path, backend, port): &(&str, &str, i32)) -> Object {
    let wanted = &pulp.spec.ingress;
    let suffix = path.trim_matches('/').replace('/', "-");
    let name = if suffix.is_empty() { pulp.name.clone() } else { format!("{}-{suffix}", pulp.name) };
    let mut spec = json!({
        "host": wanted.host,
        "path": path,
        "to": { "kind": "Service", "name": pulp.part(backend).name(), "weight": 100 },
        "port": { "targetPort": port },
        "wildcardPolicy": "None",
    });
    if wanted.tls.enabled {
        spec["tls"] = json!({ "termination": "edge", "insecureEdgeTerminationPolicy": "Redirect" });
        if let Some(secret) = &wanted.tls.secret_name {
            spec["tls"]["externalCertificate"] = json!({ "name": secret });
        }
    }
    Object::foreign(("route.openshift.io", "v1", "Route"), metadata(pulp, name), spec)
}
