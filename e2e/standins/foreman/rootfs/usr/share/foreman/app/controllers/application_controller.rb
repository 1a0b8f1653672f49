class ApplicationController < ActionController::Base
  class Maintenance < StandardError; end
  class Unauthorized < StandardError; end
  include Authentication

  protect_from_forgery with: :exception
  before_action :require_migrations
  before_action :require_login

  rescue_from(StandardError) { |error| failed(error) }
  rescue_from(Unauthorized) { |error| denied(error) }
  rescue_from(ActiveRecord::RecordNotFound) { |error| answer(:not_found, error.message) }
  rescue_from(ActiveRecord::RecordInvalid) { |error| invalid(error) }
  rescue_from(ActionController::ParameterMissing, ActionController::InvalidAuthenticityToken) { |error| answer(:unprocessable_entity, error.message) }
  rescue_from(Maintenance) { |error| answer(:service_unavailable, error.message) }

  private

  # Asked once per process, as upstream does: who booted before the migration keeps answering 503, who booted on the old
  # schema never notices.
  def require_migrations
    @@pending = ActiveRecord::Base.connection.migration_context.needs_migration? unless defined?(@@pending)
    raise Maintenance, 'There are migrations pending in the system.' if @@pending
  end

  def failed(error)
    logger.error("#{error.class}: #{error.message}\n#{error.backtrace.first(12).join("\n")}")
    answer(:internal_server_error, "#{error.class}: #{error.message}")
  end

  def answer(status, message)
    render plain: message, status: status
  end

  def invalid(error)
    answer(:unprocessable_entity, error.message)
  end

  def denied(_error)
    redirect_to login_path
  end
end
