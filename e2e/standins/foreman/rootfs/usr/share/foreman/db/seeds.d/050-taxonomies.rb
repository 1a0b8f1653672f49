Organization.create!(name: ENV['SEED_ORGANIZATION']) if ENV['SEED_ORGANIZATION'].present? && !Organization.exists?
Location.create!(name: ENV['SEED_LOCATION']) if ENV['SEED_LOCATION'].present? && !Location.exists?
