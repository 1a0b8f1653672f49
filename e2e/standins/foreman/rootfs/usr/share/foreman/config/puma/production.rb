host = ENV.fetch('FOREMAN_BIND', 'tcp://127.0.0.1:3000')
host = "tcp://#{host}:#{ENV.fetch('FOREMAN_PORT', 3000)}" unless host.include?('://')
bind host
environment 'production'
threads ENV.fetch('FOREMAN_PUMA_THREADS_MIN', 0).to_i, ENV.fetch('FOREMAN_PUMA_THREADS_MAX', 16).to_i
workers ENV.fetch('FOREMAN_PUMA_WORKERS', 2).to_i
worker_timeout ENV['FOREMAN_PUMA_WORKER_TIMEOUT'].to_i if ENV['FOREMAN_PUMA_WORKER_TIMEOUT']
state_path "#{FOREMAN_ROOT}/tmp/puma.state"
preload_app!
# Connections opened while preloading must not be shared between forked workers.
before_fork { ActiveRecord::Base.connection_pool.disconnect! if ENV['DATABASE_URL'] }
on_worker_boot { ActiveRecord::Base.establish_connection if ENV['DATABASE_URL'] }
