module Foreman
  # A plugin is a folder in plugins/: plugin.rb, app/, db/migrate/, db/seeds.d/, lib/tasks/.
  class Plugin
    attr_reader :name, :version, :path, :requires, :routes, :middlewares

    # As bundler.d decides: FOREMAN_ENABLED_PLUGINS unset loads every plugin, empty loads none, and what a plugin needs is
    # loaded with it, listed or not.
    def self.enabled
      @enabled ||= begin
        wanted = ENV['FOREMAN_ENABLED_PLUGINS']&.split || all.keys
        unknown = wanted - all.keys
        abort "Foreman: unknown plugins in FOREMAN_ENABLED_PLUGINS: #{unknown.join(' ')}; this image has: #{all.keys.join(' ')}" if unknown.any?
        wanted.flat_map { |name| with_needs(all.fetch(name)) }.uniq
      end
    end

    def self.enabled?(name)
      enabled.any? { |plugin| plugin.name == name }
    end

    def self.all
      @all ||= {}
    end

    def self.register(name, version:, requires: [], &block)
      all[name] = new(name, version, requires).tap { |plugin| plugin.instance_eval(&block) if block }
    end

    def self.with_needs(plugin)
      plugin.requires.flat_map { |name| with_needs(all.fetch(name)) } << plugin
    end

    def initialize(name, version, requires)
      @name, @version, @requires, @path, @middlewares = name, version, requires, "#{FOREMAN_ROOT}/plugins/#{name}", []
    end

    def draw(&block)
      @routes = block
    end

    def use(middleware)
      @middlewares << middleware
    end

    # A block that answers /api/v2/ping for this plugin.
    def ping(&block)
      block ? @ping = block : @ping
    end
  end
end
