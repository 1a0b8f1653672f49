# What GET /api/v2/ping answers.
module Ping
  module_function

  def run
    results = { foreman: { database: database } }
    results[:foreman][:cache] = cache if SETTINGS.dig(:rails_cache_store, :type).to_s == 'redis'
    unreadable = undecipherable
    # Only when something is wrong, so that the healthy answer keeps upstream's shape.
    results[:foreman][:encryption] = { status: 'FAIL', message: "cannot decrypt #{unreadable.join(', ')}: check ENCRYPTION_KEY" } if unreadable.any?
    Foreman::Plugin.enabled.select(&:ping).inject(results) { |all, plugin| all.merge(plugin.name => plugin.ping.call) }
  end

  def database
    start = now
    ActiveRecord::Base.connection.execute('SELECT 1')
    { active: true, duration_ms: since(start) }
  end

  def cache
    { servers: SETTINGS[:rails_cache_store][:urls].map { |url| watch { Redis.new(url: url, timeout: 2).ping } } }
  end

  def watch
    start = now
    extra = yield
    { status: 'ok', **(extra.is_a?(Hash) ? extra : {}), duration_ms: since(start) }
  rescue StandardError => e
    Rails.logger.warn("ping: #{e.class}: #{e.message}")
    { status: 'FAIL', message: e.message }
  end

  def undecipherable
    Setting.where(encrypted: true).reject do |setting|
      setting.plain
    rescue ActiveSupport::MessageEncryptor::InvalidMessage, ActiveSupport::MessageVerifier::InvalidSignature
      Rails.logger.error("Setting #{setting.name} cannot be decrypted: check ENCRYPTION_KEY")
      false
    end.map(&:name)
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  def since(start)
    ((now - start) * 1000).round.to_s
  end
end
