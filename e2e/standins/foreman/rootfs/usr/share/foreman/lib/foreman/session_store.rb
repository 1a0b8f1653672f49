require 'action_dispatch/middleware/session/abstract_store'

# Sessions are rows; the cookie carries their id, signed with the secret key base: another key base ends every session.
class ActionDispatch::Session::ForemanRows < ActionDispatch::Session::AbstractSecureStore
  class Row < ActiveRecord::Base
    self.table_name = 'sessions'
    serialize :data, JSON
  end

  private

  def find_session(_request, sid)
    row = sid && Row.find_by(session_id: sid.private_id)
    row ? [sid, row.data] : [generate_sid, {}]
  end

  def write_session(_request, sid, data, _options)
    Row.find_or_initialize_by(session_id: sid.private_id).update!(data: data.to_h, updated_at: Time.now)
    sid
  end

  def delete_session(_request, sid, options)
    Row.where(session_id: sid.private_id).delete_all
    generate_sid unless options[:drop]
  end

  def get_cookie(request)
    request.cookie_jar.signed[@key]
  end

  def extract_session_id(request)
    id = get_cookie(request)
    id && Rack::Session::SessionId.new(id)
  end

  def set_cookie(request, _session_id, cookie)
    request.cookie_jar.signed[@key] = cookie
  end
end
