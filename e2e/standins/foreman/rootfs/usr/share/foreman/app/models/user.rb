require 'bcrypt'

class User < ApplicationRecord
  COST = 9 # upstream's default

  def self.authenticate(login, password)
    user = find_by(login: login)
    user if user && BCrypt::Password.new(user.password_hash) == password
  end

  # The caller of a correctly signed OAuth request when users are not mapped.
  def self.anonymous_api_admin
    find_by!(login: 'foreman_api_admin')
  end

  def password=(text)
    self.password_hash = BCrypt::Password.create(text, cost: COST)
  end
end
