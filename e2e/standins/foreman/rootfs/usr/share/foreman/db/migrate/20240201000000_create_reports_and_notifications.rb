class CreateReportsAndNotifications < ActiveRecord::Migration[6.1]
  def change
    create_table(:reports) { |t| t.string :kind, null: false; t.text :summary; t.timestamps }
    create_table(:notifications) { |t| t.text :message, null: false; t.timestamp :expired_at; t.timestamps }
  end
end
