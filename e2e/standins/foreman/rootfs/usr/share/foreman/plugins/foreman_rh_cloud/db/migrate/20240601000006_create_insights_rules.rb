class CreateInsightsRules < ActiveRecord::Migration[6.1]
  def change
    create_table :insights_rules do |t|
      t.string :name, null: false, index: { unique: true }
      t.timestamps
    end
  end
end
