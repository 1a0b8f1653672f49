module Dynflow
  # Dynflow keeps its tables by itself, outside of Rails' migrations and without their lock: two runs at once collide here.
  module Schema
    VERSION = 1

    module_function

    def migrate(connection = ActiveRecord::Base.connection)
      return if current?(connection)
      connection.create_table(:dynflow_schema_info, id: false) { |t| t.integer :version, null: false }
      connection.create_table(:dynflow_coordinator_records, id: :string) do |t|
        t.string :class_name, null: false
        t.text :data
        t.timestamp :last_seen
      end
      connection.create_table(:dynflow_envelopes) do |t|
        t.string :receiver_id, null: false, index: true
        t.string :kind, null: false
        t.string :sender_id, :body
        t.timestamps
      end
      connection.create_table(:dynflow_execution_plans, id: :uuid) do |t|
        t.string :label, :action_class, :queue, :state, null: false
        t.string :result, null: false, default: 'pending'
        t.jsonb :input, :output, null: false, default: {}
        t.string :executor_world_id, :worker, :hostname, index: true
        t.integer :attempts, null: false, default: 0
        t.timestamp :started_at, :ended_at
        t.timestamps
      end
      connection.execute("INSERT INTO dynflow_schema_info VALUES (#{VERSION})")
    end

    def current?(connection = ActiveRecord::Base.connection)
      connection.table_exists?(:dynflow_schema_info) && connection.select_value('SELECT max(version) FROM dynflow_schema_info') == VERSION
    end
  end
end
