module Dynflow
  class WorkerDone
    include Sidekiq::Worker
    sidekiq_options queue: 'dynflow_orchestrator'

    def perform(id, result, output)
      plan = ExecutionPlan.find_by(id: id, state: 'running')
      plan&.finish(result, output)
    end
  end
end
