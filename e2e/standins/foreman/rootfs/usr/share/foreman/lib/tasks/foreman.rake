namespace :db do
  # Noted before the first migration, so that a run that fails shows as one without an end.
  task start_migration_run: :environment do
    connection = ActiveRecord::Base.connection
    connection.execute(<<~SQL)
      CREATE TABLE IF NOT EXISTS migration_runs (id bigserial PRIMARY KEY, started_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz, plugins text NOT NULL, version text NOT NULL)
    SQL
    names, version = connection.quote(Foreman::Plugin.enabled.map(&:name).join(' ')), connection.quote(Foreman::VERSION)
    @migration_run = connection.select_value("INSERT INTO migration_runs (plugins, version) VALUES (#{names}, #{version}) RETURNING id")
  end

  task migrate: :start_migration_run do
    Dynflow::Schema.migrate
    ActiveRecord::Base.connection.execute("UPDATE migration_runs SET finished_at = now() WHERE id = #{@migration_run}")
  end

  namespace :sessions do
    desc 'Delete sessions that were not used for a week'
    task clear: :environment do
      puts "Deleted #{ActionDispatch::Session::ForemanRows::Row.where('updated_at < ?', 1.week.ago).delete_all} sessions"
    end
  end
end

task('db:abort_if_pending_migrations') { abort "Dynflow's tables are not migrated" unless Dynflow::Schema.current? }

namespace :audits do
  task(expire: :environment) { puts "Deleted #{Audit.where('created_at < ?', 90.days.ago).delete_all} audits" }
end

namespace :reports do
  task(expire: :environment) { puts "Deleted #{Report.where('created_at < ?', 7.days.ago).delete_all} reports" }
  %w[daily weekly monthly].each do |period|
    task(period => :environment) { Report.create!(kind: period, summary: "audits: #{Audit.count}") && puts("Wrote the #{period} report") }
  end
end

namespace :notifications do
  task(clean: :environment) { puts "Deleted #{Notification.where('expired_at < now()').delete_all} notifications" }
end

namespace :ldap do
  task(refresh_usergroups: :environment) { puts "Refreshed the groups of #{User.count} users" }
end

namespace :permissions do
  desc 'Reset a password: username=admin password=secret'
  task reset: :environment do
    user = User.find_by!(login: ENV.fetch('username', 'admin'))
    password = ENV['password'].presence || SecureRandom.alphanumeric(16)
    user.update!(password: password)
    puts "Reset to user: #{user.login}, password: #{password}"
  end
end

namespace :upgrade do
  desc 'Run the upgrade tasks that are due'
  task run: 'db:abort_if_pending_migrations' do
    abort 'The database is not seeded' unless Setting.value('db_pending_seed') == 'false'
    UpgradeTask.where('last_run_time IS NULL OR always_run').order(:id).each do |task|
      puts "Running #{task.task_name}"
      Rake::Task[task.task_name].invoke
      task.update!(last_run_time: Time.now)
    rescue StandardError => e
      raise unless task.skip_failure
      puts "Failed, skipped: #{e.message}"
    end
  end
end
