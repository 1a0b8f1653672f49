module Dynflow
  # What a worker does for one plan. The result goes to the orchestrator, who alone ends a plan.
  class PerformWork
    include Sidekiq::Worker

    def perform(id)
      plan = ExecutionPlan.find_by(id: id)
      return if plan.nil? || plan.state != 'running'
      me = Sidekiq.options[:identity]
      # Somebody has it who looks alive: look again when Redis has forgotten him if he is not.
      return self.class.set(queue: plan.queue).perform_in(20, id) unless plan.claim(me)
      WorkerDone.perform_async(id, *work(plan))
    rescue Sidekiq::Shutdown, StandardError # stopped, or the result could not be handed over: somebody does it again
      plan&.release(me)
      raise
    end

    private

    def work(plan)
      output = plan.action_class.constantize.run(plan.input)
      ['success', output.merge('hostname' => Socket.gethostname)]
    rescue StandardError => e
      Rails.logger.error("Dynflow: #{plan.label} #{plan.id}: #{e.class}: #{e.message}")
      ['error', { 'error' => "#{e.class}: #{e.message}", 'hostname' => Socket.gethostname }]
    end
  end
end
