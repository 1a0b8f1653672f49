class CreateSubnets < ActiveRecord::Migration[6.1]
  def change
    create_table :subnets do |t|
      t.string :name, null: false, index: { unique: true }
      t.string :network, :mask
      t.references :tftp
      t.timestamps
    end
    change_table :smart_proxies do |t|
      t.jsonb :unrecognized_features, :organization_ids, :location_ids, null: false, default: []
    end
  end
end
