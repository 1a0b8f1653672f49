module Dynflow
  # Messages between worlds go through the database: the web processes need no Redis to hand over work.
  class Envelope < ApplicationRecord
    self.table_name = 'dynflow_envelopes'

    def self.take(receiver)
      uncached { where(receiver_id: receiver).order(:id).to_a.each(&:destroy!) }
    end
  end
end
