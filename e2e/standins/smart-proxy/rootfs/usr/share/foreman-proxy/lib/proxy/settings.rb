require 'ostruct'

module Proxy
  # Settings files are read once. Keys count only as symbols: a quoted key is text, and text is not looked at.
  module Settings
    GLOBAL = {
      settings_directory: "#{ROOT}/config/settings.d", https_port: 8443, log_file: '/var/log/foreman-proxy/proxy.log', log_level: 'INFO',
      log_buffer: 2000, log_buffer_errors: 1000, bind_host: ['*'], ssl_disabled_ciphers: [], tls_disabled_versions: [],
      dns_resolv_timeouts: [5, 8, 13], forward_verify: true
    }.freeze

    class << self
      def global(file)
        given = read(file)
        settings = OpenStruct.new(GLOBAL.merge(given))
        # Absent and null are the same, and not the same as an empty list.
        settings.trusted_hosts = given[:trusted_hosts]
        settings.foreman_url = "#{settings.foreman_url}/" if settings.foreman_url && !settings.foreman_url.end_with?('/')
        settings.foreman_ssl_ca ||= settings.ssl_ca_file
        settings.foreman_ssl_cert ||= settings.ssl_certificate
        settings.foreman_ssl_key ||= settings.ssl_private_key
        settings
      end

      # nil: there is no such file.
      def of_module(name)
        file = File.join(Proxy.settings.settings_directory, "#{name}.yml")
        return Log.warn("Couldn't find settings file #{file}. Using default settings.") && nil unless File.exist?(file)
        read(file)
      end

      def read(file)
        YAML.safe_load(File.read(file), permitted_classes: [Symbol], filename: file) || {}
      end
    end
  end
end
