module Actions
  module Katello
    module Host
      class GenerateApplicability
        def self.queue
          'hosts_queue'
        end

        def self.run(_input)
          { 'hosts' => 0 }
        end
      end
    end
  end
end
