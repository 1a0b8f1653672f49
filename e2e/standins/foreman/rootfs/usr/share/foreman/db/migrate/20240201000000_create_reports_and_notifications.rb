class CreateReportsAndNotifications < ActiveRecord::Migration[6.1]
  def change
    create_table :reports do |t|
      t.string :kind, null: false
      t.text :summary
      t.timestamps
    end
    create_table :notifications do |t|
      t.text :message, null: false
      t.timestamp :expired_at
      t.timestamps
    end
  end
end
