require 'fileutils'
require 'net/http'

Proxy::Plugin.define :tftp do
  defaults tftproot: '/var/lib/tftpboot', tftp_servername: nil, tftp_connect_timeout: 10, verify_server_cert: true
  check { |settings| boolean(:verify_server_cert, settings[:verify_server_cert]) }
  exposes :tftp_servername
  answers do |plugin|
    get '/serverName' do
      json serverName: plugin.settings[:tftp_servername]
    end

    # Foreman's: a menu for one machine.
    %w[syslinux pxegrub pxegrub2].each do |variant|
      folder = variant == 'syslinux' ? 'pxelinux.cfg' : 'grub2'
      place = lambda do |mac|
        raise "Invalid MAC address: #{mac}" unless mac =~ /\A\h\h(:\h\h){5}\z/
        name = variant == 'syslinux' ? "01-#{mac.tr(':', '-').downcase}" : "grub.cfg-01-#{mac.tr(':', '-').downcase}"
        File.join(plugin.settings[:tftproot].to_s, folder, name)
      end
      post "/#{variant}/:mac" do
        file = place.call(params[:mac])
        FileUtils.mkdir_p(File.dirname(file))
        File.write(file, params[:pxeconfig].to_s)
        ''
      end
      get("/#{variant}/:mac") { File.read(place.call(params[:mac])) }
      delete("/#{variant}/:mac") { FileUtils.rm_f(place.call(params[:mac])) && '' }
    end
  end
end

Proxy::Plugin.define :httpboot, path: '/' do
  defaults root_dir: '/var/lib/tftpboot'
  check { |settings| readable(:root_dir, settings[:root_dir]) }
  exposes :http_port, :https_port
  answers do |plugin|
    for_all(%r{\A/httpboot/}, %r{\A/EFI/}i)
    get(%r{/(?:httpboot|EFI|efi)/(.+)}) do |path|
      root = File.realpath(plugin.settings[:root_dir].to_s)
      file = File.expand_path(path, root)
      halt 403 unless file.start_with?("#{root}/")
      halt 404 unless File.file?(file)
      send_file file
    end
  end
end

# Asks Foreman in the name of a machine, with the client certificate.
module Proxy::Upstream
  def upstream(path, query)
    settings = Proxy.settings
    uri = URI.join(settings.foreman_url, path)
    uri.query = query unless query.to_s.empty?
    http = Net::HTTP.new(uri.host, uri.port)
    if uri.scheme == 'https'
      http.use_ssl, http.ca_file = true, settings.foreman_ssl_ca
      # Read for each request: a renewed client certificate needs no restart.
      http.cert = OpenSSL::X509::Certificate.new(File.read(settings.foreman_ssl_cert))
      http.key = OpenSSL::PKey.read(File.read(settings.foreman_ssl_key))
    end
    answer = http.request(Net::HTTP::Get.new(uri))
    [answer.code.to_i, answer.body.to_s]
  end
end

Proxy::Plugin.define :templates, path: '/' do
  defaults template_url: nil
  check do |settings|
    url(:template_url, settings[:template_url])
    present(:foreman_url, Proxy.settings.foreman_url)
  end
  answers do |plugin|
    for_all(%r{\A/unattended/}, %r{\A/userdata/})
    helpers Proxy::Upstream
    get('/unattended/templateServer') { json templateServer: plugin.settings[:template_url] }
    get(%r{/(unattended|userdata)/([^/]+)}) do |kind, name|
      upstream("#{kind}/#{name}", request.query_string)
    end
  end
end

Proxy::Plugin.define :registration, path: '/' do
  defaults registration_url: nil
  check { |settings| url(:registration_url, settings[:registration_url]) if settings[:registration_url] }
  needs :templates
  exposes :registration_url
  answers do
    for_all '/register'
    helpers Proxy::Upstream
    get '/register' do
      upstream('register', request.query_string)
    rescue SystemCallError, SocketError, OpenSSL::SSL::SSLError
      [500, "echo \"Internal Server Error\"\nexit 1\n"]
    end
  end
end

Proxy::Plugin.define :discovery, gem: 'discovery' do
  defaults node_scheme: 'https', node_port: 8443
end
