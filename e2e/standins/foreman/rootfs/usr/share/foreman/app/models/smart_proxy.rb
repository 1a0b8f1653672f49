require 'net/http'

# Saved only if the proxy answers: Foreman asks it for its features with its own client certificate.
class SmartProxy < ApplicationRecord
  class Unable < StandardError; end

  # Names by which Foreman knows features. What a proxy calls them is compared in lower case, without blanks.
  KNOWN = ['TFTP', 'BMC', 'DNS', 'DHCP', 'Puppet', 'Puppet CA', 'Realm', 'Facts', 'Logs', 'HTTPBoot', 'Templates', 'Registration', 'External IPAM'].freeze
  OF_PLUGINS = { 'foreman_remote_execution' => ['Script'], 'foreman-tasks' => ['Dynflow'], 'foreman_ansible' => ['Ansible'], 'foreman_openscap' => ['Openscap'],
                 'foreman_discovery' => ['Discovery'], 'katello' => %w[Pulpcore Container_Gateway] }.freeze
  CHECK = 'Please check the proxy is configured and running on the host.'.freeze
  GONE = [SystemCallError, SocketError, IOError, Timeout::Error, OpenSSL::OpenSSLError, JSON::ParserError, Net::HTTPExceptions].freeze

  before_validation { self.url = url.to_s.chomp('/') }
  validates :name, presence: true, uniqueness: true
  validates :url, format: { with: %r{\Ahttps?://}, message: 'Only URLs with schema http:// or https:// are allowed (e.g. https://somewhere.com)' }, uniqueness: true
  validate :detect_features, if: -> { errors.empty? }
  before_destroy :ensure_not_used

  has_many :subnets, foreign_key: :tftp_id, dependent: nil

  def detect_features
    running = asked.select { |_name, module_| module_['state'] == 'running' }
    return errors.add(:base, 'No features found on this proxy, please make sure you enable at least one feature') if running.empty?
    found, unknown = running.partition { |name, _| known(name) }
    self.unrecognized_features = unknown.map(&:first)
    if found.empty?
      return errors.add(:base, "Features \"#{unrecognized_features.to_sentence}\" in this proxy are not recognized by Foreman. If these features come from a Smart Proxy plugin, make sure Foreman has the plugin installed too.")
    end
    self.features = found.map { |name, module_| { 'name' => known(name), 'capabilities' => module_['capabilities'], 'settings' => module_['settings'] } }
  rescue Unable => e
    errors.add(:base, "Unable to communicate with the proxy: #{e.message}")
    errors.add(:base, CHECK)
  end

  def version
    JSON.parse(get('/version'))
  end

  def status
    get('/version') && 'ok'
  rescue *GONE
    'FAIL'
  end

  def as_json(*)
    { id: id, name: name, url: url, created_at: created_at, updated_at: updated_at, hosts_count: 0,
      features: features.each_with_index.map { |feature, index| { capabilities: feature['capabilities'], name: feature['name'], id: index + 1 } },
      unrecognized_features: unrecognized_features,
      locations: Location.where(id: location_ids).as_json(only: %i[id name]), organizations: Organization.where(id: organization_ids).as_json(only: %i[id name]) }
  end

  private

  # Older proxies have names only.
  def asked
    JSON.parse(get('/v2/features'))
  rescue Net::HTTPClientException => e
    raise unable(e) unless e.response.code == '404'
    JSON.parse(get('/features')).to_h { |name| [name, { 'state' => 'running', 'capabilities' => [], 'settings' => {} }] }
  rescue *GONE => e
    raise unable(e)
  end

  def unable(error)
    message = error.is_a?(Net::HTTPClientException) ? error.response.message : error.message
    Unable.new("ERF12-2530 [ProxyAPI::ProxyException]: Unable to detect features ([#{error.class}]: #{message}) for proxy #{url}")
  end

  def known(name)
    plain = ->(text) { text.downcase.delete(' ') }
    plugins = Foreman::Plugin.enabled.flat_map { |plugin| OF_PLUGINS.fetch(plugin.name, []) }
    (KNOWN + plugins).find { |known| plain.call(known) == plain.call(name) }
  end

  def ensure_not_used
    subnets.each { |subnet| errors.add(:base, "#{name} is used by #{subnet.name}") }
    throw :abort if errors.any?
  end

  def get(path)
    uri = URI(url + path)
    Net::HTTP.start(uri.host, uri.port, nil, nil, nil, nil, use_ssl: uri.scheme == 'https', open_timeout: 10, read_timeout: 60, **certificates) do |http|
      http.get(uri.path, 'Accept' => 'application/json').tap(&:value).body
    end
  end

  def certificates
    return {} unless url.start_with?('https:')
    { ca_file: SETTINGS[:ssl_ca_file], cert: OpenSSL::X509::Certificate.new(File.read(SETTINGS[:ssl_certificate])),
      key: OpenSSL::PKey.read(File.read(SETTINGS[:ssl_priv_key])) }
  end
end
