//! The OLM bundle: what `charts/` installs, in the words of the Operator Lifecycle Manager.

use base64::{Engine, engine::general_purpose::STANDARD};
use k8s_openapi::api::rbac::v1::ClusterRole;
use serde_json::{Map, Value, json};

use super::{Entry, HOME, KUBERNETES, MAIL, PROVIDER, Served, chart, crd, rbac, yaml};

/// The bundle of the current version.
pub fn files(entry: &Entry) -> Vec<(String, String)> {
    let operator = entry.about.operator;
    let folder = format!("bundles/{operator}/{}", entry.about.version);
    let annotations = annotations(entry);
    let mut files = vec![
        (path(operator, entry.about.version), yaml(&version(entry))),
        (
            format!("{folder}/manifests/{operator}-metrics_v1_service.yaml"),
            yaml(&json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": { "name": format!("{operator}-metrics"), "labels": labels(entry) },
                "spec": { "selector": labels(entry), "ports": [{ "name": "http", "port": 8080, "targetPort": "http" }] },
            })),
        ),
        (
            format!("{folder}/manifests/{operator}-namespace_rbac.authorization.k8s.io_v1_clusterrole.yaml"),
            yaml(&namespace_role(entry)),
        ),
        (format!("{folder}/metadata/annotations.yaml"), yaml(&json!({ "annotations": annotations }))),
        (format!("{folder}/tests/scorecard/config.yaml"), yaml(&scorecard())),
        (format!("{folder}/bundle.Dockerfile"), image(&annotations)),
    ];
    for served in &entry.serves {
        files.push((format!("{folder}/manifests/{}", crd::file(&served.crd)), crd::text(&served.crd, &[])));
    }
    files
}

/// Where the `ClusterServiceVersion` of a bundle is.
pub fn path(operator: &str, version: &str) -> String {
    format!("bundles/{operator}/{version}/manifests/{operator}.clusterserviceversion.yaml")
}

fn labels(entry: &Entry) -> Value {
    json!({ "app.kubernetes.io/name": entry.about.operator })
}

/// Unbound, as in the chart: whoever administers a namespace grants it there.
fn namespace_role(entry: &Entry) -> ClusterRole {
    let mut role = ClusterRole { rules: Some(rbac::rules(entry).namespace), ..Default::default() };
    role.metadata.name = Some(format!("{}-namespace", entry.about.operator));
    role
}

fn annotations(entry: &Entry) -> Value {
    json!({
        "operators.operatorframework.io.bundle.mediatype.v1": "registry+v1",
        "operators.operatorframework.io.bundle.manifests.v1": "manifests/",
        "operators.operatorframework.io.bundle.metadata.v1": "metadata/",
        "operators.operatorframework.io.bundle.package.v1": entry.about.operator,
        "operators.operatorframework.io.bundle.channels.v1": entry.channel(),
        "operators.operatorframework.io.bundle.channel.default.v1": entry.channel(),
        "operators.operatorframework.io.test.mediatype.v1": "scorecard+v1",
        "operators.operatorframework.io.test.config.v1": "tests/scorecard/",
    })
}

/// Labels repeat the annotations: registries show them without unpacking.
fn image(annotations: &Value) -> String {
    let mut text = "FROM scratch\n\n".to_owned();
    for (key, value) in annotations.as_object().into_iter().flatten() {
        text += &format!("LABEL {key}={}\n", value.as_str().unwrap_or_default());
    }
    text + "\nCOPY manifests /manifests/\nCOPY metadata /metadata/\nCOPY tests/scorecard /tests/scorecard/\n"
}

fn scorecard() -> Value {
    let test = |suite: &str, test: &str| {
        json!({
            "image": "quay.io/operator-framework/scorecard-test:v1.42.3", "entrypoint": ["scorecard-test", test],
            "labels": { "suite": suite, "test": format!("{test}-test") },
            "storage": { "spec": { "mountPath": {} } },
        })
    };
    let mut tests = vec![test("basic", "basic-check-spec")];
    let olm = [
        "bundle-validation",
        "crds-have-validation",
        "crds-have-resources",
        "spec-descriptors",
        "status-descriptors",
    ];
    tests.extend(olm.iter().map(|name| test("olm", &format!("olm-{name}"))));
    json!({
        "apiVersion": "scorecard.operatorframework.io/v1alpha3", "kind": "Configuration",
        "metadata": { "name": "config" }, "stages": [{ "parallel": true, "tests": tests }],
        "storage": { "spec": { "mountPath": {} } },
    })
}

/// The `ClusterServiceVersion`.
fn version(entry: &Entry) -> Value {
    let operator = entry.about.operator;
    let own = format!("{}:{}", entry.image(), entry.about.version);
    let rules = rbac::rules(entry);
    let mut related = vec![json!({ "name": operator, "image": own })];
    related.extend(entry.images.iter().map(|(part, image)| json!({ "name": part, "image": image })));
    let modes = ["OwnNamespace", "SingleNamespace", "MultiNamespace", "AllNamespaces"];
    let modes = modes
        .map(|mode| json!({ "type": mode, "supported": !entry.clusterwide() || mode == "AllNamespaces" }));
    // OLM turns `permissions` into cluster-wide ones where an operator watches all namespaces: nothing but the Lease is there.
    // What an instance needs is the ClusterRole beside this file, granted per namespace.
    json!({
        "apiVersion": "operators.coreos.com/v1alpha1", "kind": "ClusterServiceVersion",
        "metadata": {
            "name": format!("{operator}.v{}", entry.about.version),
            "namespace": "placeholder",
            "annotations": {
                "alm-examples": format!("{:#}", json!(chart::examples(entry))),
                "capabilities": "Basic Install",
                "categories": entry.categories,
                "containerImage": own,
                "createdAt": entry.created,
                "description": entry.summary,
                "features.operators.openshift.io/disconnected": "true",
                "features.operators.openshift.io/fips-compliant": "false",
                "features.operators.openshift.io/proxy-aware": "false",
                "features.operators.openshift.io/tls-profiles": "false",
                "features.operators.openshift.io/token-auth-aws": "false",
                "features.operators.openshift.io/token-auth-azure": "false",
                "features.operators.openshift.io/token-auth-gcp": "false",
                "operatorframework.io/suggested-namespace": operator,
                "repository": HOME,
                "support": PROVIDER,
            },
            "labels": {
                "operatorframework.io/arch.amd64": "supported",
                "operatorframework.io/os.linux": "supported",
            },
        },
        "spec": {
            "displayName": entry.title,
            "description": format!("{}\n\n{}", entry.description, granting(operator)),
            "version": entry.about.version,
            "maturity": "alpha",
            "minKubeVersion": KUBERNETES,
            "keywords": entry.keywords,
            "maintainers": [{ "name": PROVIDER, "email": MAIL }],
            "provider": { "name": PROVIDER, "url": HOME },
            "links": [{ "name": "Source and documentation", "url": HOME }],
            "icon": [{ "base64data": STANDARD.encode(chart::icon(entry)), "mediatype": "image/svg+xml" }],
            "installModes": modes,
            "relatedImages": related,
            "customresourcedefinitions": { "owned": entry.serves.iter().map(|served| owned(entry, served)).collect::<Vec<_>>() },
            "install": {
                "strategy": "deployment",
                "spec": {
                    "deployments": [{ "name": operator, "label": labels(entry), "spec": deployment(entry, &own) }],
                    "permissions": [{ "serviceAccountName": operator, "rules": rules.home }],
                    "clusterPermissions": [{ "serviceAccountName": operator, "rules": rules.everywhere }],
                },
            },
        },
    })
}

fn granting(operator: &str) -> String {
    format!(
        "## After the installation\n\nThe operator sees custom resources everywhere and nothing else. Let it work in a namespace \
         with\n\n    kubectl create rolebinding {operator} --namespace=<namespace> --clusterrole={operator}-namespace \
         --serviceaccount=<namespace of the operator>:{operator}\n\nA custom resource in any other namespace gets a condition \
         that prints this line."
    )
}

/// As in the chart, but for what OLM knows better: the namespaces, and the user, which the platform may assign.
fn deployment(entry: &Entry, own: &str) -> Value {
    let field =
        |name: &str, path: &str| json!({ "name": name, "valueFrom": { "fieldRef": { "fieldPath": path } } });
    let mut env = vec![
        field("WATCH_NAMESPACE", "metadata.annotations['olm.targetNamespaces']"),
        field("POD_NAME", "metadata.name"),
        field("POD_NAMESPACE", "metadata.namespace"),
        field("POD_SERVICE_ACCOUNT", "spec.serviceAccountName"),
        json!({ "name": "RUST_LOG", "value": "info" }),
        json!({ "name": "MALLOC_ARENA_MAX", "value": "1" }),
    ];
    // Mirrors rewrite these and the list of related images alike.
    env.extend(entry.images.iter().map(|(part, image)| {
        json!({ "name": format!("RELATED_IMAGE_{}", part.to_uppercase().replace('-', "_")), "value": image })
    }));
    let mut ports = vec![json!({ "name": "http", "containerPort": 8080 })];
    let (mut volumes, mut mounts) = (vec![], vec![]);
    if let Some(listens) = &entry.listens {
        ports.push(json!({ "name": "gateway", "containerPort": listens.port }));
        let token = json!({ "audience": listens.audience, "expirationSeconds": 3600, "path": "token" });
        volumes
            .push(json!({ "name": "token", "projected": { "sources": [{ "serviceAccountToken": token }] } }));
        mounts.push(json!({ "name": "token", "mountPath": "/var/run/backup", "readOnly": true }));
    }
    let probe = |path: &str, period: i32| json!({ "httpGet": { "path": path, "port": "http" }, "periodSeconds": period });
    let mut deployment = json!({
        "replicas": 1,
        "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 0, "maxSurge": 1 } },
        "selector": { "matchLabels": labels(entry) },
        "template": {
            "metadata": {
                "labels": labels(entry),
                "annotations": { "kubectl.kubernetes.io/default-container": "operator" },
            },
            "spec": {
                "serviceAccountName": entry.about.operator,
                "automountServiceAccountToken": true,
                "enableServiceLinks": false,
                "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
                "containers": [{
                    "name": "operator", "image": own, "imagePullPolicy": "IfNotPresent", "env": env,
                    "ports": ports,
                    "livenessProbe": probe("/healthz", 20), "readinessProbe": probe("/readyz", 5),
                    "securityContext": {
                        "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                        "capabilities": { "drop": ["ALL"] },
                    },
                    "resources": {
                        "requests": { "cpu": "10m", "memory": "32Mi" }, "limits": { "memory": entry.memory() },
                    },
                }],
            },
        },
    });
    if !volumes.is_empty() {
        deployment["template"]["spec"]["volumes"] = json!(volumes);
        deployment["template"]["spec"]["containers"][0]["volumeMounts"] = json!(mounts);
    }
    deployment
}

/// A kind, as the console shows it.
fn owned(entry: &Entry, served: &Served) -> Value {
    let names = &served.crd.spec.names;
    let (schema, version) = crd::schema(&served.crd);
    let mut resources: Vec<Value> = entry
        .uses
        .iter()
        .filter(|kind| kind.scope != crate::Scope::Optional)
        .map(|kind| json!({ "kind": kind.api.kind, "name": "", "version": kind.api.version }))
        .collect();
    resources.push(json!({ "kind": "Pod", "name": "", "version": "v1" }));
    json!({
        "name": served.crd.metadata.name, "kind": names.kind, "version": version, "displayName": names.kind,
        "description": schema["description"], "resources": resources,
        "specDescriptors": descriptors(&schema["properties"]["spec"], ""),
        "statusDescriptors": descriptors(&schema["properties"]["status"], ""),
    })
}

/// One for every field, depth first.
fn descriptors(schema: &Value, above: &str) -> Vec<Value> {
    let mut found = vec![];
    for (key, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        let mut descriptor = Map::new();
        descriptor.insert("path".into(), path.clone().into());
        descriptor.insert("displayName".into(), words(key).into());
        if let Some(about) = field["description"].as_str() {
            descriptor.insert("description".into(), about.into());
        }
        if let Some(widget) = widget(key, field) {
            descriptor.insert("x-descriptors".into(), json!([widget]));
        }
        found.push(descriptor.into());
        found.extend(descriptors(field, &path));
    }
    found
}

/// How the console shows a field.
fn widget(key: &str, field: &Value) -> Option<&'static str> {
    Some(match (key, field["type"].as_str()?) {
        ("conditions", "array") => "urn:alm:descriptor:io.kubernetes.conditions",
        ("replicas", "integer") => "urn:alm:descriptor:com.tectonic.ui:podCount",
        (_, "boolean") => "urn:alm:descriptor:com.tectonic.ui:booleanSwitch",
        (_, "integer") => "urn:alm:descriptor:com.tectonic.ui:number",
        (_, "string") => "urn:alm:descriptor:com.tectonic.ui:text",
        _ => return None,
    })
}

/// `storageClassName` as "Storage class name".
fn words(key: &str) -> String {
    let mut words = String::new();
    for letter in key.chars() {
        match letter {
            '_' => words.push(' '),
            letter if words.is_empty() => words.extend(letter.to_uppercase()),
            letter if letter.is_uppercase() => {
                words.push(' ');
                words.extend(letter.to_lowercase());
            }
            letter => words.push(letter),
        }
    }
    words
}
