module Proxy
  # A module or a provider of one: its settings, what it demands, what it answers.
  class Plugin
    @all = []

    class << self
      attr_reader :all

      def define(name, **options, &block)
        plugin = new(name, **options)
        plugin.instance_eval(&block) if block
        all << plugin if plugin.loaded?
      end

      def modules
        all.reject(&:provider)
      end

      def [](name)
        all.find { |plugin| plugin.name == name.to_s }
      end

      def start_all
        all.each(&:read_settings)
        modules.each(&:start)
        modules.each(&:check_needs)
      end
    end

    attr_reader :name, :path, :provider, :settings, :version
    attr_accessor :state

    # `gem`: loaded only if FOREMAN_PROXY_ENABLED_PLUGINS names it, or names nothing. `provider`: of this module.
    def initialize(name, path: "/#{name}", file: name, gem: nil, provider: nil, version: Proxy::VERSION)
      @name, @path, @file, @gem, @provider, @version = name.to_s, path, file, gem, provider&.to_s, version
      @defaults, @checks, @needs, @exposed, @capabilities, @state = {}, [], [], [], [], :uninitialized
    end

    def loaded?
      wanted = ENV['FOREMAN_PROXY_ENABLED_PLUGINS']&.split
      @gem.nil? || wanted.nil? || wanted.include?(@gem)
    end

    # What a definition says.
    def defaults(values) = @defaults.merge!(values)
    def check(&block) = @checks << block
    def needs(*names) = @needs.concat(names.map(&:to_s))
    def exposes(*names) = @exposed.concat(names)
    def able(*names, &block) = @capabilities.concat(names) && (@ability = block || @ability)
    def answers(&block) = @routes = block
    def last(&block) = @last = block

    attr_reader :routes

    def read_settings
      given = Settings.of_module(@file) || {}
      @settings = { enabled: @file == :logs }.merge(@defaults).merge(given.select { |key, _| key.is_a?(Symbol) })
    rescue Psych::Exception => e
      @settings, @broken = { enabled: true }.merge(@defaults), e
    end

    def enabled
      @settings[:enabled]
    end

    # Only these four mean something; a text "true" is none of them, and nobody says so.
    def on?(scheme)
      [true, scheme].include?(enabled)
    end

    def start
      return @state = :disabled unless on?('http') || on?('https') || @broken
      group = [self, *providers]
      begin
        raise @broken if @broken
        group.each do |plugin|
          raise plugin.broken if plugin.broken
          shown = plugin.settings.map { |key, value| "'#{key}': #{value.inspect}" }.join(', ')
          Log.debug("'#{plugin.name}' settings: #{shown}")
          plugin.demand
        end
        @state = :running
      rescue ScriptError, StandardError => e
        return fail_with(group, e.message)
      end
      # Behind this point upstream has declared its services: what fails now ends the process.
      group.each(&:conclude)
      Log.info("Successfully initialized '#{name}'")
    end

    attr_reader :broken

    def demand
      @checks.each { |check| instance_exec(settings, &check) }
    end

    def conclude
      instance_exec(settings, &@last) if @last
    end

    def providers
      names = Array(settings[:use_provider]).map(&:to_s)
      names.map { |name| Plugin[name] || raise(LoadError, "Unable to load provider #{name}") }
    rescue LoadError => e
      @broken = e
      []
    end

    # One module leans on others that must run as well.
    def check_needs
      return unless state == :running
      lacking = @needs.reject { |name| Plugin[name]&.state == :running }
      fail_with([self], "Unable to satisfy the dependency of '#{name}' on #{lacking.map { |name| "'#{name}'" }.join(', ')}") if lacking.any?
    end

    def fail_with(group, message)
      @state = :failed
      why = "Disabling all modules in the group ['#{group.map(&:name).join("', '")}'] due to a failure in one of them: #{message}"
      Log.failed(name, why)
      Log.error(why)
    end

    def feature
      running = state == :running
      abilities = @capabilities + (running && @ability ? Array(instance_exec(settings, &@ability)) : [])
      exposed = @exposed.to_h { |key| [key, (%i[http_port https_port].include?(key) ? Proxy.settings[key] : settings[key] if running)] }
      { http_enabled: running && on?('http'), https_enabled: running && on?('https'), settings: exposed, state: state, capabilities: abilities }
    end

    include Validations
  end
end
