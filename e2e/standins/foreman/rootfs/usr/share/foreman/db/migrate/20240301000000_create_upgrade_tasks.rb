class CreateUpgradeTasks < ActiveRecord::Migration[6.1]
  def change
    create_table :upgrade_tasks do |t|
      t.string :name, null: false, index: { unique: true }
      t.string :task_name, null: false
      t.boolean :always_run, :skip_failure, null: false, default: false
      t.timestamp :last_run_time
      t.timestamps
    end
  end
end
