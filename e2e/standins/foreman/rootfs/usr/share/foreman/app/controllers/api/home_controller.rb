module Api
  class HomeController < BaseController
    skip_before_action :require_login, only: :ping

    def ping
      render json: { results: Ping.run }
    end

    def status
      render json: { result: 'ok', status: 200, version: Foreman::VERSION, api_version: 2 }
    end
  end
end
