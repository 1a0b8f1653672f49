# Who calls: a session, HTTP Basic or a signed OAuth request. REMOTE_USER and its like are never looked at.
module Authentication
  private

  def require_login
    @current_user = user_of_request or raise ApplicationController::Unauthorized, "Unable to authenticate user #{basic&.first}".strip
  end

  attr_reader :current_user

  def user_of_request
    header = request.authorization.to_s
    return User.authenticate(*basic) if basic
    return user_of_oauth(header) if header.start_with?('OAuth')
    User.find_by(id: session[:user]) if session[:user]
  end

  def basic
    return unless request.authorization.to_s.start_with?('Basic ')
    ActionController::HttpAuthentication::Basic.user_name_and_password(request)
  end

  def user_of_oauth(header)
    return unless SETTINGS[:oauth_active]
    params = request.query_parameters
    params = params.merge(request.request_parameters) if request.media_type == 'application/x-www-form-urlencoded'
    url = "#{request.protocol}#{request.host_with_port}#{request.path}"
    signed = Foreman::OAuth.verify(header, request.request_method, url, params,
                                   key: SETTINGS[:oauth_consumer_key], secret: SETTINGS[:oauth_consumer_secret])
    return logger.warn("OAuth: the signature does not fit #{request.request_method} #{url}") && nil unless signed
    SETTINGS[:oauth_map_users] ? User.find_by(login: request.headers['FOREMAN-USER'] || request.headers['FOREMAN_USER']) : User.anonymous_api_admin
  end

  # The client certificate as the reverse proxy reports it; nil unless it verified it.
  def client_certificate_dn
    return unless request.env[SETTINGS.fetch(:ssl_client_verify_env, 'SSL_CLIENT_VERIFY')] == 'SUCCESS'
    request.env[SETTINGS.fetch(:ssl_client_dn_env, 'SSL_CLIENT_S_DN')].presence
  end
end
