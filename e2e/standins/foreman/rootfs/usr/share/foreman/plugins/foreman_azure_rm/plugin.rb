Foreman::Plugin.register 'foreman_azure_rm', version: '4.0.0'
