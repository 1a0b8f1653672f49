require_relative '../../lib/foreman/session_store'
