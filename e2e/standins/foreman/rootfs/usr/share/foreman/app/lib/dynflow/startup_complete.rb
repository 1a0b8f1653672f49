module Dynflow
  class StartupComplete
    include Sidekiq::Worker
    sidekiq_options queue: 'dynflow_orchestrator', retry: false

    def perform(id)
      Orchestrator.current.startup_complete if Orchestrator.current.id == id
    end
  end
end
