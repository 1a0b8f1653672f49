Foreman::Plugin.register 'foreman_kubevirt', version: '0.5.0'
