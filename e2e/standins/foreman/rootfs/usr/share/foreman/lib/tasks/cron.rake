CRON_TASKS = {
  hourly: %w[ldap:refresh_usergroups],
  daily: %w[reports:daily db:sessions:clear reports:expire audits:expire foreman_tasks:cleanup],
  weekly: %w[reports:weekly notifications:clean katello:delete_orphaned_content katello:refresh_alternate_content_sources],
  monthly: %w[reports:monthly]
}.freeze

namespace :cron do
  CRON_TASKS.each do |period, names|
    desc "Every #{period} task; each is tried, and one that fails fails the run"
    task period do
      failed = names.select { |name| Rake::Task.task_defined?(name) }.reject do |name|
        puts "Running #{name}"
        Rake::Task[name].invoke || true
      rescue StandardError => e
        warn "#{name}: #{e.class}: #{e.message.strip}"
        false
      end
      abort "Failed: #{failed.join(' ')}" if failed.any?
    end
  end
end
