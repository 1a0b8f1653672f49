module Foreman
  # Hosts that are being installed have no certificates yet.
  module ForceSsl
    def self.plain_http?(request)
      request.path.start_with?('/unattended/', '/userdata/')
    end
  end
end
