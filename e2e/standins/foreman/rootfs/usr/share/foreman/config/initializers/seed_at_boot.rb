# Only the server: rake tasks seed when they are told to, and workers leave it to the server.
Rails.application.config.after_initialize do
  if defined?(Rails::Server) && ENV['DATABASE_URL']
    begin
      Foreman::Seeder.run(force: false) unless ActiveRecord::Base.connection.migration_context.needs_migration?
    rescue ActiveRecord::ActiveRecordError, PG::Error => e
      Rails.logger.warn("Not seeding at boot: #{e.message}")
    end
  end
end
