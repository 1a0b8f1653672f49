module Proxy
  # Log lines, and the last of them in memory: that is what /logs/ gives out.
  module Log
    LEVELS = %w[DEBUG INFO WARN ERROR FATAL UNKNOWN].freeze
    @failed_modules = {}
    @lines = []
    @mutex = Mutex.new

    class << self
      attr_reader :failed_modules, :level

      def open(settings)
        @level = LEVELS.index(settings.log_level) || 1
        @size, @tail = settings.log_buffer, settings.log_buffer_errors
        @out = %w[STDOUT JOURNAL SYSLOG].include?(settings.log_file) ? $stdout : File.open(settings.log_file, 'a').tap { |file| file.sync = true }
      end

      def failed(name, why)
        failed_modules[name] = why
      end

      LEVELS.each_with_index { |name, level| define_method(name.downcase) { |text| write(level, text) } }

      def write(level, text)
        now = Time.now
        @mutex.synchronize do
          @lines << { timestamp: now.to_f, level: LEVELS[level], message: text, request_id: nil }
          @lines.shift while @lines.size > (@size || 2000)
        end
        return if level < (@level || 1)
        (@out || $stdout).puts("#{now.strftime('%Y-%m-%dT%H:%M:%S')}          [#{LEVELS[level][0]}] #{text}")
      end

      def dump
        { info: { size: @size, tail_size: @tail, level: nil, level_tail: 3, failed_modules: failed_modules }, logs: @mutex.synchronize { @lines.dup } }
      end
    end
  end
end
