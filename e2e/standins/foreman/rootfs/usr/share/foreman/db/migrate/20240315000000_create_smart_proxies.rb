class CreateSmartProxies < ActiveRecord::Migration[6.1]
  def change
    create_table :smart_proxies do |t|
      t.string :name, null: false, index: { unique: true }
      t.string :url, null: false, index: { unique: true }
      t.jsonb :features, null: false, default: []
      t.timestamps
    end
  end
end
