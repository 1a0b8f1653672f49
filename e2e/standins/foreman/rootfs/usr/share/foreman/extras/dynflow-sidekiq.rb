require_relative '../config/environment'
require 'sidekiq-reliable-fetch'

# A thread's connection may have died with an earlier database server; a job must not be the one to find out.
class VerifyDatabase
  def call(*)
    ActiveRecord::Base.connection.verify!
    yield
  end
end

Sidekiq.logger = Rails.logger
Redis.silence_deprecations = true # Sidekiq's own calls, several lines per second
Sidekiq.configure_server do |config|
  config.options[:semi_reliable_fetch] = true
  Sidekiq::ReliableFetch.setup_reliable_fetch!(config)
  config.server_middleware { |chain| chain.add VerifyDatabase }
end

# Every thread of Sidekiq may hold a connection.
pool = Sidekiq.options[:concurrency] + 5
database = ActiveRecord::Base.connection_db_config.configuration_hash
ActiveRecord::Base.establish_connection(database.merge(pool: pool)) if database.fetch(:pool, 5).to_i < pool

if Sidekiq.options[:queues].include?('dynflow_orchestrator')
  orchestrator = Dynflow::Orchestrator.new
  # Here and not at Sidekiq's start: a passive orchestrator must not take jobs.
  orchestrator.start
  Sidekiq.configure_server { |config| config.on(:shutdown) { orchestrator.stop } }
end
