ENV['RAILS_ENV'] ||= 'production'
require 'rails'
require 'active_record/railtie'
require 'action_controller/railtie'
require 'sidekiq'

FOREMAN_ROOT = File.expand_path('..', __dir__)
%w[settings encryption logging force_ssl plugin seeder oauth].each { |part| require_relative "../lib/foreman/#{part}" }
SETTINGS = Foreman::Settings.load
Foreman::Encryption.require_key
Dir["#{FOREMAN_ROOT}/plugins/*/plugin.rb"].sort.each { |file| load file }

module Foreman
  VERSION = File.read("#{FOREMAN_ROOT}/VERSION").strip

  class Application < Rails::Application
    config.root = FOREMAN_ROOT
    config.load_defaults 6.1
    config.cache_classes = config.eager_load = true
    config.consider_all_requests_local = false
    config.active_record.dump_schema_after_migration = false # the image's files are not the user's to write

    config.hosts = [SETTINGS[:fqdn], *SETTINGS[:hosts]].compact.uniq
    config.force_ssl = SETTINGS[:require_ssl]
    config.ssl_options = { hsts: SETTINGS.fetch(:hsts_enabled, true),
                           redirect: { exclude: Foreman::ForceSsl.method(:plain_http?) } }
    config.action_dispatch.trusted_proxies = SETTINGS[:trusted_proxies].map { |net| IPAddr.new(net) } if SETTINGS[:trusted_proxies]
    config.session_store :foreman_rows, key: '_session_id', secure: SETTINGS[:require_ssl], httponly: true
    config.cache_store = Foreman::Settings.cache_store(SETTINGS[:rails_cache_store])

    config.logger = Foreman::Logging.logger
    config.log_level = Foreman::Logging.level
    config.colorize_logging = false

    Foreman::Plugin.enabled.each do |plugin|
      config.eager_load_paths.concat(Dir["#{plugin.path}/app/*"])
      plugin.middlewares.each { |middleware| config.middleware.use(middleware) }
    end
    config.paths['db/migrate'].concat(Foreman::Plugin.enabled.map { |plugin| "#{plugin.path}/db/migrate" })
    # One image per release from one tree: a release brings the migrations of its own and of the releases before.
    releases = Dir["#{FOREMAN_ROOT}/db/releases/*"].select { |dir| Gem::Version.new(File.basename(dir)) <= Gem::Version.new(VERSION) }
    config.paths['db/migrate'].concat(releases)
  end
end
