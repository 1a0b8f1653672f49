Proxy::Plugin.define :puppet do
  defaults use_provider: 'puppet_proxy_puppet_api'
  exposes :use_provider
  answers do
    get('/environments') { json %w[production] }
  end
end

Proxy::Plugin.define :puppet_proxy_puppet_api, provider: :puppet do
  defaults puppet_url: nil, puppet_ssl_ca: '/var/lib/puppet/ssl/certs/ca.pem', puppet_ssl_cert: nil, puppet_ssl_key: nil, api_timeout: 30
  check do |settings|
    url(:puppet_url, settings[:puppet_url])
    %i[puppet_ssl_ca puppet_ssl_cert puppet_ssl_key].each { |name| readable(name, settings[name]) }
  end
end

Proxy::Plugin.define :puppetca, path: '/puppet/ca' do
  defaults use_provider: 'puppetca_hostname_whitelisting'
  exposes :use_provider

  # The API of Puppet's own authority is always asked, whatever decides about signing.
  def providers
    settings[:use_provider] = [*settings[:use_provider], 'puppetca_http_api'].uniq
    super
  end
end

Proxy::Plugin.define :puppetca_hostname_whitelisting, provider: :puppetca do
  defaults autosignfile: '/etc/puppetlabs/puppet/autosign.conf'
end

Proxy::Plugin.define :puppetca_token_whitelisting, provider: :puppetca do
  defaults sign_all: false, token_ttl: 360, tokens_file: '/var/lib/foreman-proxy/tokens.yml', certificate: nil
  check { |settings| readable(:certificate, settings[:certificate]) }
end

Proxy::Plugin.define :puppetca_http_api, provider: :puppetca do
  defaults puppet_url: nil, puppet_ssl_ca: '/etc/puppetlabs/puppet/ssl/certs/ca.pem', puppet_ssl_cert: nil, puppet_ssl_key: nil
  check do |settings|
    url(:puppet_url, settings[:puppet_url])
    %i[puppet_ssl_ca puppet_ssl_cert puppet_ssl_key].each { |name| readable(name, settings[name]) }
  end
end

Proxy::Plugin.define :realm do
  defaults use_provider: 'realm_freeipa'
  exposes :use_provider
end

Proxy::Plugin.define :realm_freeipa, provider: :realm do
  defaults keytab_path: nil, principal: nil, ipa_config: '/etc/ipa/default.conf', remove_dns: true, verify_ca: true
  check do |settings|
    present(:principal, settings[:principal])
    readable(:keytab_path, settings[:keytab_path])
    readable(:ipa_config, settings[:ipa_config])
    # Not in upstream's image either.
    require 'rkerberos'
  end
end
