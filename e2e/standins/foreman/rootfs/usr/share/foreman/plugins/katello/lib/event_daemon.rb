module Katello
  # One thread per pod, started by the first request of the first process that gets the lock.
  # Lock and process id lie in Rails' tmp: where pods share it, an unrelated process with the same id keeps the daemon from starting.
  class EventDaemon
    STATUS = 'katello_event_daemon_status'.freeze

    def initialize(app)
      @app = app
    end

    def call(env)
      @checked ||= start || true if SETTINGS.dig(:katello, :event_daemon, :enabled) != false
      @app.call(env)
    end

    private

    def start
      lock = File.open("#{FOREMAN_ROOT}/tmp/katello_event_daemon.lock", File::CREAT | File::RDWR)
      return unless lock.flock(File::LOCK_EX | File::LOCK_NB)
      run unless running?
    rescue SystemCallError => e
      Rails.logger.error("Katello event daemon: #{e.message}")
    ensure
      lock&.close
    end

    def running?
      Process.kill(0, File.read(pid_file).to_i) == 1
    rescue Errno::ENOENT, Errno::ESRCH
      false
    end

    def run
      File.write(pid_file, Process.pid)
      at_exit { File.delete(pid_file) if File.exist?(pid_file) && File.read(pid_file).to_i == Process.pid }
      Rails.logger.info('Katello event daemon started')
      Thread.new { loop { beat; sleep 5 } }
    end

    def beat
      Rails.cache.write(STATUS, { processed: 0, failed: 0 }, expires_in: 30)
    rescue StandardError => e
      Rails.logger.error("Katello event daemon: #{e.message}")
    end

    def pid_file
      "#{FOREMAN_ROOT}/tmp/pids/katello_event_daemon.pid"
    end
  end
end
