require 'resolv'

module Proxy
  # What every module's API shares: who may ask.
  class App < Sinatra::Base
    set :environment, :production
    set :host_authorization, {}
    disable :logging, :dump_errors, :protection, :show_exceptions

    class << self
      # Nobody is asked who they are on these; everything else needs a trusted client.
      def for_all(*paths)
        @for_all = [*@for_all, *paths]
      end

      def for_all?(path)
        @for_all&.any? { |pattern| pattern === path }
      end

      private

      def route(verb, path, options = {}, &block)
        super(verb, path, options) do |*captures|
          trusted unless self.class.for_all?(request.path_info)
          instance_exec(*captures, &block)
        end
      end
    end

    helpers do
      def https?
        request.env['HTTPS'] == 'on'
      end

      # Of a certificate only its common name counts, in lower case; the list counts as it is written.
      def trusted
        hosts = Proxy.settings.trusted_hosts
        certificate = request.env['SSL_CLIENT_CERT'].to_s
        if https?
          refuse('No client SSL certificate supplied') if certificate.empty?
          common_name = OpenSSL::X509::Certificate.new(certificate).subject.to_a.find { |part| part[0] == 'CN' }&.at(1)
          return if hosts.nil?
          refuse('could not read CN from SSL certificate') if common_name.nil?
          name = common_name.downcase
        else
          return if hosts.nil?
          name = reverse(request.ip)
        end
        refuse("Untrusted client #{name} attempted to access #{request.path}. Check :trusted_hosts: in settings.yml") unless Array(hosts).include?(name)
      end

      def reverse(address)
        Resolv.new.getname(address).to_s.downcase
      rescue Resolv::ResolvError
        refuse("unable to resolve hostname for ip address #{address}")
      end

      def refuse(why)
        Log.error(why)
        halt 403, why
      end

      def json(value)
        content_type :json
        JSON.generate(value)
      end
    end

    not_found do
      content_type 'text/plain'
      "Requested url was not found\n"
    end

    error do |e|
      Log.error("#{e.class}: #{e.message}")
      halt 400, e.message
    end
  end

  ROOT_ROUTES = proc do
    for_all '/features', '/version'

    get '/features' do
      json Plugin.modules.select { |plugin| plugin.state == :running }.map(&:name).sort
    end

    get '/v2/features' do
      json Plugin.modules.to_h { |plugin| [plugin.name, plugin.feature] }
    end

    get '/version' do
      running = Plugin.modules.select { |plugin| plugin.state == :running }
      json version: Proxy::VERSION, modules: running.to_h { |plugin| [plugin.name, plugin.version] }
    end
  end
end
