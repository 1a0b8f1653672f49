class CreateForemanTasksTasks < ActiveRecord::Migration[6.1]
  def change
    create_table :foreman_tasks_tasks, id: :uuid do |t|
      t.string :type, null: false, default: 'ForemanTasks::Task::DynflowTask'
      t.string :label, :state, :result, null: false
      t.string :external_id, null: false, index: { unique: true }
      t.string :action, :hostname
      t.jsonb :output, null: false, default: {}
      t.bigint :user_id
      t.timestamp :started_at, :ended_at, :state_updated_at
    end
    add_index :foreman_tasks_tasks, :state
  end
end
