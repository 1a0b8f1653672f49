Foreman::Plugin.register 'foreman_webhooks', version: '5.0.0'
