require 'net/http'

module Katello
  # Candlepin's status over https, trusted by the CA that katello.yaml names.
  module Candlepin
    module_function

    def require_normal(signed:)
      status = JSON.parse(get("#{config.fetch(:url)}/status", signed: signed))
      raise "Candlepin is not running properly: mode #{status['mode']}" unless status['mode'] == 'NORMAL'
    end

    def get(url, signed:)
      uri = URI(url)
      request = Net::HTTP::Get.new(uri, 'Accept' => 'application/json')
      request['Authorization'] = Foreman::OAuth.header('GET', url, key: config[:oauth_key], secret: config[:oauth_secret]) if signed
      timeout = SETTINGS.dig(:katello, :rest_client_timeout) || 30
      options = { use_ssl: uri.scheme == 'https', ca_file: config[:ca_cert_file], open_timeout: timeout, read_timeout: timeout }
      response = Net::HTTP.start(uri.host, uri.port, nil, nil, nil, nil, **options) { |http| http.request(request) }
      raise "#{url}: #{response.code} #{response.message}" unless response.is_a?(Net::HTTPSuccess)
      response.body
    end

    def config
      SETTINGS.dig(:katello, :candlepin) or raise 'katello.yaml has no :candlepin:'
    end
  end
end
