module Dynflow
  class StartupComplete
    include Sidekiq::Worker
    sidekiq_options queue: 'dynflow_orchestrator'

    def perform(id)
      Orchestrator.current.startup_complete if Orchestrator.current.id == id
    end
  end
end
