namespace :katello do
  task delete_orphaned_content: :environment do
    puts "Task #{Dynflow::Client.trigger(Actions::Katello::OrphanCleanup::RemoveOrphans, {}).id}"
  end

  task(refresh_alternate_content_sources: :environment) { puts 'No alternate content sources' }

  task regenerate_applicability: :environment do
    puts "Task #{Dynflow::Client.trigger(Actions::Katello::Host::GenerateApplicability, {}).id}"
  end

  task correct_repositories: :environment do
    Katello::Candlepin.require_normal(signed: true)
    puts 'No repositories to correct'
  end
end
