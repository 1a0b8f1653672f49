module Katello
  class HomeController < Api::BaseController
    skip_before_action :require_login, only: :status

    def ping
      render json: Ping.run
    end

    def status
      render json: { version: Foreman::Plugin.all.fetch('katello').version, timeUTC: Time.now.utc }
    end
  end
end
