ActiveRecord::Base.connection.execute(<<~SQL)
  INSERT INTO kubevirt_images (name, created_at, updated_at) VALUES ('Default', now(), now()) ON CONFLICT DO NOTHING
SQL
