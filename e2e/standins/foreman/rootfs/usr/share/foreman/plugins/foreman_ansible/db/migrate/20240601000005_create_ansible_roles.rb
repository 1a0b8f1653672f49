class CreateAnsibleRoles < ActiveRecord::Migration[6.1]
  def change
    create_table :ansible_roles do |t|
      t.string :name, null: false, index: { unique: true }
      t.timestamps
    end
  end
end
