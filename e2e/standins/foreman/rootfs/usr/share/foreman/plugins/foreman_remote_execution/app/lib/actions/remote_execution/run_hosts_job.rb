module Actions
  module RemoteExecution
    # inputs: command (hashed, not run), sleep (s), rounds (of SHA-256), fail (anything: ends in an error).
    class RunHostsJob
      def self.queue
        'remote_execution'
      end

      def self.run(input)
        sleep input['sleep'].to_f
        raise "the job was told to fail: #{input['fail']}" if input['fail'].present?
        digest = input.fetch('command')
        input.fetch('rounds', 1).to_i.times { digest = Digest::SHA256.hexdigest(digest) }
        { 'sha256' => digest }
      end
    end
  end
end
