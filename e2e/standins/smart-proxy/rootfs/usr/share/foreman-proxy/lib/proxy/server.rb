require 'rack/handler/webrick'
require 'socket'

module Proxy
  # The listeners. Certificates, keys and authorities are read here, once; signals as upstream takes them.
  module Server
    CIPHERS = %w[ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-AES256-GCM-SHA384 ECDHE-RSA-AES128-CBC-SHA ECDHE-RSA-AES256-CBC-SHA
                 AES128-GCM-SHA256 AES256-GCM-SHA384 AES128-SHA256 AES256-SHA256 AES128-SHA AES256-SHA].freeze

    class << self
      def run(settings)
        servers = [http(settings), https(settings)].compact
        raise 'Both http and https are disabled, unable to start.' if servers.empty?
        %w[TERM INT].each { |signal| trap(signal) { Thread.new { finish(servers) } } }
        trap('USR1') { nil }
        threads = servers.map { |server| Thread.new { server.start } }
        servers.each { |server| Log.info("Smart proxy has launched on #{server.config[:Addresses].size} socket(s), waiting for requests") }
        notify
        threads.each(&:join)
        sleep
      end

      # No new connections; what runs has two seconds.
      def finish(servers)
        servers.each(&:shutdown)
        sleep 2
        exit! 0
      end

      def http(settings)
        return unless settings.http_port
        server(settings, settings.http_port, 'http')
      end

      def https(settings)
        files = [settings.ssl_certificate, settings.ssl_private_key, settings.ssl_ca_file]
        unless files.all?
          Log.warn('Missing SSL setup, https is disabled.')
          return
        end
        server(settings, settings.https_port, 'https',
               SSLEnable: true, SSLVerifyClient: OpenSSL::SSL::VERIFY_PEER, SSLOptions: options(settings), SSLCACertificateFile: settings.ssl_ca_file,
               SSLCertificate: OpenSSL::X509::Certificate.new(File.read(settings.ssl_certificate)),
               SSLPrivateKey: OpenSSL::PKey.read(File.read(settings.ssl_private_key)),
               SSLCiphers: (CIPHERS - settings.ssl_disabled_ciphers).join(':'))
      end

      def options(settings)
        off = OpenSSL::SSL::OP_NO_SSLv2 | OpenSSL::SSL::OP_NO_SSLv3 | OpenSSL::SSL::OP_NO_TLSv1 | OpenSSL::SSL::OP_NO_TLSv1_1
        off |= OpenSSL::SSL::OP_CIPHER_SERVER_PREFERENCE
        settings.tls_disabled_versions.map(&:to_s).include?('1.2') ? off | OpenSSL::SSL::OP_NO_TLSv1_2 : off
      end

      def server(settings, port, scheme, **more)
        hosts = Array(settings.bind_host).map { |host| host == '*' ? nil : host }
        first, *others = hosts
        server = WEBrick::HTTPServer.new(BindAddress: first, Port: port, AccessLog: access, Logger: Quiet.new, MaxClients: 100,
                                         RequestTimeout: 30, Addresses: hosts, DoNotReverseLookup: true, **more)
        others.each { |host| server.listen(host, port) }
        server.mount('/', Rack::Handler::WEBrick, app(scheme))
        server
      end

      # A module that is not for this listener does not exist on it.
      def app(scheme)
        mounted = Plugin.modules.select { |plugin| plugin.state == :running && plugin.on?(scheme) }
        apps = Hash.new { |all, path| all[path] = Class.new(App) }
        apps['/'].class_exec(&ROOT_ROUTES)
        mounted.each { |plugin| apps[plugin.path].class_exec(plugin, &plugin.routes) if plugin.routes }
        Rack::URLMap.new(apps)
      end

      def access
        [[Class.new { def <<(line) = Log.info(line.chomp) }.new, '%h "%r" %s %b']]
      end

      def notify
        return unless ENV['NOTIFY_SOCKET']
        Addrinfo.unix(ENV['NOTIFY_SOCKET'].sub(/\A@/, "\0"), :DGRAM).connect { |socket| socket.write('READY=1') }
      end
    end

    # WEBrick's own log, as lines of ours.
    class Quiet < WEBrick::BasicLog
      def initialize = super(nil, WEBrick::BasicLog::ERROR)
      def log(level, text) = level <= @level && Log.error(text)
    end
  end
end
