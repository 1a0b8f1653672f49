module Dynflow
  # What web processes and rake tasks may ask of the orchestrator.
  module Client
    PING_TIMEOUT = 2 # s

    module_function

    # Without an executor the plan stays `planned`; the next orchestrator takes it at its start.
    def trigger(action, input)
      plan = ExecutionPlan.transaction { ExecutionPlan.plan(action, input).tap { |new| yield new if block_given? } }
      execute(plan)
      plan
    end

    def execute(plan)
      executor = World.executors.order(last_seen: :desc).first
      return Rails.logger.warn("Dynflow: no executor available for #{plan.id}") unless executor
      Envelope.create!(receiver_id: executor.id, kind: 'execute', body: plan.id)
    end

    def ping!
      executors = World.executors.to_a
      raise 'foreman-tasks service not running or is not ready yet' if executors.empty?
      me = SecureRandom.uuid
      executors.each { |world| Envelope.create!(receiver_id: world.id, sender_id: me, kind: 'ping') }
      deadline = Ping.now + PING_TIMEOUT
      answers = []
      answers += Envelope.take(me) until answers.size == executors.size || Ping.now > deadline || !sleep(0.05)
      raise 'some executors are not responding, check /foreman_tasks/dynflow/status' if answers.size < executors.size
    end
  end
end
