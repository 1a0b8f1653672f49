ActiveRecord::Base.connection.execute(<<~SQL)
  INSERT INTO webhook_templates (name, created_at, updated_at) VALUES ('Webhook Template - Payload Default', now(), now()) ON CONFLICT DO NOTHING
SQL
