module Katello
  # Registered hosts come with their certificate instead of a login.
  class RhsmController < Api::BaseController
    skip_before_action :require_login

    def status
      name = client_certificate_dn or raise ApplicationController::Unauthorized, 'A verified client certificate is needed'
      render json: { result: true, client: name, version: Foreman::VERSION }
    end
  end
end
