module Dynflow
  # The one executor: takes what the web processes ask for, hands it to the workers through Redis, notes what they report.
  class Orchestrator
    class << self
      attr_accessor :current
    end
    attr_reader :id

    def initialize
      @id = SecureRandom.uuid
      @lock = RedisLock.new(@id)
      @threads = []
      self.class.current = self
    end

    def start
      @lock.wait
      World.create!(id: id, class_name: World::EXECUTOR, data: { hostname: Socket.gethostname, pid: Process.pid }.to_json, last_seen: Time.now)
      every(World::HEARTBEAT) { heartbeat }
      every(0.3) { read_envelopes }
      # A worker sends the marker back when it has come through the queue: nothing older is then still on its way.
      DrainMarker.perform_async(id)
    end

    def stop
      @threads.each(&:kill) # before the lock goes, or a heartbeat takes it back
      @lock.release
      World.where(id: id).delete_all
      Rails.logger.info('Dynflow: orchestrator terminated')
    end

    # After the drain: plans of orchestrators that are gone become ours.
    def startup_complete
      World.executors.where.not(id: id).delete_all
      Rails.logger.info('Dynflow: performing validity checks')
      ExecutionPlan.where(state: 'planned').find_each { |plan| execute(plan) }
      every(10) { adopt_orphans }
    end

    def execute(plan)
      return unless %w[planned paused].include?(was = plan.state)
      # First the row: a worker may have the job before this returns.
      plan.update!(state: 'running', result: 'pending', executor_world_id: id, worker: nil, ended_at: nil)
      PerformWork.set(queue: plan.queue).perform_async(plan.id)
    rescue Redis::BaseError
      plan.update!(state: was, executor_world_id: nil)
      raise
    end

    private

    def heartbeat
      @lock.renew
      World.where(id: id).update_all(last_seen: Time.now)
    end

    def read_envelopes
      Envelope.where(receiver_id: id).order(:id).each do |envelope|
        case envelope.kind
        when 'ping' then Envelope.create!(receiver_id: envelope.sender_id, kind: 'pong')
        when 'execute' then ExecutionPlan.find_by(id: envelope.body)&.then { |plan| execute(plan) }
        end
        envelope.destroy!
      end
    end

    # A living worker finishes what it has in hand; only what nobody does is done again.
    def adopt_orphans
      ExecutionPlan.where(state: 'running').where.not(executor_world_id: id).find_each do |plan|
        next if plan.worker && World.sidekiq_alive?(plan.worker)
        Rails.logger.warn("Dynflow: resuming #{plan.id}, left by #{plan.worker || 'nobody'}")
        plan.update!(executor_world_id: id, worker: nil)
        PerformWork.set(queue: plan.queue).perform_async(plan.id)
      end
    end

    def every(seconds, &block)
      @threads << Thread.new do
        loop do
          Rails.application.executor.wrap { block.call }
        rescue StandardError => e
          Rails.logger.error("Dynflow: #{e.class}: #{e.message}")
        ensure
          sleep seconds
        end
      end
    end
  end
end
