class HomeController < ApplicationController
  skip_before_action :require_login, only: :unattended

  def index
    render html: "<!DOCTYPE html><title>Foreman</title><p>Foreman #{Foreman::VERSION}, logged in as #{ERB::Util.h(current_user.login)}".html_safe
  end

  def unattended
    render plain: "unable to find a host that matches the request from #{request.remote_ip}", status: :not_found
  end
end
