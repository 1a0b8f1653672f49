module Dynflow
  # Runs in a worker on the queue `default`: an orchestrator without such a worker never finishes its start.
  class DrainMarker
    include Sidekiq::Worker
    sidekiq_options queue: 'default'

    def perform(orchestrator)
      StartupComplete.perform_async(orchestrator)
    end
  end
end
