Foreman::Seeder.run
