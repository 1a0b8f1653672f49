//! One part of an instance, such as its web server: how its objects are named, labelled and selected.

use std::collections::BTreeMap;

use k8s_openapi::{
    ByteString,
    api::{
        apps::v1::{
            Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment, StatefulSet,
            StatefulSetSpec,
        },
        core::v1::{
            ConfigMap, PersistentVolumeClaim, PersistentVolumeClaimSpec, PodSpec, PodTemplateSpec, Secret,
            Service, ServicePort, ServiceSpec, VolumeResourceRequirements,
        },
    },
    apimachinery::pkg::{
        api::resource::Quantity,
        apis::meta::v1::{LabelSelector, ObjectMeta},
        util::intstr::IntOrString,
    },
};

use crate::object::Object;

/// One part of an instance.
#[derive(Clone, Debug)]
pub struct Part {
    /// The application, for example `foreman`.
    pub application: &'static str,
    /// The custom resource's name.
    pub instance: String,
    /// The part, for example `web`; empty for the instance as a whole.
    pub component: String,
}

/// How pods are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replace {
    /// A new one is ready before an old one goes.
    Rolling,
    /// The old one is gone before the new one comes: two at once would do harm.
    OneAtATime,
}

impl Part {
    /// Name of its objects.
    pub fn name(&self) -> String {
        if self.component.is_empty() {
            self.instance.clone()
        } else {
            format!("{}-{}", self.instance, self.component)
        }
    }

    /// What its pods are selected by; can never change.
    pub fn selector(&self) -> BTreeMap<String, String> {
        let mut labels: BTreeMap<_, _> =
            [("app.kubernetes.io/name", self.application), ("app.kubernetes.io/instance", &self.instance)]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into();
        if !self.component.is_empty() {
            labels.insert("app.kubernetes.io/component".into(), self.component.clone());
        }
        labels
    }

    /// Metadata of an object of this part.
    pub fn metadata(&self, name: String) -> ObjectMeta {
        let mut labels = self.selector();
        labels.insert("app.kubernetes.io/part-of".into(), self.application.into());
        ObjectMeta { name: Some(name), labels: Some(labels), ..Default::default() }
    }

    /// A pod template with the labels that the part is selected by.
    pub fn template(&self, pod: PodSpec) -> PodTemplateSpec {
        let metadata = ObjectMeta { labels: self.metadata(String::new()).labels, ..Default::default() };
        PodTemplateSpec { metadata: Some(metadata), spec: Some(pod) }
    }

    /// Pods without a state of their own.
    pub fn deployment(&self, replicas: i32, replace: Replace, pod: PodSpec) -> Object {
        let strategy = match replace {
            Replace::OneAtATime => {
                DeploymentStrategy { type_: Some("Recreate".into()), ..Default::default() }
            }
            Replace::Rolling => DeploymentStrategy {
                type_: Some("RollingUpdate".into()),
                rolling_update: Some(RollingUpdateDeployment {
                    max_surge: Some(IntOrString::Int(1)),
                    max_unavailable: Some(IntOrString::Int(0)),
                }),
            },
        };
        Deployment {
            metadata: self.metadata(self.name()),
            spec: Some(DeploymentSpec {
                replicas: Some(replicas),
                revision_history_limit: Some(3),
                selector: LabelSelector { match_labels: Some(self.selector()), ..Default::default() },
                strategy: Some(strategy),
                template: self.template(pod),
                ..Default::default()
            }),
            ..Default::default()
        }
        .into()
    }

    /// One pod with a state of its own; its volume is a claim of the part's, so that it can grow.
    pub fn stateful_set(&self, pod: PodSpec) -> Object {
        StatefulSet {
            metadata: self.metadata(self.name()),
            spec: Some(StatefulSetSpec {
                replicas: Some(1),
                // In order, a pod that never became ready would never be replaced: a mended image would not help.
                pod_management_policy: Some("Parallel".into()),
                revision_history_limit: Some(3),
                selector: LabelSelector { match_labels: Some(self.selector()), ..Default::default() },
                service_name: Some(self.name()),
                template: self.template(pod),
                ..Default::default()
            }),
            ..Default::default()
        }
        .into()
    }

    /// A Service in front of the part's pods: name, port, and the name of the port behind it.
    pub fn service(&self, type_: &str, ports: &[(&str, i32)]) -> Object {
        let port = |(name, port): &(&str, i32)| ServicePort {
            name: Some((*name).into()),
            port: *port,
            target_port: Some(IntOrString::String((*name).into())),
            protocol: Some("TCP".into()),
            ..Default::default()
        };
        Service {
            metadata: self.metadata(self.name()),
            spec: Some(ServiceSpec {
                type_: Some(type_.into()),
                selector: Some(self.selector()),
                ports: Some(ports.iter().map(port).collect()),
                ..Default::default()
            }),
            ..Default::default()
        }
        .into()
    }

    /// Configuration without secrets.
    pub fn config_map<const N: usize>(&self, files: [(&str, String); N]) -> Object {
        ConfigMap {
            metadata: self.metadata(self.name()),
            data: Some(files.map(|(name, text)| (name.to_owned(), text)).into()),
            ..Default::default()
        }
        .into()
    }

    /// Configuration with secrets in it.
    pub fn secret(&self, files: impl IntoIterator<Item = (impl Into<String>, String)>) -> Object {
        let data =
            files.into_iter().map(|(name, text)| (name.into(), ByteString(text.into_bytes()))).collect();
        Secret {
            metadata: self.metadata(self.name()),
            type_: Some("Opaque".into()),
            data: Some(data),
            ..Default::default()
        }
        .into()
    }

    /// A volume.
    pub fn claim(&self, size: &str, class: Option<&str>, mode: &str) -> Object {
        PersistentVolumeClaim {
            metadata: self.metadata(self.name()),
            spec: Some(PersistentVolumeClaimSpec {
                access_modes: Some(vec![mode.into()]),
                storage_class_name: class.map(Into::into),
                resources: Some(VolumeResourceRequirements {
                    requests: Some([("storage".to_owned(), Quantity(size.into()))].into()),
                    ..Default::default()
                }),
                ..Default::default()
            }),
            ..Default::default()
        }
        .into()
    }
}
