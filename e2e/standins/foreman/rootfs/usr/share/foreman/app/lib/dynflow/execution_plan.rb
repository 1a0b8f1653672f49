module Dynflow
  # One piece of work. States: planned -> running -> stopped, or paused after an error.
  # While it runs, `executor_world_id` is the orchestrator that answers for it and `worker` the Sidekiq process that does it.
  class ExecutionPlan < ApplicationRecord
    self.table_name = 'dynflow_execution_plans'

    # Told about every change inside its transaction.
    cattr_accessor :observers, default: []
    after_save { observers.each { |observer| observer.call(self) } }

    def self.plan(action, input)
      create!(id: SecureRandom.uuid, label: action.name, action_class: action.name, queue: action.queue, input: input, state: 'planned')
    end

    # At most one living worker: a job that Redis delivers twice finds the plan taken.
    def claim(worker)
      return false if state != 'running' || (self.worker && World.sidekiq_alive?(self.worker))
      return false if self.class.where(id: id, state: 'running', worker: self.worker).update_all(worker: worker).zero?
      reload.update!(hostname: Socket.gethostname, attempts: attempts + 1, started_at: started_at || Time.now)
    end

    def release(worker)
      self.class.where(id: id, worker: worker).update_all(worker: nil)
    end

    def finish(result, output)
      update!(state: result == 'error' ? 'paused' : 'stopped', result: result, output: output, ended_at: Time.now, executor_world_id: nil)
    end
  end
end
