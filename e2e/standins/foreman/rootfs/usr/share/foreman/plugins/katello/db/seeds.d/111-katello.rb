Location.create!(name: ENV['SEED_LOCATION']) if ENV['SEED_LOCATION'].present? && !Location.exists?(name: ENV['SEED_LOCATION'])
unless UpgradeTask.exists?(name: 'katello:correct_repositories')
  UpgradeTask.create!(name: 'katello:correct_repositories', task_name: 'katello:correct_repositories', always_run: true, skip_failure: true)
end
