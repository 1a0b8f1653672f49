module Foreman
  # The innermost cause is repeated last: it is the line that a pod's termination message shows.
  module RakeErrors
    def display_error_message(error)
      super
      error = error.cause while error.cause
      $stderr.puts "#{error.class}: #{error.message.strip.tr("\n", ' ')}"
    end
  end
end
Rake::Application.prepend(Foreman::RakeErrors)
