require 'open3'
require 'tempfile'

Proxy::Plugin.define :dns do
  defaults use_provider: 'dns_nsupdate', dns_ttl: 86_400
  exposes :use_provider
  answers do |plugin|
    post('/') do
      raise 'Missing parameters' unless params[:fqdn] && params[:value]
      kind = params[:type] || 'A'
      Proxy::Nsupdate.run(plugin, ["update add #{params[:fqdn]}. #{plugin.settings[:dns_ttl]} #{kind} #{params[:value]}"])
      ''
    end
    delete('/:value/?:type?') do
      Proxy::Nsupdate.run(plugin, ["update delete #{params[:value]}. #{params[:type]}"])
      ''
    end
  end
end

module Proxy::Nsupdate
  # A server that cannot be reached is not told to the caller: the answer is 200 all the same, as upstream's.
  def self.run(plugin, lines)
    settings = plugin.providers.first.settings
    key = settings[:dns_key] ? ['-k', settings[:dns_key].to_s] : []
    script = ["server #{settings[:dns_server]}", *lines, 'send', ''].join("\n")
    _, said, = Open3.capture3('nsupdate', *key, stdin_data: script)
    warn said unless said.empty?
  end
end

Proxy::Plugin.define :dns_nsupdate, provider: :dns do
  defaults dns_server: 'localhost', dns_key: nil
  check { |settings| readable(:dns_key, settings[:dns_key]) if settings[:dns_key] }
end

Proxy::Plugin.define :dns_nsupdate_gss, provider: :dns do
  defaults dns_server: 'localhost', dns_tsig_keytab: '/usr/share/foreman-proxy/dns.keytab', dns_tsig_principal: nil
  check do |settings|
    readable(:dns_tsig_keytab, settings[:dns_tsig_keytab])
    present(:dns_tsig_principal, settings[:dns_tsig_principal])
  end
end

Proxy::Plugin.define :dhcp do
  defaults use_provider: 'dhcp_isc', server: '127.0.0.1', subnets: [], ping_free_ip: true
  check { |settings| subnets(:subnets, settings[:subnets]) }
  exposes :use_provider
  able :dhcp_filename_hostname, :dhcp_filename_ipv4
  answers do |plugin|
    get('/') { json Array(plugin.settings[:subnets]).map { |subnet| subnet.split('/').then { |network, netmask| { network: network, netmask: netmask, options: {} } } } }
  end
end

isc = { config: '/etc/dhcp/dhcpd.conf', leases: '/var/lib/dhcpd/dhcpd.leases', key_name: nil, key_secret: nil, omapi_port: 7911,
        blacklist_duration_minutes: 1800 }

Proxy::Plugin.define :dhcp_isc, provider: :dhcp do
  defaults isc
  check do |settings|
    readable(:config, settings[:config])
    readable(:leases, settings[:leases])
  end
  # Loaded when the services are wired, behind the checks: what is missing here ends the process.
  last { require 'rb-inotify' }
end

Proxy::Plugin.define :dhcp_remote_isc, provider: :dhcp, gem: 'dhcp_remote_isc' do
  defaults isc
  check do |settings|
    readable(:config, settings[:config])
    readable(:leases, settings[:leases])
  end
end

Proxy::Plugin.define :dhcp_kea, provider: :dhcp, gem: 'dhcp_kea' do
  defaults dhcp_kea_url: 'http://127.0.0.1:8000/', dhcp_kea_username: nil, dhcp_kea_password: nil, dhcp_kea_verify_ssl: true, dhcp_kea_lease_timeout: 60
  check { |settings| url(:dhcp_kea_url, settings[:dhcp_kea_url]) }
end

Proxy::Plugin.define :externalipam, path: '/ipam' do
  defaults use_provider: nil
  exposes :use_provider
end

Proxy::Plugin.define :externalipam_netbox, provider: :externalipam do
  defaults url: nil, token: nil
  check do |settings|
    url(:url, settings[:url])
    present(:token, settings[:token])
  end
end

Proxy::Plugin.define :externalipam_phpipam, provider: :externalipam do
  defaults url: nil, user: nil, password: nil
  check do |settings|
    url(:url, settings[:url])
    %i[user password].each { |name| present(name, settings[name]) }
  end
end

Proxy::Plugin.define :bmc do
  defaults bmc_default_provider: 'freeipmi', redfish_verify_ssl: true, bmc_ssh_user: 'root', bmc_ssh_key: nil, bmc_ssh_powerstatus: nil,
           bmc_ssh_powercycle: nil, bmc_ssh_poweroff: nil, bmc_ssh_poweron: nil
  able :redfish, :shell, :ssh
  check do
    require 'rubyipmi'
    require 'redfish_client'
  end
end
