class CreateKatello < ActiveRecord::Migration[6.1]
  def change
    create_table :katello_content_views do |t|
      t.string :name, null: false
      t.boolean :default, null: false, default: false
      t.bigint :organization_id, index: true
      t.timestamps
    end
    create_table :katello_events do |t|
      t.string :event_type, null: false
      t.bigint :object_id
      t.boolean :in_progress, null: false, default: false
      t.timestamps
    end
  end
end
