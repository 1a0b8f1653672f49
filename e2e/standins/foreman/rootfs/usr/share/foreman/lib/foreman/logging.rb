require 'json'
require 'logger'

module Foreman
  module Logging
    # The shape of upstream's default layout: "2026-01-31T12:00:00 [I|app|] message".
    PATTERN = ->(severity, time, _, message) { "#{time.strftime('%FT%T')} [#{severity[0]}|app|] #{message}\n" }
    JSON_LINE = lambda do |severity, time, _, message|
      "#{{ logger: 'app', timestamp: time.strftime('%FT%T.%LZ'), level: severity, message: message.to_s }.to_json}\n"
    end

    module_function

    def logger
      logger = ActiveSupport::Logger.new(target)
      logger.formatter = SETTINGS.dig(:logging, :production, :layout) == 'json' ? JSON_LINE : PATTERN
      logger
    end

    def level
      (SETTINGS.dig(:logging, :level) || 'info').to_sym
    end

    def target
      return $stdout.tap { |out| out.sync = true } if ENV.key?('RAILS_LOG_TO_STDOUT')
      File.open("#{FOREMAN_ROOT}/log/production.log", 'a').tap { |file| file.sync = true }
    rescue SystemCallError => e
      warn "Foreman: logging to stderr: #{e.message}"
      $stderr
    end
  end
end
