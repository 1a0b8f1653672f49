//! Jobs on hosts: `dynflow` keeps them, `script` runs them, `ansible` stands on both. And containers for hosts.

use super::{Look, Module, hosts::STATE};
use crate::{
    crd::{ContainerGateway, Mode, RemoteExecution},
    names::ETC,
    settings::{File, Listen},
};

const PLUGIN: &[&str] = &["remote_execution_ssh"];

/// Jobs in a file: in memory, which is upstream's default, a restart would lose them.
pub fn dynflow() -> Module {
    let file = File::module("dynflow", Listen::Https).with("database", format!("{STATE}/dynflow.sqlite"));
    Module {
        plugins: PLUGIN,
        lasting: true,
        ..Module::new("dynflow", "spec.modules.remoteExecution", vec![file])
    }
}

/// Remote execution; the process calls it `script`.
pub fn script(execution: &RemoteExecution, look: &mut Look) -> Module {
    let field = "spec.modules.remoteExecution";
    let mut file = File::module("remote_execution_ssh", Listen::Https)
        .with("mode", execution.mode.name())
        .with("ssh_user", execution.user.clone())
        .with("local_working_dir", "/var/tmp")
        .with("socket_working_dir", "/var/tmp");
    if let Some(mqtt) = execution.mqtt.as_ref().filter(|_| execution.mode == Mode::PullMqtt) {
        file = file.with("mqtt_broker", mqtt.broker.clone()).with("mqtt_port", mqtt.port);
    }
    let module = Module { plugins: PLUGIN, ..Module::new("script", field, vec![]) };
    let Some(key) = execution.key.as_ref().filter(|_| execution.mode == Mode::Ssh) else {
        return Module { files: vec![file], ..module };
    };
    for name in ["ssh-privatekey", "ssh-publickey"] {
        look.key("spec.modules.remoteExecution.key", key, name);
    }
    let files = vec![file.with("ssh_identity_key_file", format!("{ETC}/ssh/id"))];
    // Both must be there. OpenSSH takes a key that belongs to root and is read by the group.
    Module { files, ..module }.secret(
        "ssh",
        &key.name,
        &[("ssh-privatekey", "id"), ("ssh-publickey", "id.pub")],
    )
}

/// Ansible.
pub fn ansible() -> Module {
    let file =
        File::module("ansible", Listen::Https).with("ansible_dir", STATE).with("working_dir", "/var/tmp");
    Module { plugins: &["ansible"], ..Module::new("ansible", "spec.modules.ansible", vec![file]) }
}

/// Container images of a Pulp.
pub fn container_gateway(gateway: &ContainerGateway, look: &mut Look) -> Module {
    let database = look.value("spec.modules.containerGateway.database", &gateway.database);
    let file = File::module("container_gateway", Listen::Https)
        .with("pulp_endpoint", gateway.pulp.clone())
        .with("db_connection_string", database);
    Module {
        plugins: &["container_gateway"],
        ..Module::new("container_gateway", "spec.modules.containerGateway", vec![file])
    }
}
