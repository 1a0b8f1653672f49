require 'json'
require 'sinatra/base'
require 'webrick'
require 'webrick/https'
require 'yaml'

# A Smart Proxy's outside: see the README of this stand-in.
module Proxy
  ROOT = File.expand_path('..', __dir__)
  VERSION = File.read("#{ROOT}/VERSION").strip
end

%w[log settings validations plugin app server].each { |part| require "proxy/#{part}" }

module Proxy
  class << self
    attr_reader :settings

    def start
      $stdout.sync = true
      @settings = Settings.global(ENV.fetch('FOREMAN_PROXY_SETTINGS', '/etc/foreman-proxy/settings.yml'))
      Log.open(settings)
      Dir["#{ROOT}/modules/*.rb"].sort.each { |file| load file }
      Plugin.start_all
      Server.run(settings)
    rescue SystemExit
      raise
    # Whatever gets here has made the whole process useless: upstream ends with 1 as well.
    rescue Exception => e # rubocop:disable Lint/RescueException
      Log.error("Error during startup, terminating. #{e.message}")
      warn "Errors detected on startup, see log for details. Exiting: #{e.message}"
      exit 1
    end
  end
end
