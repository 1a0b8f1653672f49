require 'digest'

module Foreman
  # Runs the seeds once per content: processes that start together wait for each other in PostgreSQL.
  module Seeder
    LOCK = 0x666d_7365 # one number per purpose, as advisory locks are numbers

    module_function

    def run(force: true)
      locked do
        next if !force && Setting.value('db_seed_hash') == fingerprint
        files.each { |file| Rails.logger.info("Seeding #{file}"); load file }
        Foreman::Plugin.enabled.each { |plugin| InstalledPlugin.find_or_initialize_by(name: plugin.name).update!(version: plugin.version) }
        Setting.store('db_seed_hash', fingerprint)
        Setting.store('db_pending_seed', 'false')
      end
    end

    def files
      dirs = ["#{FOREMAN_ROOT}/db", *Foreman::Plugin.enabled.map(&:path)]
      dirs.flat_map { |dir| Dir["#{dir}/seeds.d/*.rb", "#{dir}/db/seeds.d/*.rb"] }.sort_by { |file| [File.basename(file), file] }
    end

    def fingerprint
      Digest::SHA256.hexdigest(Foreman::VERSION + files.map { |file| file + File.read(file) }.join)
    end

    def locked
      connection = ActiveRecord::Base.connection
      connection.execute("SELECT pg_advisory_lock(#{LOCK})")
      begin
        yield
      ensure
        connection.execute("SELECT pg_advisory_unlock(#{LOCK})")
      end
    end
  end
end
