class CreateCore < ActiveRecord::Migration[6.1]
  def change
    create_table :settings do |t|
      t.string :name, null: false, index: { unique: true }
      t.text :value
      t.boolean :encrypted, null: false, default: false
      t.timestamps
    end
    create_table :users do |t|
      t.string :login, null: false, index: { unique: true }
      t.string :password_hash, null: false
      t.boolean :admin, null: false, default: false
      t.timestamp :last_login_on
      t.timestamps
    end
    create_table :taxonomies do |t|
      t.string :type, null: false
      t.string :name, null: false
      t.text :description
      t.timestamps
      t.index %i[type name], unique: true
    end
    create_table :sessions do |t|
      t.string :session_id, null: false, index: { unique: true }
      t.text :data
      t.timestamps
    end
    create_table :audits do |t|
      t.string :action, null: false
      t.string :user_login, :remote_address, :comment
      t.timestamps
    end
    create_table :installed_plugins do |t|
      t.string :name, null: false, index: { unique: true }
      t.string :version, null: false
      t.timestamps
    end
  end
end
