//! What leads clients from outside to the Service. TLS goes through it untouched: the proxy has to see the client's certificate.

use reconcile::Object;
use serde_json::json;

use crate::{checked::Checked, crd::IngressType};

/// Nothing where something of the user's stands in front, or nothing.
pub fn objects(proxy: &Checked) -> Vec<Object> {
    let wanted = &proxy.spec.ingress;
    let (kind, spec) = match wanted.type_ {
        IngressType::None => return vec![],
        IngressType::Gateway => (("gateway.networking.k8s.io", "v1", "TLSRoute"), tls_route(proxy)),
        IngressType::Route => (("route.openshift.io", "v1", "Route"), route(proxy)),
    };
    let mut metadata = proxy.part("").metadata(proxy.name.clone());
    metadata.labels.get_or_insert_default().extend(wanted.labels.clone());
    metadata.annotations = (!wanted.annotations.is_empty()).then(|| wanted.annotations.clone());
    vec![Object::foreign(kind, metadata, spec)]
}

fn tls_route(proxy: &Checked) -> serde_json::Value {
    let mut parent = json!({ "group": "gateway.networking.k8s.io", "kind": "Gateway" });
    if let Some(gateway) = &proxy.spec.ingress.gateway {
        parent["name"] = gateway.name.clone().into();
        for (field, value) in [("namespace", &gateway.namespace), ("sectionName", &gateway.section_name)] {
            if let Some(value) = value {
                parent[field] = value.clone().into();
            }
        }
    }
    let service =
        json!({ "group": "", "kind": "Service", "name": proxy.name, "port": proxy.spec.port, "weight": 1 });
    json!({ "parentRefs": [parent], "hostnames": [proxy.host], "rules": [{ "backendRefs": [service] }] })
}

fn route(proxy: &Checked) -> serde_json::Value {
    json!({
        "host": proxy.host,
        "to": { "kind": "Service", "name": proxy.name, "weight": 100 },
        "port": { "targetPort": "https" },
        "tls": { "termination": "passthrough" },
        "wildcardPolicy": "None",
    })
}
