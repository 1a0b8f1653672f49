require 'cgi'
require 'openssl'
require 'securerandom'

module Foreman
  # OAuth 1 with two legs and HMAC-SHA1 (RFC 5849), to check callers and to call Candlepin.
  module OAuth
    module_function

    # The consumer key of a correctly signed request, else nil. `url` as the client signed it, without its query.
    def verify(header, method, url, params, key:, secret:)
      given = parse(header)
      return unless key && secret && given['oauth_consumer_key'] == key && given['oauth_signature_method'] == 'HMAC-SHA1'
      signed = sign(method, url, params.merge(given.except('oauth_signature', 'realm')), secret)
      key if ActiveSupport::SecurityUtils.secure_compare(signed, given['oauth_signature'].to_s)
    end

    def header(method, url, key:, secret:)
      fields = { 'oauth_consumer_key' => key, 'oauth_nonce' => SecureRandom.hex(16), 'oauth_signature_method' => 'HMAC-SHA1',
                 'oauth_timestamp' => Time.now.to_i.to_s, 'oauth_version' => '1.0' }
      fields['oauth_signature'] = sign(method, url, fields, secret)
      "OAuth #{fields.map { |name, value| %(#{name}="#{escape(value)}") }.join(', ')}"
    end

    def sign(method, url, params, secret)
      pairs = params.map { |name, value| [escape(name), escape(value)] }.sort.map { |pair| pair.join('=') }.join('&')
      base = [method.upcase, url, pairs].map { |part| escape(part) }.join('&')
      [OpenSSL::HMAC.digest('SHA1', "#{escape(secret)}&", base)].pack('m0')
    end

    def parse(header)
      header.delete_prefix('OAuth').scan(/([a-z_]+)="([^"]*)"/).to_h { |name, value| [name, CGI.unescape(value.gsub('+', '%2B'))] }
    end

    def escape(value)
      ERB::Util.url_encode(value.to_s)
    end
  end
end
