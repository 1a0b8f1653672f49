require 'active_support'
require 'active_support/message_encryptor'
require 'base64'

module Foreman
  # Values in the database; the first 32 bytes of ENCRYPTION_KEY encrypt, the whole of it signs.
  module Encryption
    PREFIX = 'encrypted-'.freeze

    module_function

    def require_key
      length = ENV['ENCRYPTION_KEY'].to_s.bytesize
      abort 'Foreman: ENCRYPTION_KEY is not set; values in the database cannot be decrypted' if length.zero?
      abort "Foreman: ENCRYPTION_KEY has #{length} bytes, at least 32 are needed" if length < 32
    end

    def encrypt(text)
      PREFIX + Base64.strict_encode64(encryptor.encrypt_and_sign(text))
    end

    # Raises ActiveSupport::MessageEncryptor::InvalidMessage when another key encrypted the value.
    def decrypt(text)
      return text unless text.to_s.start_with?(PREFIX)
      encryptor.decrypt_and_verify(Base64.strict_decode64(text.delete_prefix(PREFIX)))
    end

    def encryptor
      key = ENV.fetch('ENCRYPTION_KEY')
      ActiveSupport::MessageEncryptor.new(key.byteslice(0, 32), key, cipher: 'aes-256-cbc')
    end
  end
end
