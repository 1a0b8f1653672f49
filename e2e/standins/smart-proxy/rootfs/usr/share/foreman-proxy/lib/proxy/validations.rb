require 'uri'

module Proxy
  # What modules demand of their settings; the words are what an administrator finds in failed_modules.
  module Validations
    class Error < StandardError; end

    module_function

    def readable(name, value)
      raise Error, "File at '#{value}' defined in '#{name}' parameter doesn't exist or is unreadable" unless value && File.readable?(value.to_s)
    end

    def present(name, value)
      raise Error, "Parameter '#{name}' is expected to have a non-empty value" if value.nil? || value.to_s.strip.empty?
    end

    def url(name, value)
      present(name, value)
      uri = URI.parse(value.to_s)
      raise Error, "Setting '#{name}' is expected to contain a url scheme" if uri.scheme.nil?
    rescue URI::InvalidURIError
      raise Error, "Setting '#{name}' contains an invalid url"
    end

    def boolean(name, value)
      raise Error, "Parameter '#{name}' is expected to be a boolean" unless [true, false, nil].include?(value)
    end

    def subnets(name, value)
      Array(value).each do |subnet|
        raise Error, "Invalid subnet '#{subnet}' in '#{name}', expected network/netmask" unless subnet.to_s =~ %r{\A\d+(\.\d+){3}/\d+(\.\d+){3}\z}
      end
    end
  end
end
