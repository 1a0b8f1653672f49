Foreman::Plugin.register 'foreman_ansible', version: '18.0.0', requires: %w[foreman_remote_execution]
