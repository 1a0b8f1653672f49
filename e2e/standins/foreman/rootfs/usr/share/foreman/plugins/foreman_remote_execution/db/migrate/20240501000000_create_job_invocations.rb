class CreateJobInvocations < ActiveRecord::Migration[6.1]
  def change
    create_table :job_templates do |t|
      t.string :name, null: false, index: { unique: true }
      t.text :template
      t.timestamps
    end
    create_table :job_invocations do |t|
      t.references :job_template, null: false, foreign_key: true
      t.string :targeting_type, :search_query, null: false
      t.jsonb :inputs, null: false, default: {}
      t.uuid :task_id
      t.timestamps
    end
  end
end
