class UsersController < ApplicationController
  skip_before_action :require_login

  def login
    render html: <<~HTML.html_safe
      <!DOCTYPE html><title>Login</title>
      <form method="post" action="/users/login">
      <input type="hidden" name="authenticity_token" value="#{form_authenticity_token}">
      <input name="login[login]"> <input type="password" name="login[password]"> <button>Log In</button>
      </form>
    HTML
  end

  def sign_in
    user = User.authenticate(params.dig(:login, :login), params.dig(:login, :password))
    return render(plain: 'Incorrect username or password', status: :unauthorized) unless user
    reset_session
    session[:user] = user.id
    user.update!(last_login_on: Time.now)
    Audit.create!(action: 'login', user_login: user.login, remote_address: request.remote_ip)
    redirect_to root_path
  end

  def logout
    reset_session
    redirect_to login_path
  end
end
