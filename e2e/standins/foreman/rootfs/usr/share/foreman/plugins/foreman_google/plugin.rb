Foreman::Plugin.register 'foreman_google', version: '4.0.0'
