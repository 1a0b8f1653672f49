module Actions
  module Katello
    module Organization
      class ManifestImport
        def self.queue
          'default'
        end

        def self.run(input)
          digest = Digest::SHA256.file(input.fetch('file')).hexdigest
          File.delete(input['file'])
          { 'sha256' => digest }
        end
      end
    end
  end
end
