require_relative 'lib/event_daemon'

Foreman::Plugin.register 'katello', version: '5.0.0', requires: %w[foreman-tasks foreman_remote_execution] do
  use Katello::EventDaemon

  ping { Katello::Ping.run }

  draw do
    scope module: :katello, defaults: { format: :json } do
      get 'katello/api/ping', to: 'home#ping'
      get 'katello/api/status', to: 'home#status'
      get 'rhsm/status', to: 'rhsm#status'
      scope 'katello/api(/:api_version)', api_version: /v2/ do
        post 'organizations/:id/subscriptions/upload', to: 'subscriptions#upload'
      end
    end
  end
end
