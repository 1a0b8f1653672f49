class CreateAzureImages < ActiveRecord::Migration[6.1]
  def change
    create_table :azure_images do |t|
      t.string :name, null: false, index: { unique: true }
      t.timestamps
    end
  end
end
