require 'net/http'

# Saved only if the proxy answers: Foreman asks it for its features with its own client certificate.
class SmartProxy < ApplicationRecord
  validates :name, presence: true, uniqueness: true
  validates :url, format: { with: %r{\Ahttps?://}, message: 'must start with https:// or http://' }, uniqueness: true
  validate :detect_features, if: -> { errors.empty? }

  def detect_features
    found = JSON.parse(get('/v2/features')).select { |_name, module_| module_['state'] == 'running' }.keys.sort
    return errors.add(:base, 'No features found on this proxy, please make sure you enable at least one feature') if found.empty?
    self.features = found
  rescue SystemCallError, SocketError, IOError, Timeout::Error, OpenSSL::OpenSSLError, JSON::ParserError, Net::HTTPExceptions => e
    errors.add(:base, "Unable to communicate with the proxy: Unable to detect features (#{e.class}: #{e.message}) for proxy #{url}")
  end

  def as_json(*)
    { id: id, name: name, url: url, features: features.map { |feature| { name: feature } }, created_at: created_at, updated_at: updated_at }
  end

  private

  def get(path)
    uri = URI(url + path)
    Net::HTTP.start(uri.host, uri.port, nil, nil, nil, nil, use_ssl: uri.scheme == 'https', open_timeout: 10, read_timeout: 30, **certificates) do |http|
      http.get(uri.path, 'Accept' => 'application/json').tap(&:value).body
    end
  end

  def certificates
    return {} unless url.start_with?('https:')
    { ca_file: SETTINGS[:ssl_ca_file], cert: OpenSSL::X509::Certificate.new(File.read(SETTINGS[:ssl_certificate])),
      key: OpenSSL::PKey.read(File.read(SETTINGS[:ssl_priv_key])) }
  end
end
