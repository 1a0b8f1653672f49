ActiveRecord::Base.connection.execute("INSERT INTO kubevirt_images (name, created_at, updated_at) VALUES ('Default', now(), now()) ON CONFLICT DO NOTHING")
