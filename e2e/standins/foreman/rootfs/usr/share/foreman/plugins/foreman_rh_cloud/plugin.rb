Foreman::Plugin.register 'foreman_rh_cloud', version: '14.0.0', requires: %w[katello]
