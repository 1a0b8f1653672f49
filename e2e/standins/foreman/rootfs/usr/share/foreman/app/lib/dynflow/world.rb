module Dynflow
  # A living executor as the others see it: a row with a heartbeat.
  class World < ApplicationRecord
    self.table_name = 'dynflow_coordinator_records'
    EXECUTOR = 'Dynflow::Coordinator::ExecutorWorld'.freeze
    HEARTBEAT = 15 # s

    scope :executors, -> { where(class_name: EXECUTOR) }

    # Sidekiq keeps a key per process for 60 s after its last heartbeat.
    def self.sidekiq_alive?(identity)
      Sidekiq.redis { |redis| redis.exists?(identity) }
    end
  end
end
