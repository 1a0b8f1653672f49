require 'fileutils'
require 'securerandom'

Proxy::Plugin.define :dynflow, gem: 'remote_execution_ssh' do
  defaults database: nil, console_auth: true, execution_plan_cleaner_age: 1800
  check do |settings|
    database = ENV['DYNFLOW_DB_CONN_STRING'] || settings[:database]
    folder = database && File.dirname(database.to_s)
    raise "unable to open database file #{database}" if folder && !database.to_s.include?('://') && !File.writable?(folder)
  end
  answers do |plugin|
    # In the file that `database` names; in memory without one: a restart loses them then, as with upstream's default.
    file = plugin.settings[:database]
    tasks = file && File.exist?(file) ? JSON.parse(File.read(file), symbolize_names: true).transform_keys(&:to_s) : {}
    keep = -> { file && File.write(file, JSON.generate(tasks)) }
    get('/tasks/count') do
      chosen = params[:state] ? tasks.values.select { |task| task[:state] == params[:state] } : tasks.values
      json count: chosen.size, state: params[:state]
    end
    # A job that lasts so many seconds.
    post('/tasks/launch') do
      input = JSON.parse(request.body.read)
      id = SecureRandom.uuid
      tasks[id] = { id: id, state: 'running', result: 'pending' }
      keep.call
      Thread.new { sleep(input.fetch('seconds', 0)) && tasks[id].merge!(state: 'stopped', result: 'success') && keep.call }
      json task_id: id, result: 'success'
    end
    get('/tasks/:id/status') { tasks[params[:id]] ? json(tasks[params[:id]]) : halt(404) }
  end
end

Proxy::Plugin.define :script, path: '/ssh', file: :remote_execution_ssh, gem: 'remote_execution_ssh' do
  defaults ssh_identity_key_file: '~/.ssh/id_rsa_foreman_proxy', ssh_user: 'root', remote_working_dir: '/var/tmp', local_working_dir: '/var/tmp',
           socket_working_dir: '/var/tmp', kerberos_auth: false, cockpit_integration: true, ssh_log_level: 'error', cleanup_working_dirs: true,
           mode: 'ssh', mqtt_broker: nil, mqtt_port: nil, mqtt_tls: nil, mqtt_ttl: 5, mqtt_rate_limit: nil, mqtt_resend_interval: 900
  needs :dynflow
  able { |settings| %w[pull pull-mqtt].include?(settings[:mode].to_s) ? [:pull, :single] : %i[single ssh] }
  check do |settings|
    mode = settings[:mode].to_s
    raise "Mode '#{mode}' is invalid, must be one of ssh, pull, pull-mqtt" unless %w[ssh pull pull-mqtt].include?(mode)
    if mode == 'pull-mqtt'
      raise 'mqtt_broker is required when pull-mqtt mode is used' if settings[:mqtt_broker].nil?
      raise 'mqtt_port is required when pull-mqtt mode is used' if settings[:mqtt_port].nil?
    end
    levels = %w[debug info warn error fatal]
    ssh, own = [settings[:ssh_log_level].to_s, Proxy.settings.log_level.to_s.downcase].map { |level| levels.index(level) }
    raise "Wrong value '#{settings[:ssh_log_level]}' for ssh_log_level, must be one of #{levels.join(', ')}" unless ssh
    raise 'ssh_log_level cannot be more verbose than regular log level' if own && ssh < own
    raise "Directory '#{settings[:local_working_dir]}' doesn't exist" unless File.directory?(settings[:local_working_dir].to_s)
    next unless mode == 'ssh'
    raise 'socket_working_dir path is too long' if settings[:socket_working_dir].to_s.size > 49
    key = File.expand_path(settings[:ssh_identity_key_file].to_s)
    raise "SSH private key file #{key} doesn't exist" unless File.readable?(key)
    raise "SSH public key file #{key}.pub doesn't exist" unless File.readable?("#{key}.pub")
  end
  answers do |plugin|
    for_all '/pubkey', '/ca_pubkey'
    get('/pubkey') { File.read("#{File.expand_path(plugin.settings[:ssh_identity_key_file].to_s)}.pub") }
  end
end

Proxy::Plugin.define :ansible, gem: 'ansible' do
  defaults ansible_dir: Dir.home, working_dir: nil, ansible_environment_file: '/etc/foreman-proxy/ansible.env'
  needs :dynflow, :script
  able :'ansible-runner', :single
  check do |settings|
    raise "Working directory #{settings[:working_dir]} does not exist" if settings[:working_dir] && !File.directory?(settings[:working_dir].to_s)
  end
  answers do
    get('/roles') { json Dir['/etc/ansible/roles/*'].map { |path| File.basename(path) } }
  end
end

Proxy::Plugin.define :container_gateway, gem: 'container_gateway' do
  defaults pulp_endpoint: nil, pulp_client_ssl_ca: nil, pulp_client_ssl_cert: nil, pulp_client_ssl_key: nil, katello_registry_path: '/v2/',
           db_connection_string: nil, db_max_connections: 30, db_pool_timeout: 30, client_endpoint: nil
  check do |settings|
    global = Proxy.settings
    readable(:pulp_client_ssl_ca, settings[:pulp_client_ssl_ca] || global.foreman_ssl_ca)
    readable(:pulp_client_ssl_cert, settings[:pulp_client_ssl_cert] || global.foreman_ssl_cert)
    readable(:pulp_client_ssl_key, settings[:pulp_client_ssl_key] || global.foreman_ssl_key)
    present(:db_connection_string, settings[:db_connection_string])
  end
end

Proxy::Plugin.define :openscap, path: '/compliance', gem: 'openscap' do
  defaults spooldir: '/var/spool/foreman-proxy/openscap', timeout: 60
  answers do |plugin|
    # What Foreman does not take stays in the spool; the stand-in's takes none.
    post('/arf/:policy') do
      spool = plugin.settings[:spooldir].to_s
      FileUtils.mkdir_p(spool)
      File.write(File.join(spool, SecureRandom.uuid), request.body.read)
      json result: 'Storage failure on proxy'
    end
  end
end
