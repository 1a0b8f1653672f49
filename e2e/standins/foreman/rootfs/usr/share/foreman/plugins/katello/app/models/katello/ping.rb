module Katello
  # No pulp3: it is asked only when a Pulp proxy is registered, which this stand-in has none of.
  module Ping
    module_function

    def run
      services = {
        candlepin: ::Ping.watch { Candlepin.require_normal(signed: false) },
        candlepin_auth: ::Ping.watch { Candlepin.require_normal(signed: true) },
        foreman_tasks: ::Ping.watch { Dynflow::Client.ping! },
        katello_events: ::Ping.watch { events }
      }
      { services: services, status: services.values.all? { |service| service[:status] == 'ok' } ? 'ok' : 'FAIL' }
    end

    def events
      status = Rails.cache.read(EventDaemon::STATUS) or raise 'Not running'
      { message: "#{status[:processed]} Processed, #{status[:failed]} Failed" }
    end
  end
end
