//! Jobs on hosts: `dynflow` keeps them, `script` runs them, `ansible` stands on both. And containers for hosts.

use reconcile::{Drawn, Generate};

use super::{Look, Module, hosts::STATE};
use crate::{
    crd::{ContainerGateway, Mode, Mqtt, RemoteExecution, SecretName, SmartProxySpec},
    names::{CRT, ETC, KEY, SSH},
    settings::{File, Listen},
};

const PLUGIN: &[&str] = &["remote_execution_ssh"];
/// Keys of a key pair, as Secrets of the type `kubernetes.io/ssh-auth` have the first.
const PRIVATE: &str = "ssh-privatekey";
const PUBLIC: &str = "ssh-publickey";

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
    if execution.mode == Mode::PullMqtt {
        let Mqtt { broker, port } = execution.mqtt.clone().unwrap_or_default();
        let broker = broker.unwrap_or_else(|| look.host.to_owned());
        file = file.with("mqtt_broker", broker).with("mqtt_port", port);
    }
    let module = Module { plugins: PLUGIN, ..Module::new("script", field, vec![]) };
    if execution.mode != Mode::Ssh {
        return Module { files: vec![file], ..module };
    }
    let drawn = || SecretName { name: format!("{}-{SSH}", look.name) };
    let key = execution.key.clone().unwrap_or_else(drawn);
    if execution.key.is_some() {
        for name in [PRIVATE, PUBLIC] {
            look.key("spec.modules.remoteExecution.key", &key, name);
        }
    }
    let files = vec![file.with("ssh_identity_key_file", format!("{ETC}/ssh/id"))];
    // Both must be there. OpenSSH takes a key that belongs to root and is read by the group.
    Module { files, ..module }.secret("ssh", &key.name, &[(PRIVATE, "id"), (PUBLIC, "id.pub")])
}

/// The key pair that hosts let in, unless jobs need none or the user has one.
pub fn drawn(spec: &SmartProxySpec, name: &str, host: &str, lived: bool) -> Option<Drawn> {
    let execution = spec.modules.remote_execution.as_ref()?;
    let wanted = execution.mode == Mode::Ssh && execution.key.is_none();
    let key = || Generate::SshKey(format!("foreman-proxy@{host}"));
    wanted.then(|| Drawn { name: format!("{name}-{SSH}"), values: vec![(PRIVATE, key())], lived })
}

/// Ansible; it reports to Foreman itself, for which it reads [`environment`].
pub fn ansible() -> Module {
    let file = File::module("ansible", Listen::Https)
        .with("ansible_dir", STATE)
        .with("working_dir", "/var/tmp")
        .with("ansible_environment_file", format!("{ETC}/{ENVIRONMENT}"));
    Module { plugins: &["ansible"], ..Module::new("ansible", "spec.modules.ansible", vec![file]) }
}

/// Name of the file with the environment of Ansible's processes.
pub const ENVIRONMENT: &str = "ansible.env";

/// Environment of Ansible's processes, as a shell reads it: where they report, as whom, and what they may write to.
pub fn environment(foreman: &str, authority: &str) -> String {
    let client = format!("{ETC}/client");
    let values = [
        ("ANSIBLE_CALLBACKS_ENABLED", "theforeman.foreman.foreman".to_owned()),
        ("ANSIBLE_LOCAL_TEMP", "/tmp".into()),
        ("ANSIBLE_HOST_KEY_CHECKING", "False".into()),
        ("ANSIBLE_ROLES_PATH", "/etc/ansible/roles:/usr/share/ansible/roles".into()),
        ("ANSIBLE_COLLECTIONS_PATH", "/etc/ansible/collections:/usr/share/ansible/collections".into()),
        ("FOREMAN_URL", foreman.to_owned()),
        ("FOREMAN_SSL_CERT", format!("{client}/{CRT}")),
        ("FOREMAN_SSL_KEY", format!("{client}/{KEY}")),
        ("FOREMAN_SSL_VERIFY", authority.to_owned()),
        ("ANSIBLE_SSH_ARGS", "-o ProxyCommand=none -C -o ControlMaster=auto -o ControlPersist=60s".into()),
    ];
    let lines = values.map(|(name, value)| format!("export {name}=\"{value}\"\n"));
    lines.concat()
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
