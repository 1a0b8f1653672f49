require 'erb'
require 'yaml'

module Foreman
  # settings.yaml and plugins/*.yaml, rendered by ERB; environment variables win.
  module Settings
    DIR = ENV.fetch('FOREMAN_CONFIG_DIR', '/etc/foreman')
    LIST = ->(text) { text.split(/[\s,]+/) }
    BOOL = ->(text) { text == 'true' }
    TEXT = ->(text) { text }
    NUMBER = ->(text) { text.to_f }
    FROM_ENVIRONMENT = {
      'FOREMAN_REQUIRE_SSL' => [BOOL, :require_ssl], 'FOREMAN_HSTS_ENABLED' => [BOOL, :hsts_enabled],
      'FOREMAN_DOMAIN' => [TEXT, :domain], 'FOREMAN_FQDN' => [TEXT, :fqdn], 'FOREMAN_CORS_DOMAINS' => [LIST, :cors_domains],
      'FOREMAN_LOGGING_LEVEL' => [TEXT, :logging, :level], 'FOREMAN_LOGGING_PRODUCTION_LAYOUT' => [TEXT, :logging, :production, :layout],
      'FOREMAN_RAILS_CACHE_STORE_TYPE' => [TEXT, :rails_cache_store, :type], 'FOREMAN_RAILS_CACHE_STORE_URLS' => [LIST, :rails_cache_store, :urls],
      'FOREMAN_RAILS_CACHE_STORE_OPTIONS_COMPRESS' => [BOOL, :rails_cache_store, :options, :compress],
      'FOREMAN_RAILS_CACHE_STORE_OPTIONS_NAMESPACE' => [TEXT, :rails_cache_store, :options, :namespace],
      'FOREMAN_RAILS_CACHE_STORE_OPTIONS_CONNECT_TIMEOUT' => [NUMBER, :rails_cache_store, :options, :connect_timeout],
      'FOREMAN_RAILS_CACHE_STORE_OPTIONS_READ_TIMEOUT' => [NUMBER, :rails_cache_store, :options, :read_timeout],
      'FOREMAN_RAILS_CACHE_STORE_OPTIONS_WRITE_TIMEOUT' => [NUMBER, :rails_cache_store, :options, :write_timeout]
    }.freeze

    module_function

    def load
      settings = read("#{DIR}/settings.yaml")
      @in_file = settings.keys
      Dir["#{DIR}/plugins/*.yaml"].sort.each { |file| settings.merge!(read(file)) }
      FROM_ENVIRONMENT.each do |name, (convert, *path, key)|
        path.inject(settings) { |hash, part| hash[part] ||= {} }[key] = convert.call(ENV[name]) if ENV[name]
      end
      settings[:require_ssl] = true unless settings.key?(:require_ssl)
      settings
    end

    # What stands in settings.yaml is read-only in the API.
    def in_file?(name)
      @in_file.include?(name.to_sym)
    end

    def cache_store(config)
      return [:file_store, "#{FOREMAN_ROOT}/tmp/cache"] unless config && config[:type].to_s == 'redis'
      [:redis_cache_store, { url: config[:urls], **(config[:options] || {}) }]
    end

    def read(file)
      YAML.safe_load(ERB.new(File.read(file)).result, permitted_classes: [Symbol], aliases: true, filename: file) || {}
    rescue SystemCallError, Psych::Exception => e
      abort "Foreman: cannot read #{file}: #{e.message}"
    end
  end
end
