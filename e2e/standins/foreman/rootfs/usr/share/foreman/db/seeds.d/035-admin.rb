unless User.exists?(login: 'foreman_api_admin')
  User.create!(login: 'foreman_api_admin', password: SecureRandom.hex(32), admin: true)
end

login = ENV['SEED_ADMIN_USER'].presence || 'admin'
people = User.where(admin: true).where.not(login: 'foreman_api_admin')
unless people.exists? || User.exists?(login: login)
  password = ENV['SEED_ADMIN_PASSWORD'].presence
  puts "Login credentials: #{login} / #{password = SecureRandom.alphanumeric(16)}" unless password
  User.create!(login: login, password: password, admin: true)
end
