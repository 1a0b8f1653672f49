module Dynflow
  # One orchestrator at a time; the others wait in passive mode until the holder lets go or has been silent for TTL.
  class RedisLock
    KEY = 'dynflow_orchestrator_uuid'.freeze
    TTL = 60   # s
    POLL = 15  # s
    # Returns the owner after the attempt, and renews the owner's own lease.
    RENEW = <<~LUA.freeze
      local owner = redis.call('GET', KEYS[1])
      if not owner or owner == ARGV[1] then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
      return owner
    LUA
    RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end".freeze

    def initialize(id)
      @id = id
    end

    def wait
      waited = false
      until [nil, @id].include?(previous_owner)
        Rails.logger.info('Orchestrator lock already taken, entering passive mode.') unless waited
        waited = true
        sleep POLL
      end
      Rails.logger.info('Acquired orchestrator lock, entering active mode.')
    end

    def renew
      owner = previous_owner
      return if owner == @id
      return Rails.logger.error('The orchestrator lock was lost, reacquired.') if owner.nil?
      Rails.logger.fatal("The orchestrator lock was stolen by #{owner}, aborting.")
      Process.kill('INT', Process.pid)
    end

    def release
      Sidekiq.redis { |redis| redis.eval(RELEASE, [KEY], [@id]) }
    end

    private

    def previous_owner
      Sidekiq.redis { |redis| redis.eval(RENEW, [KEY], [@id, TTL]) }
    end
  end
end
