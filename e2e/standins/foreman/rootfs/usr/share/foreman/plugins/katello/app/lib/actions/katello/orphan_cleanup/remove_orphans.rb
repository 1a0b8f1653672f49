module Actions
  module Katello
    module OrphanCleanup
      class RemoveOrphans
        def self.queue
          'default'
        end

        def self.run(_input)
          { 'removed' => 0 }
        end
      end
    end
  end
end
